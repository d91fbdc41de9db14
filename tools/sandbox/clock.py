"""The sandbox's clock: real time, plus what a test has wound it on by."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

SINGAPORE = ZoneInfo("Asia/Singapore")

Now = Callable[[], datetime]


def real_time() -> datetime:
    """The present instant, in UTC."""
    return datetime.now(UTC)


class Clock:
    """A running clock that can be set to another time and then goes on from there."""

    def __init__(self, source: Now = real_time, offset: timedelta = timedelta()) -> None:
        self._source = source
        self.offset = offset

    def now(self) -> datetime:
        """The sandbox's instant, in UTC."""
        return self._source() + self.offset

    def today(self) -> date:
        """The sandbox's day in Singapore."""
        return self.now().astimezone(SINGAPORE).date()

    def set_to(self, instant: datetime) -> None:
        """Make it `instant` now."""
        self.offset = instant - self._source()

    def advance(self, by: timedelta) -> None:
        """Wind the clock on."""
        self.offset += by

    def follow_source(self) -> None:
        """Give up any set time."""
        self.offset = timedelta()
