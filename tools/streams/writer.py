"""Writes what every run of this process has to say: one command for all that waits.

An event reaches readers after the log has taken it, with the log's id, so an id that a client has
seen is in the log. While Redis is away readers get events at once and without ids.
"""

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import redis.asyncio as redis

from tools.bounds import within
from tools.streams.channel import Channel
from tools.streams.event import END, Event
from tools.streams.script import APPEND

KEEP_SECONDS = 24 * 3600
KEEP_EVENTS = 5000
GROUP_EVENTS = 500
UNSENT_EVENTS = 500  # of one run; then it waits
WRITE_SECONDS = 0.5
RETRY_SECONDS = 1.0  # after one that refuses
BEGIN = ""


@dataclass(slots=True)
class Entry:
    """An event on its way to the log; BEGIN is the name of an attempt's start."""

    channel: Channel
    writer: str
    number: int
    name: str
    data: str


class Writer:
    """Keeps the order of each run's events."""

    def __init__(
        self, client: "redis.Redis", on_done: Callable[[Channel], None], rest_seconds: float
    ) -> None:
        self._redis = client
        self._rest_seconds = rest_seconds
        self._on_done = on_done
        self._queue: deque[Entry] = deque()
        self._rests_until = 0.0
        self._work: asyncio.Task[None] | None = None

    @property
    def is_resting(self) -> bool:
        """Whether Redis has just failed."""
        return time.monotonic() < self._rests_until

    def begin(self, channel: Channel, writer: str) -> None:
        """This process writes the run from now on, and nobody else."""
        channel.begin(writer)
        self._queue_up(Entry(channel, writer, 0, BEGIN, ""))

    async def append(self, channel: Channel, name: str, data: str) -> None:
        """Queue one event; waits only when very many of the same run are unsent."""
        if channel.is_lost:
            return
        while channel.unsent >= UNSENT_EVENTS:
            channel.sent.clear()
            await channel.sent.wait()
        channel.number += bool(channel.writer)
        number = channel.number if channel.writer else 0
        self._queue_up(Entry(channel, channel.writer, number, name, data))

    async def flushed(self, channel: Channel) -> None:
        """Return when nothing of the run waits any more."""
        while channel.unsent:
            channel.sent.clear()
            await channel.sent.wait()

    async def drained(self) -> None:
        """Return when nothing waits to be written, or could not be."""
        if self._work:
            await asyncio.wait({self._work}, timeout=2 * WRITE_SECONDS)

    async def aclose(self) -> None:
        """Write what waits and end."""
        await self.drained()
        if self._work:
            self._work.cancel()

    def _queue_up(self, entry: Entry) -> None:
        entry.channel.touched = time.monotonic()
        entry.channel.unsent += 1
        self._queue.append(entry)
        if self._work is None:
            if self.is_resting:
                self._give_out_unlogged([])
            else:
                self._work = asyncio.create_task(self._write_all())

    async def _write_all(self) -> None:
        try:
            while self._queue:
                most = min(GROUP_EVENTS, len(self._queue))
                await self._write([self._queue.popleft() for _ in range(most)])
        finally:
            self._work = None

    async def _write(self, entries: Sequence[Entry]) -> None:
        groups: dict[tuple[str, str], list[Entry]] = {}
        for entry in entries:
            groups.setdefault((entry.channel.key, entry.writer), []).append(entry)
        try:
            async with within(WRITE_SECONDS):
                answer = await self._redis.eval(
                    APPEND, 0, _payload(list(groups.values())), KEEP_EVENTS, KEEP_SECONDS
                )
        except TimeoutError:  # a Redis that hangs must not hold up every event of every turn
            self._rest(self._rest_seconds, entries)
        except Exception:  # noqa: BLE001 (whatever it is, a run and its readers go on)
            self._rest(RETRY_SECONDS, entries)
        else:
            for group, told in zip(groups.values(), answer.split(";"), strict=True):
                is_writer, *ids = told.split(",")
                self._give_out(group, ids) if is_writer == "1" else self._lose(group)

    def _give_out(self, group: list[Entry], ids: list[str]) -> None:
        group[0].channel.is_broken = False
        given = iter(ids)
        for entry in group:
            self._settle(entry, "" if entry.name == BEGIN else next(given))

    def _lose(self, group: list[Entry]) -> None:
        """Another process has the run: nothing of this attempt is shown any more."""
        channel = group[0].channel
        if channel.writer == group[0].writer:
            channel.lose()
        for entry in group:
            self._done(entry)

    def _rest(self, seconds: float, entries: Sequence[Entry]) -> None:
        self._rests_until = time.monotonic() + seconds
        self._give_out_unlogged(entries)

    def _give_out_unlogged(self, entries: Sequence[Entry]) -> None:
        for entry in (*entries, *self._queue):
            entry.channel.is_broken |= bool(entry.writer)
            self._settle(entry, "")
        self._queue.clear()

    def _settle(self, entry: Entry, event_id: str) -> None:
        if entry.name != BEGIN:
            event = Event(event_id, entry.name, entry.data, entry.writer, entry.number)
            if not (event_id and entry.channel.is_followed):
                entry.channel.deliver(event)
            entry.channel.remember(event)
        self._done(entry)

    def _done(self, entry: Entry) -> None:
        channel = entry.channel
        channel.unsent -= 1
        channel.sent.set()
        if entry.name == END or not channel.writer:
            self._on_done(channel)


def _payload(groups: Sequence[Sequence[Entry]]) -> bytes:
    """The script's argument: each stream with its writer and events."""
    found: list[tuple[str, str, bool, list[tuple[str, str, int]]]] = []
    seen: set[str] = set()
    for group in groups:
        channel = group[0].channel
        events = [(each.name, each.data, each.number) for each in group if each.name != BEGIN]
        starts_over = channel.is_broken and channel.key not in seen
        seen.add(channel.key)
        found.append((channel.key, group[0].writer, starts_over, events))
    return json.dumps(found, ensure_ascii=False).encode(errors="replace")
