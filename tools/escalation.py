"""Which level of people a conversation goes to, by the rules of the house."""

import re
import tomllib
from collections.abc import Iterable, Set
from decimal import Decimal
from functools import cache
from importlib import resources

from tools.rules import load_rules
from tools.understanding.sentiment import phrases

STAFF = 2  # the first level of people
EVERYBODY = (2, 3, 4)
ABOVE_STAFF = {"manager": 3, "legal": 3, "media": 4, "liability": 4}
PIECES = re.compile(
    r"\b(\d{1,3}(?:,\d{3})+|\d{2,6})\s*(?:pcs|pieces|boxes|trays|lids|个|keping|kotak)",
    re.IGNORECASE,
)


def triggers_of(text: str) -> frozenset[str]:
    """Which of manager, legal, media and liability a message speaks of."""
    return frozenset(name for name, pattern in _patterns().items() if pattern.search(text))


def damaged_pieces(text: str) -> int:
    """The largest number of pieces that a message about damage names; 0 when it names none."""
    return max((int(n.replace(",", "")) for n in PIECES.findall(text)), default=0)


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


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    text = (resources.files("tools") / "escalation_words.toml").read_text(encoding="utf-8")
    return {name: phrases(entry["words"]) for name, entry in tomllib.loads(text).items()}
