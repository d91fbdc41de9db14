"""Which of several places or days belongs to which line of an order."""

import re
from bisect import bisect_right
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

CLAUSE = re.compile(r"[,;\n]|\.(?=\s|$)|\b(?:and|plus|then|but|while|whereas)\b|&")
SENTENCE = re.compile(r"[;\n]|\.(?=\s|$)")
T = TypeVar("T", bound=Hashable)
Span = tuple[int, int]


@dataclass(frozen=True)
class Anchor(Generic[T]):
    """A place or day where the text names it."""

    start: int
    value: T


def shares(text: str, lines: Sequence[Span], anchors: Sequence[Anchor[T]]) -> list[T | None]:
    """For each line the value it belongs to; None where the text leaves that open."""
    sentences = _breaks(SENTENCE, text, lines)
    clauses = _breaks(CLAUSE, text, lines)
    return [_share(line, lines, anchors, (sentences, clauses)) for line in lines]


def _breaks(pattern: re.Pattern[str], text: str, lines: Sequence[Span]) -> list[int]:
    """Where the text breaks, outside the lines: "10 inch box, 600 pcs" is one."""
    places = [m.start() for m in pattern.finditer(text)]
    return [p for p in places if not any(start <= p < end for start, end in lines)]


def _share(
    line: Span,
    lines: Sequence[Span],
    anchors: Sequence[Anchor[T]],
    breaks: tuple[list[int], list[int]],
) -> T | None:
    for level in breaks:
        here = [a for a in anchors if _same(level, a.start, line[0])]
        if len({a.value for a in here}) == 1:
            return here[0].value
    clauses = breaks[1]
    here = [a for a in anchors if _same(clauses, a.start, line[0])]
    if here:
        return _in_turn(line, [x for x in lines if _same(clauses, x[0], line[0])], here)
    return _from_neighbours(line, lines, anchors, clauses)


def _same(breaks: Sequence[int], one: int, other: int) -> bool:
    return bisect_right(breaks, one) == bisect_right(breaks, other)


def _in_turn(line: Span, lines: Sequence[Span], anchors: Sequence[Anchor[T]]) -> T | None:
    """Places before their goods, or after them, as the first one stands."""
    is_before = anchors[0].start < lines[0][0]
    if is_before:
        return next((a.value for a in reversed(anchors) if a.start < line[0]), None)
    return next((a.value for a in anchors if a.start > line[0]), None)


def _from_neighbours(
    line: Span, lines: Sequence[Span], anchors: Sequence[Anchor[T]], clauses: Sequence[int]
) -> T | None:
    """The place named before this clause for what follows, or after it for what went before."""
    earlier = next((a for a in reversed(anchors) if a.start < line[0]), None)
    later = next((a for a in anchors if a.start > line[0]), None)
    leads = earlier is not None and not _has_line(earlier.start, lines, clauses, is_before=True)
    trails = later is not None and not _has_line(later.start, lines, clauses, is_before=False)
    if leads and trails:
        leads = anchors[0].start < lines[0][0]
        trails = not leads
    if leads and earlier:
        return earlier.value
    return later.value if trails and later else None


def _has_line(
    anchor: int, lines: Sequence[Span], clauses: Sequence[int], *, is_before: bool
) -> bool:
    """Whether goods stand before (or after) the anchor in its own clause."""
    return any(_same(clauses, x[0], anchor) and (x[0] < anchor) == is_before for x in lines)
