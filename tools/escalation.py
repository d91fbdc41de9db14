"""Which level of people a conversation goes to, by the rules of the house."""

import re
import tomllib
from collections.abc import Iterable, Sequence, Set
from datetime import datetime
from decimal import Decimal
from functools import cache
from importlib import resources

from tools.ordering.catalogue import Catalogue
from tools.ordering.orders import parse_order
from tools.ordering.text import in_english, plain
from tools.ordering.types import OrderLine
from tools.rules import load_rules
from tools.understanding.grievances import is_repeated
from tools.understanding.sentiment import phrases

STAFF = 2  # the first level of people
EVERYBODY = (2, 3, 4)
ABOVE_STAFF = {"manager": 3, "legal": 3, "incidents": 3, "media": 4, "liability": 4}
DAMAGED = re.compile(
    r"\b(?:damag|crush|broke|torn|tear|wet|soak|crack|dent|squash|defect|mou?ld|stain|leak|spoil|spoilt"
    r"|bent|rip|burst|dirty|basah|rosak|koyak)|坏|破|湿|裂|脏|உடை|சேத|கிழி|நனை",
    re.IGNORECASE,
)
CLAUSE = re.compile(r"[;.!?\n](?=\s|$)|,(?!\d)")


def triggers_of(text: str) -> frozenset[str]:
    """Which of manager, legal, media, liability and incidents a message speaks of."""
    found = {
        name for name, patterns in _patterns().items() if any(p.search(text) for p in patterns)
    }
    return frozenset(found | ({"incidents"} if is_repeated(text) else set()))


def threatens(text: str) -> bool:
    """Whether a message threatens with the law or the press, which says enough by itself."""
    return any(threat.search(text) for threat, *_ in _patterns().values())


def damaged_pieces(text: str, catalogue: Catalogue, received: datetime) -> int:
    """How many pieces a message calls damaged; 0 when it names no number.

    Packs are counted as pieces, and as the smallest packs where their goods are not named.
    """
    clauses = CLAUSE.split(plain(text))
    damaged = [c for c in clauses if DAMAGED.search(in_english(c).text)]
    counted = [_pieces(clause, catalogue, received) for clause in damaged]
    return max(counted, default=0) or max(
        (_most_of_one(clause, catalogue, received) for clause in clauses), default=0
    )


def levels_for(
    reason: str,
    triggers: Set[str] = frozenset(),
    *,
    segment: str = "",
    amounts: Iterable[Decimal] = (),
    pieces: int = 0,
) -> tuple[int, ...]:
    """The levels a ticket goes to, first the one that answers. `amounts` are SGD at stake."""
    if reason == "food_safety":
        return EVERYBODY
    rules = load_rules()
    at_stake = max(amounts, default=Decimal(0))
    levels = [STAFF, *(level for name, level in ABOVE_STAFF.items() if name in triggers)]
    if reason == "damage" and pieces > rules.quality.level3_damaged_pieces:
        levels.append(3)
    if at_stake > rules.escalation.level3_over:
        levels.append(3)
    is_major = segment == "major" and reason in ("complaint", "damage")
    if at_stake > rules.escalation.level4_over or is_major:
        levels.append(4)
    return (max(levels),)


def level_for_credit(amount: Decimal, pieces: int) -> int:
    """Who may grant a credit for so many damaged pieces: the first level whose limit allows it."""
    rules = load_rules()
    many = pieces > rules.quality.level3_damaged_pieces
    return next(
        number
        for number, level in sorted(rules.escalation.levels.items())
        if (level.credit is None or level.credit >= amount) and number > STAFF - 1 + many
    )


def _lines(text: str, catalogue: Catalogue, received: datetime) -> Sequence[OrderLine]:
    return parse_order(text, catalogue, (), received).lines


def _pieces(text: str, catalogue: Catalogue, received: datetime) -> int:
    return sum(_count(line, catalogue) for line in _lines(text, catalogue, received))


def _most_of_one(text: str, catalogue: Catalogue, received: datetime) -> int:
    counts = (_count(line, catalogue) for line in _lines(text, catalogue, received))
    return max(counts, default=0)


def _count(line: OrderLine, catalogue: Catalogue) -> int:
    named = catalogue.get(line.code) if line.code else None
    meant = [named] if named else line.alternatives or catalogue.products
    packs = [product.pack_size for product in meant if product.pack_size > 1]
    return line.pieces or line.packs * min(packs, default=1)


@cache
def _patterns() -> dict[str, tuple[re.Pattern[str], ...]]:
    """For each trigger what threatens with it, and what only speaks of it."""
    text = (resources.files("tools") / "escalation_words.toml").read_text(encoding="utf-8")
    return {
        name: (_listed(entry.get("threat", "")), phrases(entry["words"]))
        for name, entry in tomllib.loads(text).items()
    }


def _listed(words: str) -> re.Pattern[str]:
    return phrases(words) if words else re.compile(r"(?!)")
