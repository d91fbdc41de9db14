"""Where a reader stands in a stream, and what may come next."""

from collections.abc import Iterable, Iterator
from typing import Literal

from tools.streams.event import HOLE, START, Event, order

Verdict = Literal["next", "hole", "seen"]


class Position:
    """The last event that a reader was given.

    The events of one attempt are numbered without a gap, so a lost one shows: the log may have
    been emptied, cut off at its length, or could not be written for a while.
    """

    def __init__(self, event_id: str = START) -> None:
        self.event_id = event_id
        self._order = order(event_id)
        self._writer, self._number = "", 0
        self._takes_any = False

    def following(self, events: Iterable[Event]) -> Iterator[Event]:
        """Those that are news, after HOLE where one before is lost; the reader takes them."""
        for event in events:
            verdict = self.judge(event)
            if verdict == "hole":
                yield HOLE
            if verdict != "seen":
                self.take(event)
                yield event

    def judge(self, event: Event) -> Verdict:
        """Whether the event follows, was given before, or has lost its predecessor."""
        if event.number and event.writer == self._writer:
            if event.number <= self._number:
                return "seen"
            return "next" if self._takes_any or event.number == self._number + 1 else "hole"
        if event.event_id and order(event.event_id) <= self._order:
            return "seen"
        return "next" if self._takes_any or event.number <= 1 else "hole"

    def take(self, event: Event) -> None:
        """Stand after this event."""
        if event.event_id:
            self.event_id, self._order = event.event_id, order(event.event_id)
        if event.number:
            self._writer, self._number = event.writer, event.number
            self._takes_any = False

    def take_any(self) -> None:
        """Whatever comes next follows: what was before it is shown in another way, or not asked."""
        self._takes_any = True
