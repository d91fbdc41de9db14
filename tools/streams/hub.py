"""The streams that this process reads or writes, each of them once."""

import asyncio
import contextlib
import time
from collections.abc import Iterator

import redis.asyncio as redis

from tools.streams.channel import HEARTBEAT_SECONDS, Channel, Reader
from tools.streams.tail import Tail
from tools.streams.writer import Writer

TICK_SECONDS = 1.0
SILENT_SECONDS = 2.0  # a run that we work on is silent so long: somebody else may have it by now
ABANDONED_SECONDS = 1800.0  # longer than any turn
AWAY_HEARTBEAT_SECONDS = 1.0  # readers ask Postgres whether the run has ended


class Hub:
    """Delivers what is written here from memory, and what others write from the log."""

    def __init__(self, client: "redis.Redis", rest_seconds: float) -> None:
        self.writer = Writer(client, self._settle, rest_seconds)
        self.tail = Tail(client)
        self.is_draining = False
        self._left = asyncio.Event()
        self._channels: dict[str, Channel] = {}
        self._ticking: asyncio.Task[None] | None = None

    def channel(self, key: str) -> Channel:
        """The stream of that key."""
        if key not in self._channels:
            self._channels[key] = Channel(key)
        if self._ticking is None:
            self._ticking = asyncio.create_task(self._tick())
        return self._channels[key]

    def known(self, key: str) -> Channel | None:
        """The stream of that key, if somebody reads or writes it here."""
        return self._channels.get(key)

    @contextlib.contextmanager
    def joined(self, channel: Channel) -> Iterator[Reader]:
        """A reader that is given everything delivered from now on."""
        reader = Reader()
        channel.readers.add(reader)
        try:
            yield reader
        finally:
            channel.readers.discard(reader)
            self._left.set()
            self._settle(channel)

    def lose(self, key: str) -> None:
        """Somebody else writes that stream from now on: readers here get it from the log."""
        if channel := self._channels.get(key):
            channel.lose()
            if channel.readers:
                self.tail.follow(channel, channel.last_id)

    def send_away(self) -> None:
        """Every reader goes elsewhere, after what already waits for it."""
        self.is_draining = True
        for reader in self._readers():
            reader.send_away()

    async def readers_gone(self) -> None:
        """Return when nobody reads here any more."""
        while self._readers():
            self._left.clear()
            await self._left.wait()

    async def aclose(self) -> None:
        """Write what waits and end every task."""
        await self.writer.aclose()
        await self.tail.aclose()
        if self._ticking:
            self._ticking.cancel()
            await asyncio.wait({self._ticking})

    def _readers(self) -> list[Reader]:
        return [reader for channel in self._channels.values() for reader in channel.readers]

    def _settle(self, channel: Channel) -> None:
        if not channel.readers:
            self.tail.leave(channel)
        if channel.is_idle:
            self._channels.pop(channel.key, None)

    async def _tick(self) -> None:
        try:
            while self._channels:
                await asyncio.sleep(TICK_SECONDS)
                self._beat(time.monotonic())
        finally:
            self._ticking = None

    def _beat(self, now: float) -> None:
        is_away = self.tail.is_failing
        seconds = AWAY_HEARTBEAT_SECONDS if is_away else HEARTBEAT_SECONDS
        for channel in list(self._channels.values()):
            self._look_after(channel, now - channel.touched)
            for reader in channel.readers:
                reader.beat(now, seconds)

    def _look_after(self, channel: Channel, silent: float) -> None:
        if channel.writer and silent > ABANDONED_SECONDS:
            channel.end()
        if channel.readers and (silent > SILENT_SECONDS or not channel.writer):
            self.tail.follow(channel, channel.last_id)
        self._settle(channel)
