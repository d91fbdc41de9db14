"""Goods that several outlets get alike: "same again for Bedok", "both Simei and Bedok"."""

import itertools
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from tools.ordering.extras import Placed
from tools.ordering.places import Mention
from tools.ordering.types import OrderLine, OrderRequest, Outlet

SAME = re.compile(r"\b(?:same(?!\s+day)|ditto|likewise|identical)\b", re.IGNORECASE)
BOTH = re.compile(r"\bboth\s+(?:the\s+|our\s+)?$", re.IGNORECASE)
EACH = re.compile(r"\W*(?:outlets?\s+|branch(?:es)?\s+)?each\b", re.IGNORECASE)
AND = re.compile(r"[\s,]*(?:\band\b|&|\+|\bplus\b|\bn\b)\s*(?:the\s+|our\s+)?", re.IGNORECASE)
Days = Sequence[tuple[int, int, date]]


def pair_in(text: str, mentions: Sequence[Mention]) -> tuple[Outlet, ...]:
    """Two outlets that a text names together for the same goods; none where it does not."""
    for one, other in itertools.pairwise(mentions):
        is_joined = AND.fullmatch(text[one.end : other.start]) is not None
        is_alike = BOTH.search(text[: one.start]) or EACH.match(text, other.end)
        if is_joined and is_alike and len(one.outlets) == len(other.outlets) == 1:
            return (one.outlets[0], other.outlets[0])
    return ()


def repeated(
    request: OrderRequest,
    text: str,
    placed: Sequence[Placed],
    mentions: Sequence[Mention],
    days: Days,
) -> OrderRequest | None:
    """The order with its goods once more for another outlet; None where none gets the same."""
    if len(mentions) != 2 or any(len(m.outlets) != 1 for m in mentions):
        return None
    first, second = mentions
    if not placed or placed[-1].start > second.start or first.outlets == second.outlets:
        return None
    start = max(placed[-1].end, first.end)
    if not SAME.search(text, start):
        return None
    own = [day for place, _, day in days if place >= start]
    day = own[0] if own else request.wanted_day
    lines = (
        *_for(request.lines, first.outlets[0]),
        *(replace(x, day=day) for x in _for(request.lines, second.outlets[0])),
    )
    return replace(request, lines=lines, wanted_day=_earliest(request, days, start))


def _for(lines: Sequence[OrderLine], outlet: Outlet) -> tuple[OrderLine, ...]:
    return tuple(replace(x, outlet=outlet) for x in lines)


def _earliest(request: OrderRequest, days: Days, until: int) -> date | None:
    """The day of the goods that were named first."""
    first = next((day for place, _, day in days if place < until), None)
    return first or request.wanted_day
