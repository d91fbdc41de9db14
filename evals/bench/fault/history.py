"""What the clients of the campaign saw, one entry a message."""

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# The first event of every attempt at a turn.
ATTEMPT = "metadata"
# The whole, out of the database where the log of events is gone.
SNAPSHOT = "values"
OUTCOMES = (SNAPSHOT, "error")


@dataclass
class Turn:
    """One message: whether it was acknowledged, and every event of its run as it arrived."""

    thread_id: str
    message_id: str
    text: str
    run_id: str = ""
    is_acknowledged: bool = False
    is_over: bool = False
    ids: list[str] = field(default_factory=list)
    pieces: dict[str, str] = field(default_factory=dict)  # the text under each id of a message
    answer: str = ""  # of the last values that held one
    attempts: list[int] = field(default_factory=list)  # when each began, ms by Redis's clock
    unlogged: set[str] = field(default_factory=set)  # what came without an id
    came_late: bool = False  # cut off before the first id, it asked for what comes from then on
    is_shown_whole: bool = False  # by the last event: how it ended, out of the database
    cuts: int = 0

    def come_late(self) -> None:
        """The client joins without saying what it has seen."""
        self.came_late |= not self.ids

    def see(self, event: str, data: Any, event_id: str | None) -> None:
        """Note one event; it has no id while Redis is away, nor where the log was lost."""
        if event_id:
            self.ids.append(event_id)
        else:
            self.unlogged.add(content_of(event, data))
        self.is_shown_whole = event in OUTCOMES and not event_id
        if event == ATTEMPT and event_id:
            self.attempts.append(int(event_id.split("-")[0]))
        if event.startswith("messages") and isinstance(data, list) and data:
            chunk = data[0]
            self.pieces[chunk["id"]] = self.pieces.get(chunk["id"], "") + chunk["content"]
        if event == SNAPSHOT:
            self._see_values(data.get("messages") or [])

    def _see_values(self, messages: Sequence[dict[str, Any]]) -> None:
        """The conversation's own rule: the answer to a message stands after it."""
        ids = [message["id"] for message in messages]
        if self.message_id in ids and messages[-1]["type"] == "ai":
            self.answer = messages[-1]["content"]

    @property
    def last_id(self) -> str | None:
        """Where the client goes on."""
        return self.ids[-1] if self.ids else None

    @property
    def spoken(self) -> str:
        """The text since it last began anew."""
        return list(self.pieces.values())[-1] if self.pieces else ""

    def missed(self, whole: Mapping[str, str]) -> str | None:
        """How the events differ from the log's, ids to contents, that lost at most its beginning.

        An event may be logged although Redis did not say so: then it came without its id. A client
        that was shown how the run ended does not wait for what is still to be logged.
        """
        if not (whole and self.ids):
            return None
        first, last = place(next(iter(whole))), place(self.ids[-1])
        begun = place(self.ids[0]) if self.came_late else first
        extra = [each for each in self.ids if place(each) >= first and each not in whole]
        missing = [
            f"{each} {json.loads(content)[0]}"
            for each, content in whole.items()
            if place(each) >= begun
            and not (each in self.ids or content in self.unlogged)
            and not (self.is_shown_whole and place(each) > last)
        ]
        if not (extra or missing):
            return None
        return f"other events than the log holds: also {extra}, not {missing}"

    @property
    def is_in_order(self) -> bool:
        """Whether every id is greater than the one before it."""
        places = [place(event_id) for event_id in self.ids]
        return all(a < b for a, b in itertools.pairwise(places))


def content_of(event: str, data: Any) -> str:
    """What an event says, to be compared."""
    return json.dumps([event, data])


def place(event_id: str) -> tuple[int, int]:
    """An event id as numbers, to be compared."""
    first, _, second = event_id.partition("-")
    return int(first), int(second or 0)
