"""Counts requests against limits: in Redis for all processes together, else in this one."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import redis.asyncio as redis
from limits import RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import FixedWindowRateLimiter
from redis.exceptions import RedisError

from tools.bounds import within
from tools.connection import Connection

if TYPE_CHECKING:
    from limits.util import WindowStats

WINDOW_SECONDS = 60
ANSWER_SECONDS = 0.25
SOCKET_SECONDS = 5.0
REST_SECONDS = 5.0  # how long a Redis that failed is left alone
SHARE = 100  # a process takes a hundredth of a limit at once, so that few requests ask Redis
HOLD_SECONDS = 10.0
MOST_KEYS = 10_000
PREFIX = "tria:rates"
FAILURES = (RedisError, OSError)

Found = TypeVar("Found")
Strategy = FixedWindowRateLimiter


@dataclass(frozen=True)
class Rate:
    """So many requests a minute, under a name that the client is told."""

    name: str
    amount: int

    @property
    def item(self) -> RateLimitItemPerSecond:
        """The rate as the library counts it."""
        return RateLimitItemPerSecond(self.amount, WINDOW_SECONDS, self.name)


@dataclass(frozen=True)
class Exceeded:
    """A request over a rate, and in how many seconds there is room again."""

    rate: Rate
    seconds: int


@dataclass
class _Held:
    """Permits that were taken from a rate and not used so far; none are left while it is full."""

    left: int
    until: float
    is_full: bool = False
    taking: asyncio.Lock = field(default_factory=asyncio.Lock)


class Rates:
    """Spends permits of rates. It never fails a request, and costs it a quarter second to listen.

    Rates below a hundred are counted exactly; of larger ones each process may leave up to a
    hundredth unused.
    """

    def __init__(self, url: str, rest_seconds: float = REST_SECONDS) -> None:
        self._rest_seconds = rest_seconds
        self._pool = redis.ConnectionPool.from_url(
            url,
            connection_class=Connection,
            socket_timeout=SOCKET_SECONDS,  # a wait ends before, by a fairer clock
            socket_connect_timeout=SOCKET_SECONDS,
            retry=None,
            max_connections=2000,
        )
        self._shared = Strategy(
            RedisStorage(
                f"async+{url}",
                implementation="redispy",
                key_prefix=PREFIX,
                connection_pool=self._pool,  # type: ignore[arg-type]  # as its documentation says
            )
        )
        self._local = Strategy(MemoryStorage())
        self._held: dict[tuple[str, str], _Held] = {}
        self._rests_until = 0.0
        self.is_shared = True

    async def aclose(self) -> None:
        """Close the connections."""
        await self._pool.disconnect()

    async def spend(self, rate: Rate, who: str, cost: int = 1) -> Exceeded | None:
        """Count a request of somebody; Exceeded when it is one too many. A rate of 0 has no end."""
        if not rate.amount:
            return None
        held = self._held.get((rate.name, who))
        now = time.monotonic()
        if held is None or held.until <= now:
            held = self._keep((rate.name, who), _Held(0, now + HOLD_SECONDS))
        if held.left < cost:
            async with held.taking:  # one request takes permits for all that wait
                if held.left < cost and not held.is_full:
                    await self._take(rate, who, held, max(cost, rate.amount // SHARE))
        if held.left < cost:
            return Exceeded(rate, max(1, round(held.until - time.monotonic() + 0.5)))
        held.left -= cost
        return None

    async def _take(self, rate: Rate, who: str, held: _Held, permits: int) -> None:
        if await self._ask(lambda strategy: strategy.hit(rate.item, who, cost=permits)):
            held.left += permits
            return
        stats: WindowStats = await self._ask(
            lambda strategy: strategy.get_window_stats(rate.item, who)
        )
        # What is full stays so to the end of its window: nobody need ask again before.
        held.is_full = True
        held.until = time.monotonic() + max(0.0, stats.reset_time - time.time())

    def _keep(self, key: tuple[str, str], held: _Held) -> _Held:
        if len(self._held) >= MOST_KEYS:
            self._held.clear()
        self._held[key] = held
        return held

    async def _ask(self, question: Callable[[Strategy], Awaitable[Found]]) -> Found:
        """Redis's answer, or this process's own while Redis is away."""
        if time.monotonic() >= self._rests_until:
            if not self.is_shared:  # one request finds out whether Redis is back
                self._rests_until = time.monotonic() + self._rest_seconds
            try:
                async with within(ANSWER_SECONDS):
                    answer = await question(self._shared)
            except FAILURES:
                self._rests_until = time.monotonic() + self._rest_seconds
                self.is_shared = False
            else:
                self.is_shared, self._rests_until = True, 0.0
                return answer
        return await question(self._local)
