"""A circuit breaker: a part that keeps failing is left alone for a while, then tried once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Literal

from tools.errors import BackendUnavailable

State = Literal["closed", "open", "half-open"]

FAILURES = 5  # in a row
REST = timedelta(seconds=20)


class NotThePartsFault(BackendUnavailable):
    """This one call was not possible, which says nothing about the part."""


class Breaker:
    """Counts failures in a row. Half-open, it lets one call through at a time."""

    def __init__(
        self, now: Callable[[], datetime], failures: int = FAILURES, rest: timedelta = REST
    ) -> None:
        self._now = now
        self._most_failures = failures
        self._rest = rest
        self._failures = 0
        self._opened_at: datetime | None = None
        self._tried_at: datetime | None = None
        self._closed_at = now()

    @property
    def state(self) -> State:
        """Closed: calls pass. Open: none does. Half-open: one may find out."""
        if self._opened_at is None:
            return "closed"
        return "open" if self._now() < self._opened_at + self._rest else "half-open"

    @property
    def since(self) -> datetime:
        """When the present state began."""
        if self._opened_at is None:
            return self._closed_at
        half_open_at = self._opened_at + self._rest
        return self._opened_at if self._now() < half_open_at else half_open_at

    def begin_anew(self) -> None:
        """Forget every failure, as a process does that has just started."""
        self._failures, self._opened_at, self._tried_at = 0, None, None
        self._closed_at = self._now()

    @contextmanager
    def call(self) -> Iterator[None]:
        """Around one call; raises BackendUnavailable at once where the part is to be left alone.

        Of what is raised only BackendUnavailable counts: a caller that goes away says nothing.
        """
        self._enter()
        try:
            yield
        except BaseException as error:
            self._tried_at = None
            if isinstance(error, BackendUnavailable) and not isinstance(error, NotThePartsFault):
                self._failed()
            raise
        else:
            self._succeeded()

    def _enter(self) -> None:
        state = self.state
        if state == "open":
            raise BackendUnavailable("left alone after failures in a row")
        if state == "half-open":
            # A trial that never ended must not keep the part shut out for ever.
            if self._tried_at and self._now() < self._tried_at + self._rest:
                raise BackendUnavailable("being tried again")
            self._tried_at = self._now()

    def _succeeded(self) -> None:
        if self._opened_at is not None:
            self._closed_at = self._now()
        self._failures, self._opened_at, self._tried_at = 0, None, None

    def _failed(self) -> None:
        self._failures += 1
        if self._failures >= self._most_failures:
            self._opened_at = self._now()
