"""What all processes know together about Xero, kept in Redis; without Redis each goes on alone."""

import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import redis.exceptions

from tools.bounds import within

if TYPE_CHECKING:
    from redis.asyncio import Redis

Found = TypeVar("Found")

ANSWER_SECONDS = 0.5
REST_SECONDS = 10.0  # how long a Redis that failed is left alone
FAILURES = (redis.exceptions.RedisError, OSError)


class Shared:
    """Redis under names of its own. It never fails a call, and costs it half a second to listen."""

    def __init__(self, redis: "Redis | None", prefix: str = "xero") -> None:
        self._redis = redis
        self._prefix = prefix
        self._rests_until = 0.0

    def key(self, *parts: str) -> str:
        """The name of something we keep."""
        return ":".join((self._prefix, *parts))

    async def ask(self, question: Callable[["Redis"], Awaitable[Found]]) -> Found | None:
        """The answer; None while Redis is away."""
        if self._redis is None or time.monotonic() < self._rests_until:
            return None
        try:
            async with within(ANSWER_SECONDS):
                return await question(self._redis)
        except FAILURES:
            self._rests_until = time.monotonic() + REST_SECONDS
            return None
