"""Questions to the log."""

import asyncio
from collections.abc import Callable
from typing import Any

import redis.asyncio as redis
from redis.exceptions import RedisError

from tools.bounds import within
from tools.streams.event import Event, event_of, order

PAGE_EVENTS = 200
ASK_SECONDS = 1.0
MOST_AT_ONCE = 16  # connections, however many readers come at the same moment
LARGEST = 2**64


class LogUnavailable(Exception):
    """Redis does not answer; the stream must be served from Postgres instead."""


class Log:
    """Reads what the streams hold; everything here raises LogUnavailable."""

    def __init__(self, client: "redis.Redis", is_resting: Callable[[], bool]) -> None:
        self._redis = client
        self._is_resting = is_resting
        self._places = asyncio.Semaphore(MOST_AT_ONCE)

    async def page(
        self, key: str, event_id: str, *, is_after: bool, most: int = PAGE_EVENTS
    ) -> list[Event]:
        """Events from an id on, or after it."""
        if max(order(event_id)) >= LARGEST:
            return []
        least = f"({event_id}" if is_after else event_id
        found = await self._asked(self._redis.xrange, key, least, "+", most)
        return [event_of(found_id, fields) for found_id, fields in found]

    async def last(self, key: str) -> Event | None:
        """The event written last."""
        found = await self._asked(self._redis.xrevrange, key, "+", "-", 1)
        return event_of(*found[0]) if found else None

    async def _asked(self, question: Callable[..., Any], *arguments: Any) -> Any:
        if self._is_resting():
            raise LogUnavailable
        try:
            async with self._places, within(ASK_SECONDS):
                return await question(*arguments)
        except (RedisError, OSError) as error:
            raise LogUnavailable from error
