"""What may be known of a call of the model from outside: times, tokens and how it went."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from tools.model.usage import Usage

Failure = Literal["", "timeout", "rate_limit", "server", "broken", "refused", "other"]


@dataclass
class ModelCall:
    """One call with all its tries. `first` and `further` are the times of a stream's pieces.

    `failure` is "" where it went well, None where whoever asked left before the end.
    """

    model: str
    usage: Usage = field(default_factory=Usage)
    seconds: float = 0
    first: float | None = None
    further: list[float] = field(default_factory=list)
    failure: Failure | None = ""
    started: float = field(default_factory=time.monotonic)

    def began(self) -> None:
        """The first piece is here."""
        self.first = time.monotonic() - self.started


OnCall = Callable[[ModelCall], None]


def nobody(_: ModelCall) -> None:
    """Calls that are told to nobody."""
