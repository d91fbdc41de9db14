"""Faults that a test orders in advance: which, how often, on which operation and after how many."""

from dataclasses import dataclass
from typing import Literal

Mode = Literal[
    "drop_after_commit",
    "error_after_commit",
    "hang",
    "unavailable",
    "plain_503",
    "html_error",
    "not_json",
    "rate_limit",
    "slow",
    "ignore_filters",
    "extra_field",
    "new_status",
    "has_errors",
    "string_money",
    "wrong_total",
]
Problem = Literal["concurrent", "minute", "day", "appminute"]


@dataclass
class Fault:
    """A fault and how many more calls it meets; operation `*` meets them all.

    It lets the first `after` calls of its operation pass. `seconds` is how slow `slow` is;
    `problem` and `retry_after` are what `rate_limit` says, without the header if it is None.
    """

    operation: str
    mode: Mode
    times: int = 1
    after: int = 0
    seconds: float = 1.0
    problem: Problem = "minute"
    retry_after: int | None = 2


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

    def take(self, operation: str) -> Fault | None:
        """The fault that meets this call, if any; the others count the call all the same."""
        meant = [f for f in self.waiting if f.operation in ("*", operation)]
        found = next((f for f in meant if not f.after), None)
        for fault in meant:
            fault.after = max(fault.after - 1, 0)
        if found:
            found.times -= 1
            self.waiting = [f for f in self.waiting if f.times > 0]
        return found

    def forget(self) -> None:
        self.waiting = []
