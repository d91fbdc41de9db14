"""The lines of a written order: each item matched to a product and counted in pieces."""

import math
import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, replace
from decimal import Decimal

from tools.ordering.asides import is_declined, is_of_ours, without_asides
from tools.ordering.catalogue import AMBIGUOUS_CONFIDENCE, Catalogue, Match, Product
from tools.ordering.extras import Placed, with_liners, without_totals
from tools.ordering.finishes import EVERYTHING, comes_in, without_finish
from tools.ordering.quantities import Amount, Item, read_items
from tools.ordering.text import Written, in_english, plain
from tools.ordering.types import Finish
from tools.ordering.types import OrderLine as OrderLine
from tools.ordering.words import NOUNS, UNCOUNTABLE

# Above this a number is more likely a reference than a quantity.
MOST_PIECES = 1_000_000
# A lone number up to this is more likely a time of day or a position in a list.
SMALL = 24
FAMILY_CONFIDENCE = 0.8
MORE_OF_IT = re.compile(
    r"^\W*(?:and|plus|with|then)?\W*(?:(?:another|an\s+(?:extra|additional)|extra|additional|more)\b"
    r"|[0-9,]+\s*(?:pcs|pieces)?\s*(?:more|extra|as|for|spare)\s*(?:spares?|backups?|reserve"
    r"|extra|standby|buffer)?\b(?!\s+(?:the\s+)?[0-9]))",
    re.IGNORECASE,
)
LOOK_AHEAD = 16
# As in "white boxes: 200 of 12 inch, 100 of 10 inch".
HEADING = re.compile(r"\bwhite\b[^\n,;:0-9]{0,20}:", re.IGNORECASE)


@dataclass(frozen=True)
class Candidate:
    """A stretch of text and the product it may name."""

    item: Item
    match: Match
    finish: Finish = ""

    @property
    def is_bare(self) -> bool:
        """A quantity of nothing in particular."""
        return bool(self.item.amounts) and not self.item.words

    @property
    def is_named(self) -> bool:
        return self.match.product is not None or bool(self.match.alternatives)

    @property
    def codes(self) -> frozenset[str]:
        """The item codes of all goods that may be meant."""
        return frozenset(p.code for p in (self.match.product, *self.match.alternatives) if p)

    @property
    def comes_in_finishes(self) -> bool:
        """Whether goods are named that come in more than one finish."""
        meant = [self.match.product] if self.match.product else self.match.alternatives
        return bool(meant) and comes_in("white", meant)


def read_lines(text: str, catalogue: Catalogue, places: Set[str]) -> tuple[OrderLine, ...]:
    """The order lines of a text; `places` are lower-case words of its customer's outlets."""
    return tuple(p.line for p in place_lines(in_english(plain(text)), catalogue, places))


def place_lines(written: Written, catalogue: Catalogue, places: Set[str]) -> tuple[Placed, ...]:
    """The order lines of a text that is already in English words."""
    told = replace(written, text=without_asides(written.text))
    found = _wanted(_found_in(told, catalogue, places), told.text)
    joined = list(_joined(found, told.text))
    has_counted = any(c.item.amounts and c.is_named for c in joined)
    families = {p.family for c in joined if c.item.amounts and (p := c.match.product)}
    kept = [c for c in joined if _is_line(c, counted=has_counted) or _is_beside(c, families)]
    kept = [_in_family(c, families, catalogue) for c in kept]
    placed = [
        Placed(line, c.item.start, c.item.end) for c in kept if (line := line_of(c)) is not None
    ]
    return tuple(with_liners(without_totals(placed, told.text), told.text, catalogue))


def candidates_in(written: Written, catalogue: Catalogue, places: Set[str]) -> list[Candidate]:
    """Whatever a text counts or names, a product put together with the quantity beside it."""
    return list(_joined(_found_in(written, catalogue, places), written.text))


def _found_in(written: Written, catalogue: Catalogue, places: Set[str]) -> list[Candidate]:
    items = read_items(written, places, lambda words: catalogue.find(words).confidence > 0)
    found = _with_strays([_candidate(i, catalogue, places) for i in items], written.text)
    return [c for c in found if c.item.amounts or c.is_named]


def _with_strays(found: Sequence[Candidate], text: str) -> list[Candidate]:
    """A finish beside no goods is that of the goods before it, or as a heading of all after it."""
    heading = HEADING.search(text)
    told = [
        replace(c, finish="white")
        if heading and c.item.start >= heading.start() and c.comes_in_finishes
        else c
        for c in found
    ]
    for place, stray in enumerate(found):
        if not stray.finish or stray.item.amounts or stray.match.product:
            continue
        before = [] if stray.is_named else [i for i in range(place) if told[i].comes_in_finishes]
        if before and not EVERYTHING.search(text[told[before[-1]].item.end : stray.item.end]):
            before = before[-1:]
        after = [i for i in range(place + 1, len(told)) if told[i].comes_in_finishes]
        for i in before or after:
            told[i] = replace(told[i], finish=stray.finish)
    return told


def _wanted(candidates: Sequence[Candidate], text: str) -> list[Candidate]:
    """Without goods that are turned down, and numbers of what the customer has."""
    wanted: list[Candidate] = []
    since = 0
    for candidate in candidates:
        item = candidate.item
        if not item.amounts and is_declined(text, item.start, item.end, since):
            continue
        if not candidate.is_named and not candidate.is_bare and is_of_ours(text, item.start):
            continue
        wanted.append(candidate)
        since = item.end if item.amounts else since
    return wanted


def _candidate(item: Item, catalogue: Catalogue, places: Set[str]) -> Candidate:
    words = " ".join(w for w in item.words.split() if w.lower() not in places)
    rest, finish = without_finish(words)
    match = catalogue.find(rest)
    if finish and not rest:
        return Candidate(replace(item, words=""), match, finish)
    if comes_in(finish, [match.product] if match.product else match.alternatives):
        return Candidate(replace(item, words=rest), match, finish)
    return Candidate(replace(item, words=words), catalogue.find(words))


def _joined(candidates: Sequence[Candidate], text: str) -> Iterator[Candidate]:
    """Put a product and a quantity that stand next to each other together."""
    waiting: Candidate | None = None
    for candidate in candidates:
        if waiting and _is_more(waiting, candidate, text):
            yield waiting
            waiting = replace(candidate, match=waiting.match, finish=waiting.finish)
            continue
        if waiting and _belong_together(waiting, candidate):
            yield _together(waiting, candidate)
            waiting = None
            continue
        if waiting:
            yield waiting
        waiting = candidate
    if waiting:
        yield waiting


def _belong_together(one: Candidate, other: Candidate) -> bool:
    named_first = other.is_bare and not one.item.amounts
    return named_first or (one.is_bare and not other.item.amounts and not other.item.awaits_value)


def _is_more(one: Candidate, other: Candidate, text: str) -> bool:
    """Whether a number is of the goods before it: "12 inch 200 and another 100 for backup"."""
    if not (one.is_named and one.item.amounts and other.is_bare):
        return False
    return MORE_OF_IT.search(text[one.item.end : other.item.end + LOOK_AHEAD]) is not None


def _together(one: Candidate, other: Candidate) -> Candidate:
    named, bare = (other, one) if one.is_bare else (one, other)
    phrase = f"{one.item.phrase}, {other.item.phrase}"
    item = replace(
        named.item,
        phrase=phrase,
        amounts=bare.item.amounts,
        start=one.item.start,
        end=other.item.end,
        awaits_value=False,
    )
    return replace(named, item=item, finish=one.finish or other.finish)


def _is_line(candidate: Candidate, *, counted: bool) -> bool:
    item = candidate.item
    if not item.amounts:
        # Beside quantities, a product without one is a wish only when it is clear and not a blank.
        is_clear = candidate.match.product is not None and not item.awaits_value
        return is_clear or (candidate.match.confidence >= AMBIGUOUS_CONFIDENCE and not counted)
    if candidate.is_bare:
        return any(a.unit or a.value > SMALL for a in item.amounts)
    return candidate.is_named or not UNCOUNTABLE.intersection(item.words.lower().split())


def _is_beside(candidate: Candidate, families: Set[str]) -> bool:
    """Whether goods of another kind are named without a number, as in "and some liners"."""
    others = {p.family for p in candidate.match.alternatives}
    names = NOUNS | {f"{noun}s" for noun in NOUNS}
    is_named = bool(names.intersection(candidate.item.words.lower().split()))
    is_blank = candidate.item.awaits_value
    return is_named and not is_blank and bool(families and others) and not others & families


def _in_family(candidate: Candidate, families: Set[str], catalogue: Catalogue) -> Candidate:
    """A size without a noun is one of the goods around it: "300 regular, 200 medium, 50 XL"."""
    words = candidate.item.words.lower().split()
    if candidate.match.product or len(families) != 1 or NOUNS.intersection(words):
        return candidate
    kin = [p for p in candidate.match.alternatives if p.family in families]
    product = catalogue.among(candidate.item.words, kin)
    if product is None:
        return candidate
    return replace(candidate, match=Match(product, FAMILY_CONFIDENCE))


def line_of(candidate: Candidate) -> OrderLine | None:
    """The line, or nothing when the customer wrote that none is wanted."""
    item, match = candidate.item, candidate.match
    if item.amounts and all(a.value == 0 for a in item.amounts):
        return None
    if match.product is None:
        return replace(_open_line(item, match), finish=candidate.finish)
    line = OrderLine(match.product.code, 0, item.phrase, match.confidence)
    line = replace(line, finish=candidate.finish)
    return counted(line, item.amounts, match.product)


def counted(line: OrderLine, amounts: Sequence[Amount], product: Product) -> OrderLine:
    """The line with that many pieces of the product, and with the problem this leaves."""
    pieces = count(amounts, product)
    if pieces is None:
        return replace(line, pieces=0, problem="no_quantity", suggested_pieces=0)
    suggested = math.ceil(pieces / product.pack_size) * product.pack_size
    is_whole = suggested == pieces
    return replace(
        line,
        pieces=pieces,
        problem=None if is_whole else "not_whole_packs",
        suggested_pieces=0 if is_whole else suggested,
    )


def _open_line(item: Item, match: Match) -> OrderLine:
    """A line whose product the customer still has to name."""
    amount = item.amounts[0] if len(item.amounts) == 1 else Amount(Decimal(0), None)
    count = _whole(amount.value) or 0
    return OrderLine(
        code=None,
        pieces=0 if amount.unit == "pack" else count,
        phrase=item.phrase,
        confidence=match.confidence,
        problem="ambiguous" if match.confidence >= AMBIGUOUS_CONFIDENCE else "unknown_product",
        alternatives=match.alternatives,
        packs=count if amount.unit == "pack" else 0,
    )


def count(amounts: Sequence[Amount], product: Product) -> int | None:
    """The number of pieces; None when there is none or the numbers contradict each other."""
    for numbers in (amounts, [a for a in amounts if not _describes(a, product)]):
        counts = {a.value * (product.pack_size if a.unit == "pack" else 1) for a in numbers}
        if len(counts) == 1:
            return _whole(counts.pop()) if _is_plain(numbers, amounts, product) else None
    return None


def _is_plain(numbers: Sequence[Amount], amounts: Sequence[Amount], product: Product) -> bool:
    """Not so for "6 x 100" of a bundle of 100: six pieces, or six bundles?"""
    is_less = all(a.unit is None and a.value < product.pack_size for a in numbers)
    return not is_less or all(a.value != product.pack_size for a in amounts)


def _describes(amount: Amount, product: Product) -> bool:
    """Whether a number only repeats the pack or the size, as in "3 bundles of 100"."""
    return amount.unit is None and f"{amount.value}" in {f"{product.pack_size}", product.size}


def _whole(value: Decimal) -> int | None:
    return int(value) if value == int(value) and 0 < value <= MOST_PIECES else None
