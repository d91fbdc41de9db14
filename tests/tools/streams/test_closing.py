"""A run's stream is taken from its writer: nothing of theirs follows, and readers get the end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from tools.events import END, EventLog, make_redis

CLAIMED = datetime.now(UTC)


@pytest.fixture
async def replicas(redis_url: str) -> AsyncIterator[tuple[EventLog, EventLog]]:
    """Two processes that share one Redis."""
    client = make_redis(redis_url)
    logs = (EventLog(client), EventLog(client))
    yield logs
    for log in logs:
        await log.aclose()
    await client.aclose()


async def read(log: EventLog, run_id: UUID) -> list[str]:
    """What a reader gets, to the end."""
    async with asyncio.timeout(10), aclosing(log.read(run_id)) as events:
        return [event.data if event.name != END else END async for event in events if event.name]


async def written(log: EventLog, run_id: UUID, *texts: str) -> None:
    for text in texts:
        await log.append(run_id, "messages", text)
    await log.flushed(run_id)


@pytest.mark.parametrize("taker", [0, 1], ids=["the same process", "another process"])
async def test_the_writer_is_silent_at_once_and_every_reader_gets_the_end(
    replicas: tuple[EventLog, EventLog], taker: int
) -> None:
    worker, run_id = replicas[0], uuid4()
    await worker.begin(uuid4(), run_id, 1, CLAIMED)
    await written(worker, run_id, "You owe")
    reading = [asyncio.create_task(read(log, run_id)) for log in replicas]
    await asyncio.sleep(0.1)
    closing = await replicas[taker].take(run_id, CLAIMED + timedelta(seconds=1))
    await written(worker, run_id, " nothing.")
    assert await closing.end([("values", "Mei has joined")])
    await written(worker, run_id, "Really.")
    expected = ["You owe", "Mei has joined", END]
    assert await asyncio.gather(*reading) == [expected, expected]
    assert await read(replicas[1], run_id) == expected


async def test_whoever_claimed_it_later_keeps_it(replicas: tuple[EventLog, EventLog]) -> None:
    worker, run_id = replicas[0], uuid4()
    await worker.begin(uuid4(), run_id, 2, CLAIMED + timedelta(seconds=2))
    await written(worker, run_id, "You owe")
    closing = await replicas[1].take(run_id, CLAIMED)
    assert not await closing.end([("values", "Mei has joined")])
    await worker.append(run_id, END, "{}")
    assert await read(worker, run_id) == ["You owe", END]
