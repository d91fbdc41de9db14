"""A message about an open order, taken apart: goods, places and days, and in which clause."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from tools.ordering.catalogue import Catalogue
from tools.ordering.cues import without_cues
from tools.ordering.labels import without_labels
from tools.ordering.lines import Candidate, candidates_in
from tools.ordering.orders import days_of
from tools.ordering.places import Mention, mentions_in, words_of
from tools.ordering.text import Written
from tools.ordering.types import Outlet

CLAUSE = re.compile(
    r"[,;\n]|[.!?](?=\s|$)|\b(?:and|plus|then|but)\b|&|\b(?:add|remove|drop|without|make)\b"
)
TO_NUMBER = re.compile(r"\bto\W+(?=[0-9])")
Days = tuple[tuple[int, int, date], ...]


@dataclass(frozen=True)
class Message:
    """What a message names, where, and at which places its clauses begin."""

    written: Written
    candidates: tuple[Candidate, ...]
    mentions: tuple[Mention, ...]
    days: Days
    breaks: tuple[int, ...]

    @property
    def text(self) -> str:
        return self.written.text

    def clause(self, place: int) -> int:
        """The number of the clause that a place is in."""
        return bisect_right(self.breaks, place)

    def beside(self, place: int) -> list[Candidate]:
        """The goods in the same clause as a place."""
        here = self.clause(place)
        return [c for c in self.candidates if self.clause(c.item.start) == here]

    def context_of(self, candidate: Candidate) -> str:
        """What is said of these goods: all since the goods before, to the end of their clause."""
        start, end = self._edges(candidate)
        return self.text[start:end]

    def phrase_of(self, candidate: Candidate) -> str:
        """The same words as the customer wrote them."""
        start, end = self._edges(candidate)
        return self.written.phrase(start, end).strip(" ,.;!?")

    def is_set_to(self, candidate: Candidate) -> bool:
        """Whether the number is one to reach, as in "drop the XL to 200"."""
        return TO_NUMBER.search(self.context_of(candidate)) is not None

    def _edges(self, candidate: Candidate) -> tuple[int, int]:
        place = candidate.item.start
        earlier = [c for c in self.candidates if c.item.start < place]
        number = self.clause(place)
        end = (*self.breaks, len(self.text))[number]
        if not earlier:
            return 0, max(end, candidate.item.end)
        last = earlier[-1]
        is_same = self.clause(last.item.start) == number
        start = last.item.end if is_same else self.breaks[self.clause(last.item.start)]
        return start, max(end, candidate.item.end)


def read_message(
    written: Written, catalogue: Catalogue, outlets: Sequence[Outlet], received: datetime
) -> Message:
    """Find the goods, places and days of a message; its words of change name no goods."""
    goods = replace(written, text=without_cues(without_labels(written).text))
    found = candidates_in(goods, catalogue, words_of(outlets) - catalogue.words)
    spans = [(c.item.start, c.item.end) for c in found]
    places = (m.start() for m in CLAUSE.finditer(written.text))
    return Message(
        written=written,
        candidates=tuple(found),
        mentions=tuple(mentions_in(written.text, outlets, catalogue.words)),
        days=days_of(written, outlets, received),
        breaks=tuple(p for p in places if not any(start < p < end for start, end in spans)),
    )
