"""A daily limit on what the model may cost, kept in Redis for all processes together."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import redis.exceptions

from tools.bounds import within
from tools.breaker import NotThePartsFault
from tools.rules import load_rules

if TYPE_CHECKING:
    from redis.asyncio import Redis

MICRO = 1_000_000  # Redis counts whole millionths of a dollar
KEPT = timedelta(days=3)
REST = timedelta(seconds=10)  # how long a Redis that failed is left alone
REDIS_SECONDS = 0.5
REDIS_FAILURES = (redis.exceptions.RedisError, OSError)


class BudgetSpent(NotThePartsFault):
    """The day's money for the model is used up."""


@dataclass(frozen=True)
class Reservation:
    """What a call may cost, put aside before it, under the day on which it began."""

    key: str
    micro: int


class DailyBudget:
    """Spends at most `limit` USD a day, by the calendar of the company's time zone.

    While Redis is away each process goes on from the total it last saw, and adds what it spent
    once Redis is back.
    """

    def __init__(self, limit: Decimal, now: Callable[[], datetime], redis: "Redis | None") -> None:
        self._limit = int(limit * MICRO)
        self._now = now
        self._redis = redis
        self._known: dict[str, int] = {}
        self._owed: dict[str, int] = {}
        self._rests_until: datetime | None = None

    async def reserve(self, estimate: Decimal) -> Reservation:
        """Put the estimate aside; raises BudgetSpent where the limit would be exceeded."""
        key, micro = self._today(), _micro(estimate)
        if await self._add(key, micro) > self._limit:
            await self._add(key, -micro)
            raise BudgetSpent("the day's budget for the model is spent")
        return Reservation(key, micro)

    async def settle(self, reservation: Reservation, cost: Decimal) -> None:
        """Replace the estimate by what the call did cost."""
        await self._add(reservation.key, _micro(cost) - reservation.micro)

    @property
    def limit(self) -> Decimal:
        """What a day may cost, in USD."""
        return Decimal(self._limit) / MICRO

    async def left(self) -> Decimal | None:
        """What a day still has, in USD; None where not all processes can be counted together."""
        total = await self._add(self._today(), 0)
        if self._redis is None or self._is_resting:
            return None
        return Decimal(max(0, self._limit - total)) / MICRO

    async def spent(self) -> Decimal:
        """What is spent or put aside today, in USD."""
        reservation = await self.reserve(Decimal(0))
        return Decimal(self._known[reservation.key]) / MICRO

    def _today(self) -> str:
        zone = ZoneInfo(load_rules().company.timezone)
        return f"model:spent:{self._now().astimezone(zone).date().isoformat()}"

    @property
    def _is_resting(self) -> bool:
        return self._rests_until is not None and self._now() < self._rests_until

    async def _add(self, key: str, micro: int) -> int:
        """Add to the day's total and return it."""
        owed = micro + self._owed.pop(key, 0)
        try:
            total = await self._in_redis(key, owed)
        except REDIS_FAILURES:
            self._rests_until = self._now() + REST
            total = None
        if total is None:
            self._owed[key] = self._owed.get(key, 0) + owed
            total = self._known.get(key, 0) + micro
        self._known = {key: total}  # yesterday's total is of no use any more
        return total

    async def _in_redis(self, key: str, micro: int) -> int | None:
        """The total that Redis now has; None while Redis is left alone."""
        if self._redis is None or self._is_resting:
            return None
        async with (
            within(REDIS_SECONDS),
            self._redis.pipeline(transaction=True) as pipe,
        ):
            pipe.incrby(key, micro)
            pipe.expire(key, KEPT)
            total, _ = await pipe.execute()
        return int(total)


def _micro(amount: Decimal) -> int:
    return int((amount * MICRO).to_integral_value(ROUND_CEILING))
