import asyncio
import sys
import time
from contextlib import AsyncExitStack
from typing import Any
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from tools.events import make_redis
from tools.xero import limits as limits_module
from tools.xero.limits import Allowance, Busy, DaySpent, Heard, Lane, Limits, heard
from tools.xero.local_limits import LocalLimits
from tools.xero.shared import ANSWER_SECONDS, Shared

REPLICA = """
import asyncio, sys
from tools.events import make_redis
from tools.xero.limits import Allowance, Busy, Limits
from tools.xero.shared import Shared

async def main(url, prefix):
    client = make_redis(url)
    limits, done = Limits(Shared(client, prefix), Allowance(per_minute=30)), 0
    for _ in range(20):
        try:
            async with limits.slot("t", "chat"):
                await asyncio.sleep(0.001)
        except Busy:
            continue
        done += 1
    print(done)
    await client.aclose()

asyncio.run(main(*sys.argv[1:]))
"""
PLENTY = Allowance(per_minute=1000, per_day=100_000)
BRIEF = Allowance(per_minute=60, per_day=1000, minute_seconds=1, slot_seconds=0.6)


@pytest.fixture
def prefix() -> str:
    """Names of its own for each test, so that they may share a Redis."""
    return f"test-{uuid4().hex}"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(limits_module.PATIENCE_SECONDS, "chat", 0.3)
    monkeypatch.setitem(limits_module.PATIENCE_SECONDS, "background", 0.3)


def limits_of(client: Redis | None, prefix: str, allowance: Allowance = PLENTY) -> Limits:
    """As one process has them; two of these are two processes."""
    return Limits(Shared(client, prefix), allowance)


async def call(limits: Limits, lane: Lane = "chat", seconds: float = 0, **said: Any) -> None:
    async with limits.slot("t", lane) as slot:
        await asyncio.sleep(seconds)
        slot.heard = Heard(**said)


# 5.4 case 34
async def test_processes_together_never_call_more_than_four_at_a_time(
    redis: Redis, prefix: str
) -> None:
    running, most = 0, 0
    processes = [limits_of(redis, prefix) for _ in range(3)]

    async def work(limits: Limits) -> None:
        nonlocal running, most
        async with limits.slot("t", "chat"):
            running += 1
            most = max(most, running)
            await asyncio.sleep(0.02)
            running -= 1

    await asyncio.gather(*(work(processes[n % 3]) for n in range(36)))
    assert most == 4


async def test_another_organisation_has_limits_of_its_own(redis: Redis, prefix: str) -> None:
    limits = limits_of(redis, prefix, Allowance(at_once=1))
    async with limits.slot("one", "chat"):
        other = limits_of(redis, prefix, Allowance(at_once=1))
        async with other.slot("two", "chat"):
            pass


@pytest.mark.usefixtures("impatient")
async def test_the_chat_does_not_wait_for_ever(redis: Redis, prefix: str) -> None:
    async with AsyncExitStack() as held:
        for _ in range(4):
            await held.enter_async_context(limits_of(redis, prefix).slot("t", "chat"))
        started = time.monotonic()
        with pytest.raises(Busy):
            await call(limits_of(redis, prefix))
        assert time.monotonic() - started < 0.6


async def test_the_slot_of_a_killed_process_is_free_again(redis: Redis, prefix: str) -> None:
    for _ in range(4):
        await limits_of(redis, prefix, BRIEF).slot("t", "chat").__aenter__()
    started = time.monotonic()
    await call(limits_of(redis, prefix, BRIEF))
    assert time.monotonic() - started < 2 * BRIEF.slot_seconds


async def test_a_caller_who_goes_away_while_asking_keeps_no_slot(redis: Redis, prefix: str) -> None:
    limits = limits_of(redis, prefix)
    for _ in range(20):
        task = asyncio.create_task(call(limits))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert await redis.zcard(f"{prefix}:limits:t:slots") == 0


async def test_of_sixty_calls_a_minute_fifty_five_are_used(redis: Redis, prefix: str) -> None:
    allowance = Allowance(per_minute=60, minute_seconds=60)
    await asyncio.gather(*(call(limits_of(redis, prefix, allowance)) for _ in range(55)))
    started = time.monotonic()
    with pytest.raises(Busy, match="minute"):
        await call(limits_of(redis, prefix, allowance))
    assert time.monotonic() - started < 5, "it is known that waiting is of no use"


async def test_the_chat_waits_for_the_minute_to_pass(redis: Redis, prefix: str) -> None:
    allowance = Allowance(per_minute=6, minute_seconds=1)
    limits = limits_of(redis, prefix, allowance)
    started = time.monotonic()
    for _ in range(6):
        await call(limits)
    assert 0.9 < time.monotonic() - started < 2


async def test_background_work_leaves_a_slot_and_a_part_of_the_minute(
    redis: Redis, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(limits_module.PATIENCE_SECONDS, "background", 0.2)
    async with AsyncExitStack() as held:
        for _ in range(3):
            await held.enter_async_context(limits_of(redis, prefix).slot("t", "background"))
        with pytest.raises(Busy):
            await call(limits_of(redis, prefix), "background")
        await call(limits_of(redis, prefix))
    allowance = Allowance(per_minute=12, minute_seconds=60)
    for _ in range(8):
        await call(limits_of(redis, f"{prefix}2", allowance), "background")
    with pytest.raises(Busy, match="minute"):
        await call(limits_of(redis, f"{prefix}2", allowance), "background")
    await call(limits_of(redis, f"{prefix}2", allowance))


async def test_background_work_waits_behind_the_chat(redis: Redis, prefix: str) -> None:
    order: list[str] = []

    async def note(lane: Lane, seconds: float) -> None:
        async with limits_of(redis, prefix).slot("t", lane):
            order.append(lane)
            await asyncio.sleep(seconds)

    running = [asyncio.create_task(note("chat", 0.2)) for _ in range(4)]
    await asyncio.sleep(0.05)
    later = [asyncio.create_task(note("background", 0.01)) for _ in range(3)]
    await asyncio.sleep(0.05)
    later += [asyncio.create_task(note("chat", 0.1)) for _ in range(6)]
    await asyncio.gather(*running, *later)
    assert order[4:8] == ["chat"] * 4


# 5.4 case 48
async def test_less_than_a_fifth_of_the_day_is_kept_for_the_chat(redis: Redis, prefix: str) -> None:
    limits, other = (limits_of(redis, prefix, Allowance(per_day=1000)) for _ in range(2))
    await call(limits, day_left=201)
    await call(other, "background", day_left=200)
    with pytest.raises(DaySpent):
        await call(other, "background")
    await call(other, day_left=199)


async def test_calls_are_counted_without_any_word_of_xeros(redis: Redis, prefix: str) -> None:
    limits = limits_of(redis, prefix, Allowance(per_day=10))
    for _ in range(8):
        await call(limits)
    # Our count may be wrong: one call finds out, and as long as it brings no news none follows.
    await call(limits, "background")
    with pytest.raises(DaySpent):
        await call(limits, "background")
    await call(limits)


async def test_a_spent_day_keeps_all_processes_away_until_xero_says(
    redis: Redis, prefix: str
) -> None:
    day = heard(429, {"X-Rate-Limit-Problem": "day", "Retry-After": "1"})
    await call(limits_of(redis, prefix), **day._asdict())
    for lane in ("chat", "background"):
        with pytest.raises(DaySpent):
            await call(limits_of(redis, prefix), lane)
    await asyncio.sleep(1)
    await call(limits_of(redis, prefix))


async def test_a_minute_that_xero_calls_full_is_waited_for_by_all(
    redis: Redis, prefix: str
) -> None:
    minute = heard(429, {"X-Rate-Limit-Problem": "minute", "Retry-After": "1"})
    await call(limits_of(redis, prefix), **minute._asdict())
    started = time.monotonic()
    await call(limits_of(redis, prefix))
    assert 0.9 < time.monotonic() - started < 1.6


@pytest.mark.usefixtures("impatient")
async def test_nothing_left_of_the_minute_is_believed(redis: Redis, prefix: str) -> None:
    await call(limits_of(redis, prefix), minute_left=0)
    with pytest.raises(Busy, match="minute"):
        await call(limits_of(redis, prefix))


async def test_what_is_left_counts_down_between_answers(redis: Redis, prefix: str) -> None:
    limits = limits_of(redis, prefix)
    await call(limits, minute_left=50, day_left=4000, is_ok=True)
    await call(limits)
    seen = await limits.seen("t")
    assert (seen.minute_left, seen.day_left, seen.used_today) == (49, 3999, 2)
    assert seen.last_ok_at is not None
    assert seen.rests_until is None


@pytest.mark.parametrize(
    ("status", "headers", "rest"),
    [
        (200, {}, (0, "")),
        (429, {"X-Rate-Limit-Problem": "day", "Retry-After": "66975"}, (66975, "day")),
        (429, {"X-Rate-Limit-Problem": "Minute", "Retry-After": "7"}, (7, "minute")),
        (429, {"X-Rate-Limit-Problem": "appminute", "Retry-After": "x"}, (5, "minute")),
        (429, {"X-Rate-Limit-Problem": "concurrent"}, (0, "")),
        (429, {}, (5, "minute")),
    ],
)
def test_what_an_answer_says(status: int, headers: dict[str, str], rest: tuple[float, str]) -> None:
    said = heard(status, headers)
    assert (said.rest_seconds, said.rest_for) == rest
    assert said.is_ok is (status == 200)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("is_away", [True, False])
async def test_without_redis_each_process_keeps_the_limits_itself(
    away: Redis, *, is_away: bool
) -> None:
    limits = limits_of(away if is_away else None, "any", Allowance(per_minute=12, per_day=100))
    await call(limits, day_left=20)
    with pytest.raises(DaySpent):
        await call(limits, "background")
    for _ in range(10):
        await call(limits)
    with pytest.raises(Busy, match="minute"):
        await call(limits)
    assert (await limits.seen("t")).day_left == 20


async def test_a_redis_that_hangs_costs_half_a_second_once() -> None:
    async def hang(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await asyncio.sleep(30)
        finally:
            writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = make_redis(f"redis://127.0.0.1:{port}/0")
    limits = limits_of(client, "any")
    started = time.monotonic()
    for _ in range(5):
        await call(limits)
    assert ANSWER_SECONDS < time.monotonic() - started < ANSWER_SECONDS + 0.4
    await client.aclose()
    server.close()


def test_the_limits_of_one_process_on_its_own() -> None:
    now = 100.0
    own = LocalLimits(2, 3, clock=lambda: now)
    assert own.take("a", is_chat=True, kept_of_day=0) is None
    assert own.take("b", is_chat=False, kept_of_day=0) == ("concurrent", 0.025)
    assert own.take("b", is_chat=True, kept_of_day=0) is None
    assert own.take("c", is_chat=True, kept_of_day=0) == ("concurrent", 0.025)
    own.give_back("a", None, None)
    assert own.take("c", is_chat=True, kept_of_day=0) is None
    own.give_back("b", None, None)
    assert own.take("d", is_chat=True, kept_of_day=0) == ("minute", 60)
    own.rest(2, "day")
    assert own.take("d", is_chat=True, kept_of_day=0) == ("day", 2)


async def test_the_minute_is_one_for_several_processes(redis_url: str, prefix: str) -> None:
    command = [sys.executable, "-c", REPLICA, redis_url, prefix]
    replicas = [
        await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        for _ in range(3)
    ]
    done = [int((await replica.communicate())[0]) for replica in replicas]
    assert sum(done) == Allowance(per_minute=30).usable
