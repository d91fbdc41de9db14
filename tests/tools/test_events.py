import asyncio
import os
import random
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis.asyncio as redis
from redis import Redis

from tools.embedded.process import free_port
from tools.embedded.valkey import Valkey
from tools.events import (
    END,
    HEARTBEAT,
    HOLE,
    RECONNECT,
    START,
    Event,
    EventLog,
    LogUnavailable,
    make_redis,
)
from tools.streams.channel import BUFFER_EVENTS
from tools.streams.log import MOST_AT_ONCE
from tools.streams.writer import KEEP_SECONDS

Open = Callable[[], EventLog]
PATIENCE = 20


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator["redis.Redis"]:
    client = make_redis(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
async def replica(client: "redis.Redis") -> AsyncIterator[Open]:
    """Logs of processes that share one Redis."""
    opened: list[EventLog] = []

    def open_log() -> EventLog:
        opened.append(EventLog(client, rest_seconds=0.5))
        return opened[-1]

    yield open_log
    for log in opened:
        await log.aclose()


@pytest.fixture
def log(replica: Open) -> EventLog:
    return replica()


@pytest.fixture
async def away() -> AsyncIterator[EventLog]:
    """A log whose server is not there."""
    client = make_redis(f"redis://127.0.0.1:{free_port()}/0")
    log = EventLog(client)
    yield log
    await log.aclose()
    await client.aclose()


class OwnRedis:
    """A Redis that can be made to hang."""

    def __init__(self, folder: Path) -> None:
        self._valkey = Valkey(folder, persistent=False)
        self.url = self._valkey.start()

    def send(self, how: signal.Signals) -> None:
        assert self._valkey._process
        os.kill(self._valkey._process.pid, how)

    def stop(self) -> None:
        self.send(signal.SIGCONT)
        self._valkey.stop()


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[OwnRedis]:
    server = OwnRedis(tmp_path)
    yield server
    server.stop()


async def read(log: EventLog, run_id: UUID, after: str | None = START) -> list[Event]:
    """Everything but heartbeats, to the end."""
    async with asyncio.timeout(PATIENCE):
        return [event async for event in log.read(run_id, after) if event is not HEARTBEAT]


async def next_of(log: EventLog, run_id: UUID, after: str | None = START) -> Event:
    async with asyncio.timeout(PATIENCE), aclosing(log.read(run_id, after)) as events:
        return await anext(events)


def reading(log: EventLog, run_id: UUID, after: str | None = START) -> "asyncio.Task[list[Event]]":
    return asyncio.create_task(read(log, run_id, after))


async def filled(log: EventLog, *names: str) -> UUID:
    """A run whose events are in the log; the data of each is its name."""
    run_id = uuid4()
    await log.begin(uuid4(), run_id)
    await write(log, run_id, *names)
    return run_id


async def write(log: EventLog, run_id: UUID, *names: str) -> None:
    for name in names:
        await log.append(run_id, name, f'"{name}"')
    await log.flushed(run_id)


def names(events: list[Event]) -> list[str]:
    return ["HOLE" if event is HOLE else event.name for event in events]


async def test_events_come_in_order_and_stop_at_the_end(log: EventLog) -> None:
    run_id = await filled(log, "metadata", "values", END, "late")
    events = await read(log, run_id)
    assert [(e.name, e.data) for e in events] == [
        ("metadata", '"metadata"'),
        ("values", '"values"'),
        (END, '"end"'),
    ]


async def test_a_reader_goes_on_after_the_last_event_it_saw(log: EventLog, replica: Open) -> None:
    run_id = await filled(log, "metadata", "values", END)
    for reader in (log, replica()):
        events = await read(reader, run_id)
        for seen, event in enumerate(events[:-1], 1):
            assert await read(reader, run_id, event.event_id) == events[seen:]


async def test_a_reader_that_came_first_gets_each_event_at_once(
    log: EventLog, replica: Open
) -> None:
    run_id = uuid4()
    first = [asyncio.create_task(next_of(each, run_id)) for each in (log, replica())]
    await asyncio.sleep(0.05)
    await log.append(run_id, "metadata", "{}")
    assert [e.name for e in await asyncio.gather(*first)] == ["metadata"] * 2


async def test_without_an_id_only_what_comes_from_now_on_is_read(
    log: EventLog, replica: Open
) -> None:
    run_id = await filled(log, "metadata", "values")
    readers = [reading(each, run_id, None) for each in (log, replica())]
    await asyncio.sleep(0.2)
    await write(log, run_id, "messages", END)
    for reader in readers:
        assert names(await reader) == ["messages", END]
    assert names(await read(log, run_id, None)) == [END]


async def test_runs_do_not_hear_each_other(log: EventLog) -> None:
    one, other = await filled(log, "a", END), await filled(log, "b", END)
    assert names(await read(log, one)) == ["a", END]
    assert names(await read(log, other)) == ["b", END]


async def test_silence_is_filled_with_heartbeats(log: EventLog) -> None:
    assert await next_of(log, uuid4()) is HEARTBEAT


async def test_of_a_log_is_known_what_it_holds_last(log: EventLog) -> None:
    for names in (("metadata",), ("metadata", END)):
        last = await log.last_of(await filled(log, *names))
        assert last
        assert last.name == names[-1]
    assert await log.last_of(uuid4()) is None


async def test_a_log_goes_away_by_itself(log: EventLog, client: "redis.Redis") -> None:
    run_id = await filled(log, "metadata")
    for key in await client.keys(f"run:{run_id}:*"):
        assert KEEP_SECONDS - 60 < await client.ttl(key) <= KEEP_SECONDS


async def test_any_text_survives(log: EventLog) -> None:
    run_id = uuid4()
    await log.append(run_id, "values", '{"text": "好\\n\u2028"}')
    await log.append(run_id, END, "{}")
    [event, _] = await read(log, run_id)
    assert event.data == '{"text": "好\\n\u2028"}'
    assert event.wire == 'event: values\r\ndata: {"text": "好\\n\u2028"}\r\n'.encode()


@pytest.mark.parametrize("seed", range(3))
async def test_readers_that_leave_and_come_back_anywhere_miss_and_repeat_nothing(
    replica: Open, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 (a test)
    logs = [replica() for _ in range(3)]
    run_id = uuid4()
    await logs[0].begin(uuid4(), run_id)

    async def wandering() -> list[Event]:
        seen: list[Event] = []
        while not seen or seen[-1].name != END:
            after = seen[-1].event_id if seen else START
            most = chance.randint(1, 60)
            async with aclosing(chance.choice(logs).read(run_id, after)) as events:
                async for event in events:
                    seen += [event] * (event is not HEARTBEAT)
                    most -= 1
                    if event.name == END or not most:
                        break
        return seen

    readers = [asyncio.create_task(wandering()) for _ in range(12)]
    for number in range(600):
        await logs[0].append(run_id, "messages", str(number))
        if chance.random() < 0.1:
            await asyncio.sleep(0.005 * chance.random())
    await logs[0].append(run_id, END, "")
    async with asyncio.timeout(PATIENCE):
        for seen in await asyncio.gather(*readers):
            assert [e.data for e in seen] == [*map(str, range(600)), ""]


async def test_a_run_goes_on_elsewhere_and_its_first_process_says_nothing_more(
    replica: Open,
) -> None:
    first, second, third = replica(), replica(), replica()
    run_id, thread_id = uuid4(), uuid4()
    readers = [reading(each, run_id) for each in (first, second, third)]
    await asyncio.sleep(0.1)
    await first.begin(thread_id, run_id, 1)
    await write(first, run_id, "one", "two")
    await second.begin(thread_id, run_id, 2)
    await write(second, run_id, "metadata")
    await write(first, run_id, "stale", "stale", END)
    await write(second, run_id, "three", END)
    for reader in (*readers, reading(third, run_id)):
        assert names(await reader) == ["one", "two", "metadata", "three", END]


async def test_what_an_earlier_claim_says_late_is_not_logged(replica: Open) -> None:
    stalled, rightful = replica(), replica()
    run_id, thread_id = uuid4(), uuid4()
    stalled_claim = datetime.now(UTC)
    await rightful.begin(thread_id, run_id, 1, stalled_claim + timedelta(seconds=5))
    await write(rightful, run_id, "one")
    await stalled.begin(thread_id, run_id, 2, stalled_claim)
    await write(stalled, run_id, "stale")
    await write(rightful, run_id, "two", END)
    assert names(await read(rightful, run_id)) == ["one", "two", END]


async def test_a_take_over_whose_beginning_redis_missed_is_heard_all_the_same(
    replica: Open,
) -> None:
    dead, log = replica(), replica()
    run_id, thread_id = uuid4(), uuid4()
    await dead.begin(thread_id, run_id)
    await write(dead, run_id, "one")
    log._hub.writer._rest(0.3, [])
    await log.begin(thread_id, run_id, 2)
    await log.flushed(run_id)
    await asyncio.sleep(0.4)
    await write(log, run_id, "two", END)
    assert names(await read(dead, run_id))[-2:] == ["two", END]


async def test_a_take_over_leaves_out_nothing_that_a_reader_here_has_not_read(
    log: EventLog, redis_url: str
) -> None:
    run_id = uuid4()
    reader = reading(log, run_id)
    await asyncio.sleep(0.1)
    one: dict[Any, Any] = {"event": "one", "data": "", "by": "1.17.ab", "n": 1}
    with Redis.from_url(redis_url) as dead:
        dead.xadd(f"run:{run_id}:events", one)
    await log.begin(uuid4(), run_id, 2)  # nothing was awaited, so nothing was read either
    await write(log, run_id, "two", END)
    assert names(await reader) == ["one", "two", END]


async def test_an_attempt_that_died_is_continued_from_any_id(replica: Open) -> None:
    run_id, thread_id = uuid4(), uuid4()
    dead = replica()
    await dead.begin(thread_id, run_id)
    await write(dead, run_id, "one", "two")
    await dead.aclose()
    log = replica()
    [one, two] = [e async for e in _first(log.read(run_id), 2)]
    late = reading(log, run_id, two.event_id)
    await log.begin(thread_id, run_id, 2)
    await write(log, run_id, "three", END)
    assert names(await late) == ["three", END]
    assert names(await read(replica(), run_id, one.event_id)) == ["two", "three", END]


async def _first(events: AsyncGenerator[Event, None], most: int) -> AsyncIterator[Event]:
    async with aclosing(events) as found:
        async for event in found:
            yield event
            most -= 1
            if not most:
                return


async def test_a_log_that_was_emptied_is_never_a_silent_hole(
    log: EventLog, replica: Open, client: "redis.Redis"
) -> None:
    run_id = await filled(log, *"abc")
    elsewhere = replica()
    last = (await anext(aiter(elsewhere.read(run_id)))).event_id
    here, there = reading(log, run_id, last), reading(elsewhere, run_id)
    await asyncio.sleep(0.2)
    await client.delete(*await client.keys(f"run:{run_id}:*"))
    await write(log, run_id, "d", END)
    assert names(await here) == ["b", "c", "d", END]
    assert names(await there) == ["a", "b", "c", "d", END]
    assert names(await read(elsewhere, run_id, last)) == ["HOLE", "d", END]
    assert names(await read(elsewhere, run_id)) == ["HOLE", "d", END]


async def test_events_lost_before_they_were_read_show(log: EventLog, client: "redis.Redis") -> None:
    run_id = await filled(log, *"abcdefg")
    ids = [str(entry[0]) for entry in await client.xrange(f"run:{run_id}:events") or []]
    await client.xdel(f"run:{run_id}:events", ids[3], ids[4])
    await write(log, run_id, END)
    assert names(await read(log, run_id)) == [*"abc", "HOLE", "f", "g", END]


async def test_a_slow_reader_holds_nobody_up_and_still_misses_nothing(log: EventLog) -> None:
    run_id = await filled(log, "0")
    async with aclosing(log.read(run_id)) as events:
        seen = [await anext(events)]
        for number in range(1, 4 * BUFFER_EVENTS):
            await log.append(run_id, str(number), "")
        await asyncio.wait_for(log.flushed(run_id), PATIENCE)
        [reader] = log._hub.channel(f"run:{run_id}:events").readers
        assert len(reader._buffer) <= BUFFER_EVENTS
        await write(log, run_id, END)
        seen += [event async for event in events]
    assert names(seen) == [*map(str, range(4 * BUFFER_EVENTS)), END]


async def test_many_silent_readers_share_few_connections(replica: Open, redis_url: str) -> None:
    client = make_redis(redis_url)
    log = EventLog(client)
    before = len(await client.client_list())
    log_connections = MOST_AT_ONCE + 3  # to read what was, to read what comes, to wake
    runs = [uuid4() for _ in range(300)]
    readers = [reading(log, run_id) for run_id in runs]
    await asyncio.sleep(0.5)
    assert len(await client.client_list()) - before <= log_connections
    writer = replica()
    for run_id in runs:
        await writer.append(run_id, END, "")
    assert [names(events) for events in await asyncio.gather(*readers)] == [[END]] * 300
    await log.aclose()
    await client.aclose()


async def test_without_redis_readers_here_get_events_at_once_and_without_ids(
    away: EventLog,
) -> None:
    run_id = uuid4()
    reader = reading(away, run_id)
    await asyncio.sleep(0.05)
    await away.begin(uuid4(), run_id)
    await write(away, run_id, "metadata", END)
    events = await reader
    assert names(events) == ["metadata", END]
    assert [event.event_id for event in events] == ["", ""]
    with pytest.raises(LogUnavailable):
        await away.last_of(uuid4())


async def test_without_redis_a_reader_that_comes_back_is_shown_the_state(away: EventLog) -> None:
    run_id = uuid4()
    await away.begin(uuid4(), run_id)
    await write(away, run_id, "metadata")
    reader = reading(away, run_id, "17-0")
    await asyncio.sleep(0.05)
    await away.append(run_id, END, "{}")
    assert names(await reader) == ["HOLE", END]


async def test_a_redis_that_hangs_slows_no_run_and_leaves_no_silent_hole(
    own_redis: OwnRedis,
) -> None:
    client = make_redis(own_redis.url)
    log, other = EventLog(client, rest_seconds=0.5), EventLog(client, rest_seconds=0.5)
    run_id = uuid4()
    here, there = reading(log, run_id), reading(other, run_id)
    await log.begin(uuid4(), run_id)
    await write(log, run_id, "a")
    first = await next_of(other, run_id)
    own_redis.send(signal.SIGSTOP)
    await asyncio.wait_for(write(log, run_id, *"bcd"), 2)
    own_redis.send(signal.SIGCONT)
    await asyncio.sleep(1)
    await write(log, run_id, "e", END)
    assert names(await here) == [*"abcde", END]
    seen = names(await there)
    assert (seen[0], seen[-2:]) == ("a", ["e", END])
    assert "HOLE" in seen or seen == [*"abcde", END]
    assert names(await read(other, run_id, first.event_id)) == ["HOLE", "e", END]
    for each in (log, other):
        await each.aclose()
    await client.aclose()


async def test_readers_are_sent_away_after_what_waits_for_them(replica: Open) -> None:
    log, other = replica(), replica()
    run_id = await filled(log, "a")
    async with aclosing(log.read(run_id)) as events:
        assert (await anext(events)).name == "a"
        await log.append(run_id, "b", "")
        draining = asyncio.create_task(log.drain())
        rest = [event async for event in events]
        await asyncio.wait_for(draining, PATIENCE)
    assert names(rest[:-1]) == ["b"]
    assert rest[-1] is RECONNECT
    assert await next_of(log, run_id) is RECONNECT
    assert names([e async for e in _first(other.read(run_id), 2)]) == ["a", "b"]


async def test_the_runs_of_a_thread_are_announced_to_every_process(replica: Open) -> None:
    log, other = replica(), replica()
    thread_id, runs = uuid4(), [uuid4() for _ in range(3)]
    await log.begin(thread_id, runs[0])
    await log.flushed(runs[0])
    first = await log.last_announcement(thread_id)
    assert first
    assert first.data == str(runs[0])
    readers = [_first(each.announcements(thread_id, first.event_id), 2) for each in (log, other)]
    for run_id in runs[1:]:
        await other.begin(thread_id, run_id)
    async with asyncio.timeout(PATIENCE):
        for reader in readers:
            assert [e.data async for e in reader] == [str(run_id) for run_id in runs[1:]]


async def test_nothing_is_kept_of_a_stream_that_nobody_reads_or_writes(replica: Open) -> None:
    log = replica()
    run_id = await filled(log, "a", END)
    await read(log, run_id)
    await next_of(log, await filled(log, END))
    assert not log._hub._channels
    assert not log._hub.tail._followed


async def test_the_health_of_redis_is_told(log: EventLog, away: EventLog) -> None:
    assert await log.ping()
    assert not await away.ping()
