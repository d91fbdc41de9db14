"""Xero's rate limits: calls at a time, in a minute and in a day, and those of the whole app."""

from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from math import ceil

from tools.sandbox.faults import Problem
from tools.sandbox.xero.wire import Refused, Reply

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
PER_DAY, APP_PER_MINUTE = 5_000, 10_000
LEFT: Mapping[Problem, str] = {
    "minute": "X-MinLimit-Remaining",
    "day": "X-DayLimit-Remaining",
    "appminute": "X-AppMinLimit-Remaining",
}


class Limits:
    """Counts calls in rolling windows of the sandbox's clock."""

    def __init__(self, per_minute: int = 60, concurrent: int = 5, per_day: int = PER_DAY) -> None:
        app = max(per_minute, APP_PER_MINUTE)
        self._first = {"minute": per_minute, "day": max(per_day, per_minute), "appminute": app}
        self._first_concurrent = concurrent
        self._windows: dict[Problem, timedelta] = {
            "day": DAY,
            "minute": MINUTE,
            "appminute": MINUTE,
        }
        self._running = 0
        self.restore()

    def restore(self) -> None:
        """The limits of the start, and nothing counted."""
        self.concurrent = self._first_concurrent
        self.allowed = dict(self._first)
        self.forget()

    def forget(self) -> None:
        """Start counting anew."""
        self._calls: dict[Problem, deque[datetime]] = {name: deque() for name in self._windows}

    @contextmanager
    def slot(self, now: datetime) -> Iterator[None]:
        """Run one call; raises Refused with a 429 when a limit is reached."""
        if self._running >= self.concurrent:
            raise too_many("concurrent", 1)
        for name in self._windows:
            self._check(name, now)
        for calls in self._calls.values():
            calls.append(now)
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1

    def headers(self, now: datetime) -> Mapping[str, str]:
        """What is left, as every answer tells it."""
        return {header: str(self._left(name, now)) for name, header in LEFT.items()}

    def use_up(self, name: Problem, calls: int, now: datetime) -> None:
        """Make it as if so many calls had been made by now."""
        self._calls[name] = deque([now] * calls)

    def used(self, name: Problem, now: datetime) -> int:
        """How many calls the window holds."""
        calls, window = self._calls[name], self._windows[name]
        while calls and calls[0] <= now - window:
            calls.popleft()
        return len(calls)

    def _check(self, name: Problem, now: datetime) -> None:
        if self._left(name, now):
            return
        calls = self._calls[name]
        free = (calls[0] if calls else now) + self._windows[name]
        raise too_many(name, max(ceil((free - now).total_seconds()), 1))

    def _left(self, name: Problem, now: datetime) -> int:
        return max(self.allowed[name] - self.used(name, now), 0)


def too_many(problem: Problem, seconds: int | None) -> Refused:
    """A 429 that names its limit and, if it is known, when to come back."""
    headers: dict[str, str] = {"X-Rate-Limit-Problem": problem}
    if seconds is not None:
        headers["Retry-After"] = str(seconds)
    if problem in LEFT:
        headers[LEFT[problem]] = "0"
    return Refused(Reply(429, b"", "text/plain", headers))
