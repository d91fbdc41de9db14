"""The event log of each run: a Redis stream that any replica can write to and read from."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import redis.asyncio as redis
from redis.exceptions import RedisError

END = "end"
KEEP_SECONDS = 24 * 3600
KEEP_EVENTS = 5000
APPEND_SECONDS = 0.5
REST_SECONDS = 10.0
BLOCK_MS = 3000  # below redis-py's socket timeout; also how often a silent stream beats


@dataclass(frozen=True)
class Event:
    """One event of a stream. `name` is END after the last one and "" for a heartbeat."""

    event_id: str
    name: str
    data: str


HEARTBEAT = Event("", "", "")


class LogUnavailable(Exception):
    """Redis does not answer; the stream must be served from Postgres instead."""


class EventLog:
    """Appends to and reads from the runs' streams. Writing never fails a run."""

    def __init__(self, client: "redis.Redis") -> None:
        self._redis = client
        self._rests_until = 0.0

    async def append(self, run_id: UUID, name: str, data: str) -> None:
        """Add one event; readers get it at once. A Redis that is away is not an error here."""
        key = _key(run_id)
        if time.monotonic() < self._rests_until:
            return
        try:
            async with (
                asyncio.timeout(APPEND_SECONDS),
                self._redis.pipeline(transaction=False) as pipe,
            ):
                pipe.xadd(key, {"event": name, "data": data}, maxlen=KEEP_EVENTS)
                pipe.expire(key, KEEP_SECONDS)
                await pipe.execute()
        except TimeoutError:  # a Redis that hangs must not slow down every event of every turn
            self._rests_until = time.monotonic() + REST_SECONDS
        except (RedisError, OSError):
            return

    async def exists(self, run_id: UUID) -> bool:
        """Whether anything of the run is in the log; raises LogUnavailable."""
        try:
            return bool(await self._redis.exists(_key(run_id)))
        except (RedisError, OSError) as error:
            raise LogUnavailable from error

    async def read(self, run_id: UUID, after: str = "0-0") -> AsyncIterator[Event]:
        """Events after an id until END, with heartbeats in silence; raises LogUnavailable."""
        while True:
            try:
                answer: Any = await self._redis.xread(
                    {_key(run_id): after}, count=200, block=BLOCK_MS
                )
            except (RedisError, OSError) as error:
                raise LogUnavailable from error
            if not answer:
                yield HEARTBEAT
                continue
            for event_id, fields in answer[0][1]:
                after = event_id
                yield Event(event_id, fields["event"], fields["data"])
                if fields["event"] == END:
                    return

    async def ping(self) -> bool:
        """Whether Redis answers."""
        try:
            return bool(await asyncio.wait_for(self._redis.ping(), 1))
        except (RedisError, OSError, TimeoutError):
            return False


def make_redis(url: str) -> "redis.Redis":
    """A client that waits briefly and does not retry: without Redis the service goes on."""
    return redis.from_url(
        url,
        decode_responses=True,
        socket_timeout=BLOCK_MS / 1000 + 1,
        socket_connect_timeout=0.5,
        retry=None,
        max_connections=2000,
    )


def _key(run_id: UUID) -> str:
    return f"run:{run_id}:events"
