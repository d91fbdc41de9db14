"""What customers say, out of talks.toml; and a turn as the one who asked saw it."""

import json
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.load.crowd import base_of

FILE = Path(__file__).with_name("talks.toml")


@dataclass(frozen=True)
class Talk:
    """A customer's side of a conversation."""

    kind: str
    share: int
    says: Sequence[str]
    of: str | None = None
    language: str = "en"


@dataclass(frozen=True)
class Told:
    """One turn; seconds count from the moment at which it was meant to begin."""

    kind: str
    customer: str
    thread_id: str
    message_id: str
    run_id: str
    text: str
    asked_at: float  # when it was meant to begin, Unix time
    first_event: float | None
    first_word: float | None
    seconds: float
    stall: float  # the longest silence after the first word
    cuts: int
    is_acknowledged: bool
    error: str
    spoken: str
    answer: str
    gap: str = ""  # how the stream differs from what is shown of it afterwards

    @property
    def is_answered(self) -> bool:
        """Whether the customer got what it asked for."""
        return not self.error


@cache
def talks() -> list[Talk]:
    """All of them."""
    return [Talk(**entry) for entry in tomllib.loads(FILE.read_text("utf-8"))["talks"]]


def talks_of(customer_id: str) -> list[Talk]:
    """Those that a customer can hold."""
    return [talk for talk in talks() if talk.of in (None, base_of(customer_id))]


def read_history(file: Path) -> list[Told]:
    """Every turn that was written down, the earliest first."""
    lines = file.read_text("utf-8").splitlines() if file.exists() else []
    return sorted((Told(**json.loads(line)) for line in lines), key=lambda told: told.asked_at)
