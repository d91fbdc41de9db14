import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
import redis.asyncio as redis

from tools.embedded.process import free_port
from tools.events import END, HEARTBEAT, KEEP_SECONDS, Event, EventLog, LogUnavailable, make_redis


@pytest.fixture(scope="session")
async def client(redis_url: str) -> AsyncIterator["redis.Redis"]:
    client = make_redis(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
def log(client: "redis.Redis") -> EventLog:
    return EventLog(client)


@pytest.fixture
async def away() -> AsyncIterator[EventLog]:
    """A log whose server is not there."""
    client = make_redis(f"redis://127.0.0.1:{free_port()}/0")
    yield EventLog(client)
    await client.aclose()


async def read(log: EventLog, run_id: UUID, after: str = "0-0") -> list[Event]:
    return [event async for event in log.read(run_id, after)]


async def next_of(log: EventLog, run_id: UUID) -> Event:
    return await anext(log.read(run_id))


async def filled(log: EventLog, *names: str) -> UUID:
    run_id = uuid4()
    for name in names:
        await log.append(run_id, name, f'"{name}"')
    return run_id


async def test_events_come_in_order_and_stop_at_the_end(log: EventLog) -> None:
    run_id = await filled(log, "metadata", "values", END)
    await log.append(run_id, "late", "{}")
    events = await read(log, run_id)
    assert [(e.name, e.data) for e in events] == [
        ("metadata", '"metadata"'),
        ("values", '"values"'),
        (END, '"end"'),
    ]


async def test_a_reader_goes_on_after_the_last_event_it_saw(log: EventLog) -> None:
    run_id = await filled(log, "metadata", "values", END)
    events = await read(log, run_id)
    for seen, event in enumerate(events[:-1], 1):
        assert await read(log, run_id, event.event_id) == events[seen:]


async def test_a_reader_that_came_first_gets_each_event_at_once(log: EventLog) -> None:
    run_id = uuid4()
    first = asyncio.create_task(next_of(log, run_id))
    await asyncio.sleep(0.05)
    await log.append(run_id, "metadata", "{}")
    assert (await asyncio.wait_for(first, 1)).name == "metadata"


async def test_runs_do_not_hear_each_other(log: EventLog) -> None:
    one, other = await filled(log, "a", END), await filled(log, "b", END)
    assert [e.name for e in await read(log, one)] == ["a", END]
    assert [e.name for e in await read(log, other)] == ["b", END]


async def test_silence_is_filled_with_heartbeats(log: EventLog) -> None:
    assert await asyncio.wait_for(next_of(log, uuid4()), 5) == HEARTBEAT


async def test_a_log_exists_once_something_is_in_it(log: EventLog) -> None:
    assert await log.exists(await filled(log, "metadata"))
    assert not await log.exists(uuid4())


async def test_a_log_goes_away_by_itself(log: EventLog, client: "redis.Redis") -> None:
    run_id = await filled(log, "metadata")
    assert KEEP_SECONDS - 60 < await client.ttl(f"run:{run_id}:events") <= KEEP_SECONDS


async def test_any_text_survives(log: EventLog) -> None:
    run_id = uuid4()
    await log.append(run_id, "values", '{"text": "好\\n\u2028"}')
    await log.append(run_id, END, "{}")
    assert (await read(log, run_id))[0].data == '{"text": "好\\n\u2028"}'


async def test_writing_without_redis_fails_nothing(away: EventLog) -> None:
    await away.append(uuid4(), "values", "{}")


async def test_reading_without_redis_says_so(away: EventLog) -> None:
    with pytest.raises(LogUnavailable):
        await away.exists(uuid4())
    with pytest.raises(LogUnavailable):
        await read(away, uuid4())


async def test_the_health_of_redis_is_told(log: EventLog, away: EventLog) -> None:
    assert await log.ping()
    assert not await away.ping()
