"""Who tries numbers out is stopped, and told of once."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from tests.tools.xero import papers
from tests.tools.xero.papers import FOREIGN, OWN, Papers
from tools.embedded.process import free_port
from tools.errors import BackendUnavailable, ForeignDocument
from tools.events import make_redis
from tools.xero.documents import Invoice
from tools.xero.guesses import MISSES, Guesses, Guessing, LookedUp

LookUp = Callable[..., Awaitable[LookedUp[Invoice]]]


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Desk:
    """A customer of their own, who looks numbers up in books with one document of theirs."""

    def __init__(self, guesses: Guesses, customer_id: str | None = None) -> None:
        self.guesses = guesses
        self.customer_id = customer_id or f"customer {uuid4()}"
        self.books = Papers()
        self.books.add(papers.invoice("INV-7"), papers.invoice("INV-8"))
        self.books.add(*(papers.invoice(f"INV-{n}", FOREIGN) for n in range(20, 40)))
        self.accounts = self.books.accounts(OWN)

    async def look_up(self, number: str, *listed: str) -> LookedUp[Invoice]:
        read = self.accounts.invoice_by_number
        return await self.guesses.look_up(self.customer_id, number, read, listed)

    async def miss(self, first: int, count: int) -> list[LookedUp[Invoice]]:
        return [await self.look_up(f"INV-{n}") for n in range(first, first + count)]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["redis", "without redis", "redis away"])
def guesses(request: pytest.FixtureRequest, redis: Redis, clock: Clock) -> Guesses:
    away = make_redis(f"redis://127.0.0.1:{free_port()}/0")
    used = {"redis": redis, "without redis": None, "redis away": away}
    return Guesses(used[request.param], clock)


async def test_guessing_through_fifty_numbers_is_stopped_and_told_once(guesses: Guesses) -> None:
    # 5.4 case 14
    desk = Desk(guesses)
    found = await desk.miss(100, 50)
    assert all(f.document is None for f in found)
    assert [f.is_throttled for f in found] == [False] * MISSES + [True] * 45
    assert len(desk.books.asked) == MISSES
    told = [f.guessing for f in found if f.guessing]
    assert told == [Guessing(desk.customer_id, "INV-1..", MISSES)]


async def test_foreign_and_missing_numbers_are_the_same_miss(guesses: Guesses) -> None:
    # 5.4 cases 3, 14
    foreign, missing = Desk(guesses), Desk(guesses)
    answers = [await foreign.miss(20, 8), await missing.miss(60, 8)]
    shown = [[(f.document, f.is_throttled) for f in answer] for answer in answers]
    assert shown[0] == shown[1]
    assert len(foreign.books.asked) == len(missing.books.asked) == MISSES


async def test_ones_own_documents_are_no_guesses(guesses: Guesses) -> None:
    desk = Desk(guesses)
    for _ in range(20):
        assert (await desk.look_up("INV-7")).document
        assert (await desk.look_up("INV-8")).document
    await desk.miss(100, MISSES - 1)
    assert (await desk.look_up("inv-7")).document


async def test_the_same_number_again_is_no_further_guess(guesses: Guesses) -> None:
    desk = Desk(guesses)
    found = [await desk.look_up("INV-404") for _ in range(20)]
    assert not any(f.is_throttled or f.guessing for f in found)


async def test_only_what_was_listed_is_answered_to_somebody_who_guesses(guesses: Guesses) -> None:
    # 5.4 case 14
    desk = Desk(guesses)
    await desk.miss(100, MISSES)
    assert await desk.look_up("INV-7") == LookedUp(None, is_throttled=True)
    found = await desk.look_up("inv-7", "INV-7", "INV-8")
    assert found.document
    assert not found.is_throttled


async def test_it_ends_after_ten_minutes(guesses: Guesses, clock: Clock) -> None:
    desk = Desk(guesses)
    await desk.miss(100, MISSES)
    clock.now += 599
    assert (await desk.look_up("INV-7")).is_throttled
    clock.now += 2
    assert (await desk.look_up("INV-7")).document


async def test_slow_guessing_in_one_hundred_is_stopped_for_the_day(
    guesses: Guesses, clock: Clock
) -> None:
    # 5.4 case 14
    desk = Desk(guesses)
    for first in (100, 104, 108):
        await desk.miss(first, 4)
        clock.now += 601
    assert (await desk.look_up("INV-150")).is_throttled
    assert not (await desk.look_up("INV-250")).is_throttled


async def test_one_customers_guesses_do_not_stop_another(guesses: Guesses) -> None:
    await Desk(guesses).miss(100, 20)
    assert (await Desk(guesses).look_up("INV-7")).document


async def test_what_is_no_number_is_neither_asked_nor_counted(guesses: Guesses) -> None:
    desk = Desk(guesses)
    for text in ("", "1001", '" OR 1==1', "x" * 10_000) * 3:
        assert await desk.look_up(text) == LookedUp(None)
    assert desk.books.asked == []
    assert (await desk.look_up("INV-7")).document


async def test_many_at_once_do_not_get_around_the_limit(guesses: Guesses) -> None:
    # 5.4 case 14
    desk = Desk(guesses)
    await asyncio.gather(*(desk.look_up(f"INV-{n}") for n in range(100, 150)))
    assert len(desk.books.asked) <= MISSES


async def test_an_outage_is_no_guess(guesses: Guesses) -> None:
    desk = Desk(guesses)

    async def fail(_: str) -> None:
        raise BackendUnavailable

    for n in range(20):
        with pytest.raises(BackendUnavailable):
            await guesses.look_up(desk.customer_id, f"INV-{n + 100}", fail)
    assert (await desk.look_up("INV-7")).document


async def test_a_foreign_document_that_xero_sends_counts_as_a_miss(guesses: Guesses) -> None:
    # 5.4 cases 6, 14
    desk = Desk(guesses)
    desk.books.foolish = True
    for n in range(20, 20 + MISSES):
        with pytest.raises(ForeignDocument):
            await desk.look_up(f"INV-{n}")
    assert (await desk.look_up("INV-30")).is_throttled


async def test_processes_count_together(redis: Redis, clock: Clock) -> None:
    one = Desk(Guesses(redis, clock))
    other = Desk(Guesses(redis, clock), one.customer_id)
    await one.miss(100, 3)
    told = [f.guessing for f in await other.miss(200, 3) if f.guessing]
    assert len(told) == 1
    assert (await one.look_up("INV-7")).is_throttled


async def test_guesses_are_forgotten_in_time(redis: Redis, clock: Clock) -> None:
    desk = Desk(Guesses(redis, clock))
    await desk.miss(100, 3)
    keys = [key async for key in redis.scan_iter(f"guesses:{desk.customer_id}*")]
    lives = sorted([await redis.ttl(key) for key in keys])
    assert [0 < life <= most for life, most in zip(lives, (600, 86400), strict=True)] == [True] * 2


async def test_a_process_that_counts_alone_does_not_grow_for_ever(
    monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    monkeypatch.setattr("tools.xero.guesses.MOST_KEYS", 10)
    guesses = Guesses(None, clock)
    for _ in range(50):
        await Desk(guesses).miss(100, MISSES)
    assert len(guesses._local._missed) <= 10
    assert len(guesses._local._told) <= 10
