"""Bounds on other programs, on a loop that is free and on one that is held up."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from tools.bounds import within
from tools.events import START, EventLog, make_redis
from tools.streams.writer import WRITE_SECONDS


@pytest.fixture
async def log(redis_url: str) -> AsyncIterator[EventLog]:
    redis = make_redis(redis_url)
    log = EventLog(redis)
    yield log
    await log.aclose()
    await redis.aclose()


async def test_what_hangs_is_left_in_time() -> None:
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        async with within(0.2):
            await asyncio.Event().wait()
    assert time.monotonic() - began >= 0.2


async def test_what_comes_in_time_ends_the_clock() -> None:
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, found: complaints.append(found))
    try:
        async with within(0.05):
            pass
        await asyncio.sleep(0.2)  # nothing comes behind it
    finally:
        asyncio.get_running_loop().set_exception_handler(None)
    assert complaints == []


async def test_whoever_is_cancelled_is_cancelled() -> None:
    async def hang() -> None:
        async with within(60):
            await asyncio.Event().wait()

    hanging = asyncio.create_task(hang())
    await asyncio.sleep(0)
    hanging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hanging


async def test_an_answer_that_lay_there_while_we_were_busy_is_heard(log: EventLog) -> None:
    thread_id, run_id = uuid4(), uuid4()
    await log.begin(thread_id, run_id)
    await log.flushed(run_id)  # connected
    for number in range(3):
        await log.append(run_id, "messages", str(number))
        for _ in range(5):  # until the command is on its way
            await asyncio.sleep(0)
        time.sleep(1.5 * WRITE_SECONDS)  # noqa: ASYNC251 (that is what is tried)
        await log.flushed(run_id)
    async for event in log.read(run_id, START):
        assert event.event_id
        if event.data == "2":
            break
