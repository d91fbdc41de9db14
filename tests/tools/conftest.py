"""A database without a worker, so that nobody but the test claims a run; the sandbox's controls."""

from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

from graph.checkpoints import migrate_checkpoints
from tests.databases import with_own_numbers
from tools.conversations import Conversations
from tools.database import Pool, make_pool, migrate
from tools.intake import NewRun

CUSTOMER = "a customer"


class Control:
    """The sandbox's controls: faults, the model's mode, the books and the clock."""

    def __init__(self, xero_url: str) -> None:
        self.root = xero_url.removesuffix("/xero")
        self._http = httpx.Client(base_url=f"{self.root}/control", timeout=30)
        self._ordered: list[dict[str, Any]] = []

    def fault(self, operation: str, mode: str, times: int = 1, after: int = 0) -> None:
        """Order a fault for the next calls of an operation; some pass before it."""
        order = {"operation": operation, "mode": mode, "times": times, "after": after}
        self._ordered.append(order)
        self._http.post("/faults", json=order).raise_for_status()

    def model(self, mode: str, **more: Any) -> None:
        """Choose how the model's stand-in behaves."""
        self._http.post("/model", json={"mode": mode, **more}).raise_for_status()

    def model_calls(self) -> int:
        """How often the model's stand-in was asked."""
        return int(self._http.get("/model/calls").json()["count"])

    def last_asked(self) -> dict[str, Any]:
        """The body of the last question to the model's stand-in."""
        body: dict[str, Any] = self._http.get("/model/calls").json()["bodies"][-1]
        return body

    def invoices(self, **filters: str) -> list[dict[str, Any]]:
        """The documents in the books, as they are."""
        found: list[dict[str, Any]] = self._http.get("/invoices", params=filters).json()
        return found

    def sales(self, contact_ids: tuple[str, ...]) -> list[dict[str, Any]]:
        """The sales invoices of these contacts."""
        return [
            i
            for i in self.invoices()
            if i["Contact"]["ContactID"] in contact_ids and i["Type"] == "ACCREC"
        ]

    def calls(self, method: str, path: str) -> int:
        """How often an operation was called."""
        counted = self._http.get("/requests").json()
        return sum(c["count"] for c in counted if (c["method"], c["path"]) == (method, path))

    def calls_after(self, number: int) -> list[dict[str, Any]]:
        """The calls that came since one of that number, in order."""
        found: list[dict[str, Any]] = self._http.get("/calls", params={"after": number}).json()
        return found

    def clear(self) -> None:
        """No faults left, and a truthful model."""
        for order in self._ordered:
            self._http.post("/faults", json=order | {"times": 0})
        self._ordered.clear()
        self.model("echo")

    def restore(self) -> None:
        """The same, and done with it."""
        self.clear()
        self._http.close()


@pytest.fixture
def control(sandbox: dict[str, str]) -> Iterator[Control]:
    control = Control(sandbox["XERO_API_URL"])
    yield control
    control.restore()


@pytest.fixture(scope="session")
async def pool(postgres_url: str) -> AsyncIterator[Pool]:
    """A migrated database that no service works on."""
    name = f"tools_{uuid4().hex}"
    async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as connection:
        await connection.execute(f"create database {name}".encode())
    url = f"{postgres_url.rsplit('/', 1)[0]}/{name}"
    await migrate(url)
    await migrate_checkpoints(url)
    with_own_numbers(url)
    async with make_pool(url) as pool:
        yield pool


@pytest.fixture
def database(postgres_url: str) -> str:
    """The address of an empty database."""
    name = f"empty_{uuid4().hex}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"create database {name}".encode())
    return f"{postgres_url.rsplit('/', 1)[0]}/{name}"


@pytest.fixture
async def thread_id(pool: Pool) -> UUID:
    """An empty conversation."""
    return await a_thread(pool)


async def a_thread(pool: Pool, customer_id: str = CUSTOMER) -> UUID:
    thread_id = uuid4()
    await Conversations(pool).create(thread_id, customer_id, {})
    return thread_id


def a_run(thread_id: UUID, **changes: Any) -> NewRun:
    """A turn of CUSTOMER's."""
    fields: dict[str, Any] = {
        "run_id": uuid4(),
        "thread_id": thread_id,
        "customer_id": CUSTOMER,
        "message_id": str(uuid4()),
        "content": "what do I owe?",
        "extra": {},
        "strategy": "enqueue",
        "request": {"stream_mode": ["values"]},
        "scope": {"customer_id": CUSTOMER},
        "metadata": {},
    }
    return NewRun(**(fields | changes))
