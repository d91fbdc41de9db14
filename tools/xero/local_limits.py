"""The limits of one process on its own, for as long as Redis is away."""

import time
from collections import deque
from collections.abc import Callable
from typing import Literal

Refusal = tuple[Literal["concurrent", "minute", "day"], float | None]


class LocalLimits:
    """Counts this process's calls, and believes what Xero's last answer said is left."""

    def __init__(
        self,
        at_once: int,
        per_minute: int,
        minute_seconds: float = 60,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.minute_left: int | None = None
        self.day_left: int | None = None
        self._at_once = at_once
        self._per_minute = per_minute
        self._minute = minute_seconds
        self._clock = clock
        self._running: set[str] = set()
        self._calls: deque[float] = deque()
        self._rests_until = 0.0
        self._rests_for: Literal["minute", "day"] = "minute"

    def take(self, token: str, *, is_chat: bool, kept_of_day: float) -> Refusal | None:
        """Begin a call; else why not, and the seconds to wait."""
        now = self._clock()
        while self._calls and self._calls[0] <= now - self._minute:
            self._calls.popleft()
        if now < self._rests_until:
            return self._rests_for, self._rests_until - now
        if not is_chat and self.day_left is not None and self.day_left <= kept_of_day:
            return "day", None
        if len(self._calls) >= self._per_minute:
            return "minute", max(self._calls[0] + self._minute - now, 0.001)
        if len(self._running) >= (self._at_once if is_chat else self._at_once - 1):
            return "concurrent", 0.025
        self._running.add(token)
        self._calls.append(now)
        return None

    def give_back(self, token: str, minute_left: int | None, day_left: int | None) -> None:
        """End a call, with what its answer said is left."""
        self._running.discard(token)
        self.minute_left = self.minute_left if minute_left is None else minute_left
        self.day_left = self.day_left if day_left is None else day_left

    def rest(self, seconds: float, reason: str) -> None:
        """Make no call for some seconds."""
        until = self._clock() + seconds
        if seconds and until > self._rests_until:
            self._rests_until = until
            self._rests_for = "day" if reason == "day" else "minute"
