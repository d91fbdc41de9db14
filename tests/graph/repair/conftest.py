"""Turns that fail, hang or were killed, on real parts, and a colleague to repair them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
from psycopg.rows import DictRow

from graph.clients import Clients, open_clients
from graph.repair.operations import Press
from graph.settings import Settings
from graph.studio import demo_caller
from tests.conftest import customer, forget_guesses
from tools.database import fetch_all, fetch_one
from tools.intake import NewRun

OWED = "what do I owe?"
ORDER = "200 of the 12 inch boxes for tampines please"
REQUEST = {"stream_mode": ["values"], "stream_resumable": True}


@pytest.fixture(autouse=True)
def nobody_guessed(redis_url: str) -> None:
    forget_guesses(redis_url)


@pytest.fixture(scope="session")
async def clients(settings: Settings) -> AsyncIterator[Clients]:
    async with open_clients(settings) as clients:
        yield clients


def a_press() -> Press:
    return Press("staff-mei", "Mei", uuid4())


async def a_thread(clients: Clients) -> UUID:
    thread_id = uuid4()
    await clients.conversations.create(thread_id, customer().customer_id, {})
    return thread_id


async def ask(clients: Clients, thread_id: UUID, text: str) -> UUID:
    """Say something, as the API takes it in; the run's id."""
    who = demo_caller(customer())
    run = NewRun(
        run_id=uuid4(),
        thread_id=thread_id,
        customer_id=who.customer_id,
        message_id=str(uuid4()),
        content=text,
        extra={},
        strategy="enqueue",
        request=REQUEST,
        scope=who.scope,
        metadata={},
    )
    await clients.runs.create(run)
    await clients.executor.take()
    return run.run_id


async def row(clients: Clients, run_id: UUID) -> DictRow:
    found = await fetch_one(clients.pool, "select * from runs where run_id = %s", [run_id])
    assert found
    return found


async def ended(clients: Clients, run_id: UUID, *statuses: str) -> DictRow:
    """The run once it has one of these statuses."""
    found = await row(clients, run_id)
    for _ in range(300):
        if found["status"] in statuses:
            return found
        await asyncio.sleep(0.05)
        found = await row(clients, run_id)
    raise AssertionError(f"still {found['status']}: {found['error']}")


async def answers(clients: Clients, run_id: UUID) -> list[str]:
    said = await fetch_all(
        clients.pool,
        "select content from messages where run_id = %s and role = 'ai' order by seq",
        [run_id],
    )
    return [each["content"] for each in said]


async def trail(clients: Clients, run_id: UUID) -> list[str]:
    rows = await fetch_all(
        clients.pool, "select event from audit where subject = %s order by audit_id", [str(run_id)]
    )
    return [each["event"] for each in rows]


@asynccontextmanager
async def a_bug(url: str) -> AsyncIterator[None]:
    """While it lasts, classify_intent raises in every turn: a table that it reads has moved."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute("alter table outlets rename to outlets_moved")
        try:
            yield
        finally:
            await connection.execute("alter table outlets_moved rename to outlets")


Fail = Callable[..., Awaitable[UUID]]


@pytest.fixture
def fail(clients: Clients, postgres_url: str) -> Fail:
    """A turn that has failed at classify_intent by a bug that is fixed meanwhile."""

    async def failed(text: str = OWED, thread_id: UUID | None = None) -> UUID:
        async with a_bug(postgres_url):
            run_id = await ask(clients, thread_id or await a_thread(clients), text)
            await ended(clients, run_id, "failed")
        return run_id

    return failed


async def poison(clients: Clients, run_id: UUID, channel: str, value: Any) -> None:
    """Put something under a key of every checkpoint of a turn that no node expects there."""
    kind, blob = clients.saver.serde.dumps_typed(value)
    graph_thread = (await row(clients, run_id))["graph_thread"]
    async with clients.pool.connection() as connection:
        await connection.execute(
            "update checkpoint_blobs set type = %s, blob = %s"
            " where thread_id = %s and channel = %s",
            [kind, blob, graph_thread, channel],
        )


@pytest.fixture
def control(sandbox: dict[str, str]) -> Iterator[httpx.Client]:
    """The sandbox's faults and what it has seen."""
    root = sandbox["XERO_API_URL"].removesuffix("/xero")
    with httpx.Client(base_url=f"{root}/control", timeout=10) as client:
        yield client
