"""Lines of an order that only make sense beside its other lines: matching liners, totals."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tools.ordering.asides import is_restated
from tools.ordering.catalogue import Catalogue, Product
from tools.ordering.types import OrderLine

BOX, LINER = "pizza box", "liner"
MATCHING = re.compile(
    r"\b(?:match\w*|their|its|same|respective|corresponding|accompanying|each|go\s+with)\b",
    re.IGNORECASE,
)
LOOK_BACK = 24


@dataclass(frozen=True)
class Placed:
    """A line and where in the text it stands."""

    line: OrderLine
    start: int
    end: int


def without_totals(placed: Sequence[Placed], text: str) -> list[Placed]:
    """Without numbers of nothing in particular that only repeat a count or add up all of them."""
    counts = [p.line.pieces for p in placed if p.line.code]
    known = {*counts, sum(counts)}
    return [
        p
        for p in placed
        if p.line.problem != "unknown_product"
        or p.line.pieces not in known
        or not is_restated(text, p.start, p.end)
    ]


def with_liners(placed: Sequence[Placed], text: str, catalogue: Catalogue) -> Iterator[Placed]:
    """Liners without a size take those of the boxes they are said to match."""
    boxes = [p.line for p in placed if _family(p.line, catalogue) == BOX and not p.line.problem]
    for one in placed:
        liners = {x.size: x for x in one.line.alternatives}
        is_open = {x.family for x in one.line.alternatives} == {LINER} and not one.line.packs
        if not is_open or not boxes or not _is_for(one, boxes, text):
            yield one
            continue
        for box in boxes:
            product = catalogue.get(box.code or "")
            if product and product.size in liners:
                yield replace(one, line=_of(one.line, liners[product.size], box.pieces))


def _is_for(liner: Placed, boxes: Sequence[OrderLine], text: str) -> bool:
    """Whether a number fits the boxes, or none is given and the liners match them by word."""
    pieces = sum(b.pieces for b in boxes)
    if liner.line.pieces:
        return liner.line.pieces == pieces and len({b.code for b in boxes}) == len(boxes)
    before = text[max(0, liner.start - LOOK_BACK) : liner.end]
    return MATCHING.search(before) is not None


def _of(line: OrderLine, product: Product, pieces: int) -> OrderLine:
    return replace(line, code=product.code, pieces=pieces, problem=None, alternatives=())


def _family(line: OrderLine, catalogue: Catalogue) -> str | None:
    product = catalogue.get(line.code) if line.code else None
    return product.family if product else None
