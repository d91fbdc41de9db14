"""The lines of a written order: each item matched to a product and counted in pieces."""

import math
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from tools.catalogue import AMBIGUOUS_CONFIDENCE, Catalogue, Match, Product
from tools.order_words import UNCOUNTABLE
from tools.quantities import Amount, Item, read_items

Problem = Literal["unknown_product", "ambiguous", "no_quantity", "not_whole_packs"]

# Above this a number is more likely a reference than a quantity.
MOST_PIECES = 1_000_000
# A lone number up to this is more likely a time of day or a position in a list.
SMALL = 24


@dataclass(frozen=True)
class OrderLine:
    """What was asked for. `code` is the product's.

    `pieces` is 0 when unknown; `packs` counts bundles or cartons whose product is still open.
    `suggested_pieces` is the next whole number of packs, for `not_whole_packs`.
    """

    code: str | None
    pieces: int
    phrase: str
    confidence: float
    problem: Problem | None = None
    suggested_pieces: int = 0
    alternatives: tuple[Product, ...] = ()
    packs: int = 0


@dataclass(frozen=True)
class _Candidate:
    item: Item
    match: Match

    @property
    def is_bare(self) -> bool:
        """A quantity of nothing in particular."""
        return bool(self.item.amounts) and not self.item.words

    @property
    def is_named(self) -> bool:
        return self.match.product is not None or bool(self.match.alternatives)


def read_lines(text: str, catalogue: Catalogue, places: Set[str]) -> tuple[OrderLine, ...]:
    """The order lines of a text; `places` are lower-case words of its customer's outlets."""
    found = [_candidate(i, catalogue, places) for i in read_items(text)]
    relevant = [c for c in found if c.item.amounts or c.is_named]
    joined = list(_joined(relevant))
    counted = any(c.item.amounts and c.is_named for c in joined)
    kept = [c for c in joined if _is_line(c, counted=counted)]
    return tuple(line for c in kept if (line := _line(c)))


def _candidate(item: Item, catalogue: Catalogue, places: Set[str]) -> _Candidate:
    words = " ".join(w for w in item.words.split() if w.lower() not in places)
    return _Candidate(replace(item, words=words), catalogue.find(words))


def _joined(candidates: Sequence[_Candidate]) -> Iterator[_Candidate]:
    """Put a product and a quantity that stand next to each other together."""
    waiting: _Candidate | None = None
    for candidate in candidates:
        if waiting and _belong_together(waiting, candidate):
            yield _together(waiting, candidate)
            waiting = None
            continue
        if waiting:
            yield waiting
        waiting = candidate
    if waiting:
        yield waiting


def _belong_together(one: _Candidate, other: _Candidate) -> bool:
    named_first = other.is_bare and not one.item.amounts
    return named_first or (one.is_bare and not other.item.amounts and not other.item.awaits_value)


def _together(one: _Candidate, other: _Candidate) -> _Candidate:
    named, bare = (other, one) if one.is_bare else (one, other)
    phrase = f"{one.item.phrase}, {other.item.phrase}"
    item = replace(named.item, phrase=phrase, amounts=bare.item.amounts, awaits_value=False)
    return replace(named, item=item)


def _is_line(candidate: _Candidate, *, counted: bool) -> bool:
    item = candidate.item
    if not item.amounts:
        # Beside quantities, a product without one is a wish only when it is clear and not a blank.
        is_clear = candidate.match.product is not None and not item.awaits_value
        return is_clear or (candidate.match.confidence >= AMBIGUOUS_CONFIDENCE and not counted)
    if candidate.is_bare:
        return any(a.unit or a.value > SMALL for a in item.amounts)
    return candidate.is_named or not UNCOUNTABLE.intersection(item.words.lower().split())


def _line(candidate: _Candidate) -> OrderLine | None:
    """The line, or nothing when the customer wrote that none is wanted."""
    item, match = candidate.item, candidate.match
    if item.amounts and all(a.value == 0 for a in item.amounts):
        return None
    if match.product is None:
        return _open_line(item, match)
    line = OrderLine(match.product.code, 0, item.phrase, match.confidence)
    pieces = _pieces(item.amounts, match.product)
    if pieces is None:
        return replace(line, problem="no_quantity")
    suggested = math.ceil(pieces / match.product.pack_size) * match.product.pack_size
    if suggested != pieces:
        return replace(line, pieces=pieces, problem="not_whole_packs", suggested_pieces=suggested)
    return replace(line, pieces=pieces)


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


def _pieces(amounts: Sequence[Amount], product: Product) -> int | None:
    """The number of pieces; None when there is none or the numbers contradict each other."""
    for numbers in (amounts, [a for a in amounts if not _describes(a, product)]):
        counts = {a.value * (product.pack_size if a.unit == "pack" else 1) for a in numbers}
        if len(counts) == 1:
            return _whole(counts.pop())
    return None


def _describes(amount: Amount, product: Product) -> bool:
    """Whether a number only repeats the pack or the size, as in "3 bundles of 100"."""
    return amount.unit is None and f"{amount.value}" in {f"{product.pack_size}", product.size}


def _whole(value: Decimal) -> int | None:
    return int(value) if value == int(value) and 0 < value <= MOST_PIECES else None
