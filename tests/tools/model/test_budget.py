from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
import redis.asyncio as redis

from tools.embedded.process import free_port
from tools.errors import BackendUnavailable
from tools.events import make_redis
from tools.model.budget import BudgetSpent, DailyBudget

LIMIT = Decimal("1.00")
AWAY = "redis://127.0.0.1:9/0"


class Clock:
    """A day of its own for each test, so that they may share a Redis."""

    def __init__(self) -> None:
        self.now = datetime(2100, 1, 1, tzinfo=UTC) + timedelta(days=uuid4().int % 300_000)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[redis.Redis]:
    client = make_redis(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
def budget(client: redis.Redis, clock: Clock) -> DailyBudget:
    return DailyBudget(LIMIT, clock, client)


async def spend(budget: DailyBudget, amount: str, estimate: str | None = None) -> None:
    await budget.settle(await budget.reserve(Decimal(estimate or amount)), Decimal(amount))


async def test_what_was_spent_adds_up(budget: DailyBudget) -> None:
    await spend(budget, "0.25", estimate="0.60")
    await spend(budget, "0.000001")
    assert await budget.spent() == Decimal("0.250001")


async def test_a_call_that_could_exceed_the_limit_is_refused_before_it(
    budget: DailyBudget,
) -> None:
    await spend(budget, "0.90")
    with pytest.raises(BackendUnavailable, match="spent"):
        await budget.reserve(Decimal("0.11"))
    assert await budget.spent() == Decimal("0.90")
    await spend(budget, "0.10")


async def test_what_is_reserved_counts_until_it_is_settled(budget: DailyBudget) -> None:
    reserved = await budget.reserve(Decimal("0.80"))
    with pytest.raises(BudgetSpent):
        await budget.reserve(Decimal("0.30"))
    await budget.settle(reserved, Decimal("0.10"))
    await spend(budget, "0.30")


async def test_processes_share_the_budget(
    budget: DailyBudget, client: redis.Redis, clock: Clock
) -> None:
    await spend(budget, "0.90")
    other = DailyBudget(LIMIT, clock, client)
    with pytest.raises(BudgetSpent):
        await other.reserve(Decimal("0.20"))


async def test_the_day_changes_at_midnight_in_singapore(budget: DailyBudget, clock: Clock) -> None:
    clock.now = clock.now.replace(hour=15, minute=59)
    await spend(budget, "0.90")
    clock.now += timedelta(minutes=1)
    assert await budget.spent() == 0


async def test_a_call_over_midnight_is_settled_on_its_own_day(
    budget: DailyBudget, clock: Clock
) -> None:
    clock.now = clock.now.replace(hour=15, minute=59)
    reserved = await budget.reserve(Decimal("0.90"))
    clock.now += timedelta(minutes=1)
    await budget.settle(reserved, Decimal("0.50"))
    assert await budget.spent() == 0


async def test_the_days_total_is_forgotten_in_time(
    budget: DailyBudget, client: redis.Redis
) -> None:
    reserved = await budget.reserve(Decimal("0.10"))
    assert 0 < await client.ttl(reserved.key) <= timedelta(days=3).total_seconds()


@pytest.mark.parametrize("url", [AWAY, None])
async def test_without_redis_each_process_counts_for_itself(url: str | None, clock: Clock) -> None:
    budget = DailyBudget(LIMIT, clock, make_redis(url) if url else None)
    await spend(budget, "0.90")
    with pytest.raises(BudgetSpent):
        await budget.reserve(Decimal("0.20"))
    await spend(budget, "0.10")


async def test_what_was_spent_without_redis_is_added_once_it_is_back(
    redis_url: str, client: redis.Redis, clock: Clock
) -> None:
    away = make_redis(f"redis://127.0.0.1:{free_port()}/0")
    budget = DailyBudget(LIMIT, clock, away)
    await spend(budget, "0.40")
    assert await DailyBudget(LIMIT, clock, client).spent() == 0

    away.connection_pool = make_redis(redis_url).connection_pool
    clock.now += timedelta(seconds=11)
    await spend(budget, "0.10")
    assert await DailyBudget(LIMIT, clock, client).spent() == Decimal("0.50")
    await away.aclose()
