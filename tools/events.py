"""The event log of each run: a Redis stream that any replica can write to and read from."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator
from datetime import datetime
from uuid import UUID, uuid4

import redis.asyncio as redis
from redis.exceptions import RedisError

from tools.connection import Connection
from tools.streams.closing import Closing
from tools.streams.event import END, HEARTBEAT, HOLE, RECONNECT, START, Event, order
from tools.streams.follow import Ahead, follow
from tools.streams.hub import Hub
from tools.streams.log import Log, LogUnavailable
from tools.streams.tail import BLOCK_MS

__all__ = [
    "END",
    "HEARTBEAT",
    "HOLE",
    "RECONNECT",
    "START",
    "Ahead",
    "Event",
    "EventLog",
    "LogUnavailable",
    "make_redis",
    "order",
    "run_key",
    "thread_key",
]
DRAIN_SECONDS = 3.0
CONNECT_SECONDS = 2.0
REST_SECONDS = 10.0  # a Redis that hung is not asked for so long


class EventLog:
    """Appends to and reads from the runs' streams. Writing never fails a run."""

    def __init__(self, client: "redis.Redis", rest_seconds: float = REST_SECONDS) -> None:
        self._redis = client
        self._hub = Hub(client, rest_seconds)
        self._log = Log(client, lambda: self._hub.writer.is_resting)

    async def begin(
        self, thread_id: UUID, run_id: UUID, attempt: int = 1, claimed_at: datetime | None = None
    ) -> None:
        """This process works on the run from now on; whoever claimed it before writes no more.

        `claimed_at` is by the database's clock, without it now.
        """
        announcements = self._hub.channel(thread_key(thread_id))
        await self._hub.writer.append(announcements, "run", str(run_id))
        channel = self._hub.channel(run_key(run_id))
        if attempt == 1:
            self._hub.tail.leave_empty(channel)
        claimed = round((claimed_at.timestamp() if claimed_at else time.time()) * 1_000_000)
        self._hub.writer.begin(channel, f"{attempt}.{claimed}.{uuid4().hex[:8]}")

    async def append(self, run_id: UUID, name: str, data: str) -> None:
        """Queue one event; readers get it when Redis has it, or at once if Redis is away."""
        await self._hub.writer.append(self._hub.channel(run_key(run_id)), name, data)

    async def take(self, run_id: UUID, claimed_at: datetime) -> Closing:
        """Silence whoever writes the run, here and elsewhere; what comes back can end its stream.

        `claimed_at` is by the database's clock, and later than theirs.
        """
        closing = Closing(self._redis, run_key(run_id), claimed_at)
        if await closing.silence():
            self.lose(run_id)
        return closing

    def lose(self, run_id: UUID) -> None:
        """Somebody else has the run: readers here get it from the log from now on."""
        self._hub.lose(run_key(run_id))

    async def forget(self, run_id: UUID) -> None:
        """Drop what its attempts told: whoever joins from now on waits for the next one."""
        with contextlib.suppress(RedisError, OSError):  # then its old end stays until it is too old
            await self._redis.delete(run_key(run_id))

    async def flushed(self, run_id: UUID) -> None:
        """Return when everything that was appended has reached the log or the readers here."""
        if channel := self._hub.known(run_key(run_id)):
            await self._hub.writer.flushed(channel)

    async def last_of(self, run_id: UUID) -> Event | None:
        """What the log holds last of the run; raises LogUnavailable."""
        return await self._log.last(run_key(run_id))

    def read(
        self, run_id: UUID, after: str | None = START, ahead: Ahead | None = None
    ) -> AsyncGenerator[Event, None]:
        """Events after an id until END, with heartbeats in silence; without an id those to come.

        HOLE stands where something is lost. RECONNECT is the last when this process will stop.
        """
        return follow(self._hub, self._log, run_key(run_id), after, ahead or Ahead())

    def announcements(
        self, thread_id: UUID, after: str | None = None
    ) -> AsyncGenerator[Event, None]:
        """The attempts at runs that begin in a thread; the run's id is the data."""
        return follow(self._hub, self._log, thread_key(thread_id), after, Ahead())

    async def last_announcement(self, thread_id: UUID) -> Event | None:
        """The attempt that began last; raises LogUnavailable."""
        return await self._log.last(thread_key(thread_id))

    async def announcement(self, thread_id: UUID, event_id: str) -> Event | None:
        """One of them; raises LogUnavailable."""
        page = await self._log.page(thread_key(thread_id), event_id, is_after=False, most=1)
        return page[0] if page and page[0].event_id == event_id else None

    async def drain(self) -> None:
        """Write what waits, then send every reader to another process."""
        await self._hub.writer.drained()
        self._hub.send_away()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                await self._hub.readers_gone()

    async def aclose(self) -> None:
        """End every task."""
        await self._hub.aclose()

    async def ping(self) -> bool:
        """Whether Redis answers."""
        try:
            return bool(await asyncio.wait_for(self._redis.ping(), 1))
        except (RedisError, OSError, TimeoutError):
            return False


def make_redis(url: str) -> "redis.Redis":
    """A client that does not retry: without Redis the service goes on. Who asks sets a bound."""
    return redis.from_url(
        url,
        connection_class=Connection,
        decode_responses=True,
        socket_timeout=BLOCK_MS / 1000 + 1,
        socket_connect_timeout=CONNECT_SECONDS,
        retry=None,
        max_connections=2000,
    )


def run_key(run_id: UUID) -> str:
    """Where the events of a run are."""
    return f"run:{run_id}:events"


def thread_key(thread_id: UUID) -> str:
    """Where it is told which runs begin in a conversation."""
    return f"thread:{thread_id}:runs"
