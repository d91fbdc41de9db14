"""The synthetic customer finds out whether orders work, and leaves nothing behind."""

import asyncio
import copy
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from prometheus_client import REGISTRY

from graph.clients import Clients, open_clients
from graph.settings import Settings
from graph.synthetic import STEPS, SyntheticCustomer, Talk
from graph.synthetic_order import StepFailed, Wish, check_card, wish_of
from graph.turn_line import turn_fields
from monitoring.redaction import redacted
from tools.database import fetch_all, fetch_one, make_pool
from tools.ordering.catalogue import load_catalogue
from tools.runs import Runs
from tools.synthetic import CUSTOMER, MARK, SyntheticRecord
from tools.xero.seller import Listed

LEFT = """
select (select count(*) from threads where customer_id = %(who)s) as threads,
  (select count(*) from actions where customer_id = %(who)s) as cards,
  (select count(*) from tickets where customer_id = %(who)s and status = 'open') as tickets,
  (select count(*) from customers where customer_id = %(who)s) as names"""


@pytest.fixture(scope="module")
async def clients(settings: Settings) -> AsyncIterator[Clients]:
    async with open_clients(settings) as clients:
        yield clients


@pytest.fixture
async def record(clients: Clients) -> SyntheticRecord:
    """What is known before anything was held."""
    async with clients.pool.connection() as connection:
        await connection.execute("delete from synthetic_conversation")
    return SyntheticRecord(clients.pool)


@pytest.fixture
def control(sandbox: dict[str, str]) -> str:
    return sandbox["XERO_API_URL"].removesuffix("/xero") + "/control"


async def row_of(clients: Clients) -> dict[str, Any]:
    found = await fetch_one(clients.pool, "select * from synthetic_conversation")
    return found or {"is_working": None, "ended_at": None}


async def left_of(clients: Clients) -> set[int]:
    found = await fetch_one(clients.pool, LEFT, {"who": CUSTOMER})
    assert found
    return set(found.values())


def writes_to(control: str) -> int:
    counted = httpx.get(f"{control}/requests").json()
    written = [c for c in counted if c["method"] in ("PUT", "POST") and "token" not in c["path"]]
    return sum(each["count"] for each in written)


@contextmanager
def failing(control: str, operation: str) -> Iterator[None]:
    fault = {"operation": operation, "mode": "unavailable", "times": 1_000}
    httpx.post(f"{control}/faults", json=fault).raise_for_status()
    try:
        yield
    finally:
        httpx.post(f"{control}/faults", json=fault | {"times": 0}).raise_for_status()


def count(outcome: str) -> float:
    return REGISTRY.get_sample_value("tria_canary_total", {"outcome": outcome}) or 0


async def test_it_orders_declines_asks_writes_nothing_and_leaves_nothing(
    clients: Clients, record: SyntheticRecord, control: str
) -> None:
    before, passed = writes_to(control), count("passed")
    steps = await SyntheticCustomer(clients).converse()
    assert [(step["step"], step["ok"], step["why"]) for step in steps] == [
        (name, True, "") for name in STEPS
    ]
    row = await row_of(clients)
    assert row["is_working"] is True
    assert row["worked_at"] == row["ended_at"] == row["since"]
    assert row["steps"] == steps
    assert await left_of(clients) == {0}
    assert writes_to(control) == before
    assert count("passed") == passed + 1


async def test_what_fails_is_named_and_since_when(
    clients: Clients, record: SyntheticRecord, control: str
) -> None:
    working = (await SyntheticCustomer(clients).converse())[0]["ok"]
    worked = await row_of(clients)
    failed = count("failed")
    with failing(control, "GET /Invoices"):
        steps = await SyntheticCustomer(clients).converse()
    clients.xero_parts.breaker.begin_anew()
    assert working
    assert {step["step"]: step["ok"] for step in steps} == {
        "order": False,
        "decline": False,
        "balance": False,
        "rule": True,
    }
    row = await row_of(clients)
    assert row["is_working"] is False
    assert row["worked_at"] == worked["worked_at"]
    assert row["since"] > worked["since"]
    assert await left_of(clients) == {0}
    assert count("failed") == failed + 1
    again = await SyntheticCustomer(clients).converse()
    assert all(step["ok"] for step in again)


async def test_of_all_replicas_one_leads_and_no_sooner_than_it_is_due(
    clients: Clients, record: SyntheticRecord
) -> None:
    claims = await asyncio.gather(*(record.claim(60) for _ in range(5)))
    assert sorted(claims) == [False] * 4 + [True]
    await record.note([], is_working=True)
    assert not await record.claim(60)  # the next is due in a minute
    await record.let_go()
    assert await record.claim(60)


async def test_none_is_held_with_the_last_calls_of_a_day(
    clients: Clients, record: SyntheticRecord
) -> None:
    await clients.xero.get("/Organisation")  # so that it is known how many are left
    scarce = clients.settings.model_copy(update={"xero_day_limit": 10_000_000})
    await SyntheticCustomer(replace(clients, settings=scarce)).lead()
    assert (await row_of(clients))["ended_at"] is None
    await SyntheticCustomer(clients).lead()
    assert (await row_of(clients))["is_working"] is True


async def test_a_database_that_fails_says_nothing_about_orders(
    clients: Clients, record: SyntheticRecord
) -> None:
    away = replace(clients, runs=Runs(make_pool("postgresql://127.0.0.1:1/none"), "nobody"))
    assert await record.claim(60)
    with pytest.raises(psycopg.OperationalError):
        await SyntheticCustomer(away).converse()
    assert (await row_of(clients))["is_working"] is None
    assert await record.claim(60)  # another may find out at once


async def test_what_a_process_that_died_left_is_tidied_up(
    clients: Clients, record: SyntheticRecord
) -> None:
    await clients.conversations.create(uuid4(), CUSTOMER, MARK)
    assert await record.clean() == 1
    assert await left_of(clients) == {0}


async def test_while_it_is_held_its_conversation_is_marked(
    clients: Clients, record: SyntheticRecord
) -> None:
    talking = asyncio.create_task(SyntheticCustomer(clients).converse())
    seen: list[dict[str, Any]] = []
    while not talking.done() and not seen:
        query = "select metadata, temporary_until from threads where customer_id = %s"
        seen = await fetch_all(clients.pool, query, [CUSTOMER])
        await asyncio.sleep(0.01)
    await talking
    assert seen
    assert seen[0]["metadata"] == {"synthetic": True}
    assert seen[0]["temporary_until"] is not None


async def test_a_real_turn_has_a_line_that_nothing_has_to_be_masked_in(
    clients: Clients, record: SyntheticRecord
) -> None:
    talk = Talk(clients, uuid4())
    await clients.conversations.create(talk.thread_id, CUSTOMER, MARK)
    answer = await talk.say("which days do you deliver?")
    [run] = await clients.runs.of_thread(talk.thread_id, 1, 0)
    line = turn_fields(run, answer.state)
    assert redacted(line) == line
    assert (line["is_synthetic"], line["intents"].keys()) == (True, {"delivery"})
    assert line["passages"] > 0
    await record.clean()


# ---------------------------------------------------------------- what a card must say

TODAY = date(2026, 11, 28)
PRODUCT = load_catalogue().products[0]
WISH = Wish(PRODUCT, 5, Decimal("0.45"))
CARD: dict[str, Any] = {
    "kind": "order",
    "lines": [{"code": PRODUCT.code, "pieces": WISH.pieces, "amount": "225.00"}],
    "fees": [{"label": "Remote area", "amount": "30.00"}],
    "total": "277.95",
}


def test_a_card_that_is_right_passes() -> None:
    check_card(CARD, WISH, TODAY)


def set_line(name: str, value: object) -> Callable[[dict[str, Any]], None]:
    return lambda card: card["lines"][0].update({name: value})


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda card: card.update(total="277.94"), "total"),
        (lambda card: card.update(fees=[]), "total"),
        (lambda card: card["lines"].append(card["lines"][0]), "goods"),
        (set_line("pieces", 1), "goods"),
        (set_line("code", "another"), "goods"),
        (set_line("amount", "224.99"), "price"),
    ],
)
def test_a_card_that_is_wrong_is_told(spoil: Callable[[dict[str, Any]], None], why: str) -> None:
    card = copy.deepcopy(CARD)
    spoil(card)
    with pytest.raises(StepFailed, match=why):
        check_card(card, WISH, TODAY)


def test_something_is_ordered_that_is_there_and_that_nobody_must_look_at() -> None:
    first, second, *_ = load_catalogue().products
    enough, none = Listed(Decimal("0.5"), None), Listed(Decimal("0.5"), Decimal(0))
    found = wish_of([first, second], {first.code: none, second.code: enough})
    assert (found.product, found.amount) == (second, Decimal("200.00"))
    dear = {first.code: Listed(Decimal(900), None)}
    with pytest.raises(StepFailed):
        wish_of([first], dear)
