"""Rates: counted together in Redis, alone without it, and never waited for."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from tools.embedded.process import free_port
from tools.embedded.valkey import Valkey
from tools.rates import ANSWER_SECONDS, Rate, Rates


@asynccontextmanager
async def rates_at(url: str, rest_seconds: float = 5) -> AsyncIterator[Rates]:
    rates = Rates(url, rest_seconds)
    yield rates
    await rates.aclose()


@pytest.fixture
def who() -> str:
    return uuid4().hex


async def allowed(rates: Rates, rate: Rate, who: str, times: int) -> int:
    found = await asyncio.gather(*(rates.spend(rate, who) for _ in range(times)))
    return found.count(None)


async def test_two_processes_count_together(redis_url: str, who: str) -> None:
    rate = Rate("user-turns", 7)
    async with rates_at(redis_url) as here, rates_at(redis_url) as there:
        counts = await asyncio.gather(allowed(here, rate, who, 6), allowed(there, rate, who, 6))
        assert sum(counts) == 7


async def test_a_large_rate_loses_a_hundredth_to_each_process_at_most(
    redis_url: str, who: str
) -> None:
    rate = Rate("user-reads", 1000)
    async with rates_at(redis_url) as here, rates_at(redis_url) as there:
        first = await allowed(here, rate, who, 495)
        second = await allowed(there, rate, who, 700)
        assert 1000 - 2 * 10 <= first + second <= 1000


async def test_what_is_exceeded_says_when_there_is_room(redis_url: str, who: str) -> None:
    rate = Rate("user-turns", 1)
    async with rates_at(redis_url) as rates:
        assert await rates.spend(rate, who) is None
        exceeded = await rates.spend(rate, who)
        assert exceeded is not None
        assert exceeded.rate is rate
        assert 1 <= exceeded.seconds <= 61
        assert await rates.spend(rate, f"not {who}") is None


async def test_a_rate_of_zero_has_no_end(redis_url: str, who: str) -> None:
    async with rates_at(redis_url) as rates:
        assert await allowed(rates, Rate("user-turns", 0), who, 50) == 50


async def test_without_redis_a_process_counts_alone(who: str) -> None:
    async with rates_at("redis://127.0.0.1:1/0") as rates:
        assert await allowed(rates, Rate("user-turns", 3), who, 5) == 3
        assert not rates.is_shared


async def test_a_redis_that_hangs_is_waited_for_once(who: str) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", port := free_port())
    async with server, rates_at(f"redis://127.0.0.1:{port}/0", rest_seconds=60) as rates:
        began = time.monotonic()
        for _ in range(20):
            assert await rates.spend(Rate("user-turns", 20), who) is None
        assert time.monotonic() - began < 20 * 0.25 / 2
        assert not rates.is_shared


async def test_redis_that_comes_back_counts_again(tmp_path: Path, who: str) -> None:
    server = Valkey(tmp_path, persistent=False)
    url = await asyncio.to_thread(server.start)
    async with rates_at(url, rest_seconds=0.1) as rates:
        rate = Rate("user-turns", 50)
        assert await rates.spend(rate, who) is None
        assert rates.is_shared
        await asyncio.to_thread(server.stop)
        await rates.spend(rate, f"{who}:away")
        assert not rates.is_shared
        await asyncio.to_thread(server.start)
        end = time.monotonic() + 20
        while not rates.is_shared and time.monotonic() < end:
            await asyncio.sleep(0.15)
            await rates.spend(rate, uuid4().hex)
        assert rates.is_shared
    await asyncio.to_thread(server.stop)


async def test_redis_is_not_away_because_this_process_was_busy(redis_url: str, who: str) -> None:
    async with rates_at(redis_url) as rates:
        rate = Rate("user-turns", 50)
        await rates.spend(rate, who)
        for steps in range(1, 12):  # somewhere here the question is on its way
            asking = asyncio.create_task(rates.spend(rate, f"{who}:{steps}"))
            for _ in range(steps):
                await asyncio.sleep(0)
            time.sleep(1.5 * ANSWER_SECONDS)  # noqa: ASYNC251 (that is what is tried)
            await asking
            assert rates.is_shared
