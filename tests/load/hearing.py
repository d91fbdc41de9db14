"""Event streams as a customer hears them: what came of a turn, and when."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from evals.bench.fault.history import Turn
from tests.load.talks import Talk

See = Callable[[str, Any, str | None], None]  # an event's name, its data, and its id


class Lines:
    """Takes in an event stream line by line, and tells of each event."""

    def __init__(self, see: See) -> None:
        self._see = see
        self._event, self._id = "", ""

    def read(self, line: bytes) -> None:
        """One more line."""
        name, _, value = line.decode().rstrip("\r\n").partition(": ")
        if name == "event":
            self._event = value
        elif name == "id":
            self._id = value
        elif name == "data":
            self._see(self._event, json.loads(value), self._id or None)
            self._id = ""


@dataclass
class Heard:
    """What came of one turn, and when."""

    turn: Turn
    talk: Talk
    customer: str
    headers: dict[str, str]
    wanted: float  # when it was meant to begin
    first_event: float | None = None
    first_word: float | None = None
    last_event: float = 0.0
    stall: float = 0.0
    error: str = ""

    @property
    def seconds(self) -> float:
        """Since it was meant to begin."""
        return time.monotonic() - self.wanted

    @property
    def is_over(self) -> bool:
        """Whether the answer was shown, or that there is none."""
        return bool(self.turn.answer or self.error)

    @property
    def path(self) -> str:
        """Where its run is looked at."""
        return f"/threads/{self.turn.thread_id}/runs/{self.turn.run_id}/stream"

    def see(self, event: str, data: Any, event_id: str | None) -> None:
        """Take in one event."""
        at = self.seconds
        self.first_event = self.first_event or at
        if self.first_word:
            self.stall = max(self.stall, at - self.last_event)
        elif event.startswith("messages") and data[0].get("content"):
            self.first_word = at
        self.last_event = at
        if event == "metadata":
            self.turn.run_id = data.get("run_id", self.turn.run_id)
        if event == "error":
            self.error = str(data.get("error", data))[:100]
        self.turn.see(event, data, event_id)
