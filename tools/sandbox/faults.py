"""Faults that a test orders in advance: how often, and on which operation."""

from dataclasses import dataclass
from typing import Literal

Mode = Literal[
    "drop_after_commit",
    "error_after_commit",
    "hang",
    "unavailable",
    "html_error",
    "rate_limit",
    "ignore_filters",
]


@dataclass
class Fault:
    """A fault and how many more calls it meets; operation `*` meets them all."""

    operation: str
    mode: Mode
    times: int


class Faults:
    """The faults that are still to come."""

    def __init__(self) -> None:
        self.waiting: list[Fault] = []

    def order(self, fault: Fault) -> None:
        """Add a fault, in the place of an earlier one of the same kind; none when times is 0."""
        kind = (fault.operation, fault.mode)
        self.waiting = [f for f in self.waiting if (f.operation, f.mode) != kind]
        if fault.times > 0:
            self.waiting.append(fault)

    def take(self, operation: str) -> Mode | None:
        """The fault that meets this call, if any."""
        found = next((f for f in self.waiting if f.operation in ("*", operation)), None)
        if found is None:
            return None
        found.times -= 1
        self.waiting = [f for f in self.waiting if f.times > 0]
        return found.mode

    def forget(self) -> None:
        self.waiting = []
