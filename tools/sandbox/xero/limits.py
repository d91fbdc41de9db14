"""Xero's rate limits: calls at a time, in a minute and in a day."""

from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from math import ceil
from typing import Literal

from tools.sandbox.xero.wire import Refused, Reply

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
PER_DAY, APP_PER_MINUTE = 5_000, 10_000

Problem = Literal["concurrent", "minute", "day"]


class Limits:
    """Counts calls in rolling windows of the sandbox's clock."""

    def __init__(self, per_minute: int = 60, concurrent: int = 5, per_day: int = PER_DAY) -> None:
        self._concurrent = concurrent
        self._running = 0
        self._allowed = {MINUTE: per_minute, DAY: max(per_day, per_minute)}
        self._calls: dict[timedelta, deque[datetime]] = {MINUTE: deque(), DAY: deque()}

    @contextmanager
    def slot(self, now: datetime) -> Iterator[None]:
        """Run one call; raises Refused with a 429 when a limit is reached."""
        if self._running >= self._concurrent:
            raise too_many("concurrent", 1)
        self._take(DAY, now, "day")
        self._take(MINUTE, now, "minute")
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1

    def headers(self, now: datetime) -> Mapping[str, str]:
        """What is left, as every answer tells it."""
        minute, day = self._left(MINUTE, now), self._left(DAY, now)
        return {
            "X-MinLimit-Remaining": str(minute),
            "X-DayLimit-Remaining": str(day),
            "X-AppMinLimit-Remaining": str(max(APP_PER_MINUTE - len(self._calls[MINUTE]), 0)),
        }

    def forget(self) -> None:
        """Start counting anew."""
        for calls in self._calls.values():
            calls.clear()

    def _take(self, window: timedelta, now: datetime, problem: Problem) -> None:
        if not self._left(window, now):
            oldest = self._calls[window][0]
            raise too_many(problem, max(ceil((oldest + window - now).total_seconds()), 1))
        self._calls[window].append(now)

    def _left(self, window: timedelta, now: datetime) -> int:
        calls = self._calls[window]
        while calls and calls[0] <= now - window:
            calls.popleft()
        return max(self._allowed[window] - len(calls), 0)


def too_many(problem: Problem, seconds: int) -> Refused:
    """A 429 that names its limit and when to come back."""
    headers = {"Retry-After": str(seconds), "X-Rate-Limit-Problem": problem}
    return Refused(Reply(429, b"", "text/plain", headers))
