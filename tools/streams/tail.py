"""Reads the streams that other processes write: all of them in one blocking command."""

import asyncio
from collections.abc import Awaitable
from typing import Any, cast
from uuid import uuid4

import redis.asyncio as redis
from redis.exceptions import RedisError

from tools.streams.channel import Channel
from tools.streams.event import START, event_of

BLOCK_MS = 3000  # below the client's socket timeout
READ_EVENTS = 100  # of one stream at once
GATHER_SECONDS = 0.005  # so that many streams that are busy cost one command
RETRY_SECONDS = 0.5
WAKE_SECONDS = 60


class Tail:
    """One connection for any number of streams."""

    def __init__(self, client: "redis.Redis") -> None:
        self._shared, self._client = client, client.client()
        self._followed: dict[str, tuple[Channel, str]] = {}
        self._wake_key, self._wake_id = f"tail:{uuid4().hex}", "0-0"
        self._work: asyncio.Task[None] | None = None
        self._waking: asyncio.Task[None] | None = None
        self.is_failing = False

    def follow(self, channel: Channel, after: str) -> None:
        """Deliver what others write to the stream after an id."""
        if channel.key in self._followed:
            return
        self._followed[channel.key] = (channel, after)
        channel.is_followed = True
        if self._work is None:
            self._work = asyncio.create_task(self._read_all())
        elif self._waking is None:
            self._waking = asyncio.create_task(self._wake())

    def leave(self, channel: Channel) -> None:
        """Nobody here reads the stream any more, or this process writes it."""
        self._followed.pop(channel.key, None)
        channel.is_followed = False

    def leave_empty(self, channel: Channel) -> None:
        """This process begins the run's first attempt: nobody has written what would be missed."""
        if channel.key in self._followed and self._followed[channel.key][1] == START:
            self.leave(channel)

    async def aclose(self) -> None:
        """End the reading."""
        for task in (self._work, self._waking):
            if task:
                task.cancel()
                await asyncio.wait({task})
        await self._client.aclose()

    async def _read_all(self) -> None:
        try:
            while self._followed:
                await self._read()
        finally:
            self._work = None

    async def _read(self) -> None:
        after: Any = {key: at for key, (_, at) in self._followed.items()}
        after[self._wake_key] = self._wake_id
        try:
            answer = await cast(
                Awaitable[Any], self._client.xread(after, count=READ_EVENTS, block=BLOCK_MS)
            )
        except (RedisError, OSError):
            self.is_failing = True
            await asyncio.sleep(RETRY_SECONDS)
            return
        self.is_failing = False
        for key, entries in answer:
            self._deliver(key, entries)
        if answer:
            await asyncio.sleep(GATHER_SECONDS)

    def _deliver(self, key: str, entries: list[tuple[str, dict[str, str]]]) -> None:
        if key == self._wake_key:
            self._wake_id = entries[-1][0]
        if key not in self._followed:
            return
        channel, _ = self._followed[key]
        self._followed[key] = (channel, entries[-1][0])
        for event_id, fields in entries:
            channel.deliver(event_of(event_id, fields))
        if channel.writer and channel.written_id == entries[-1][0]:
            self.leave(channel)  # all that is written here was read: from now on from memory

    async def _wake(self) -> None:
        """Let the command that blocks return, so that the next one has every stream."""
        try:
            async with self._shared.pipeline(transaction=False) as pipe:
                pipe.xadd(self._wake_key, {"event": "wake", "data": ""}, maxlen=1)
                pipe.expire(self._wake_key, WAKE_SECONDS)
                await pipe.execute()
        except (RedisError, OSError):
            return  # then it takes until the command returns by itself
        finally:
            self._waking = None
