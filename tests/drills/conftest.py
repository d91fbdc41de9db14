"""A service of its own, to be broken by a drill and repaired by the console alone."""

import asyncio
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from playwright.async_api import Browser, Page
from psycopg import sql
from psycopg.rows import dict_row

from graph.migrate import prepare_database
from tests.browser.conftest import open_console
from tests.browser.test_chat_page import browser, chromium
from tests.conftest import ServiceProcess, customer, headers_of
from tests.tools.conftest import Control
from tools.embedded.parts import UNLIMITED, running_sandbox

__all__ = ["browser", "chromium"]


@dataclass
class Drill:
    """The service, the sandbox's controls, its database, and a browser for the console."""

    service: ServiceProcess
    control: Control
    database: str
    browser: Browser
    pictures: Path | None

    def customer(self, index: int = 0) -> httpx.Client:
        """A customer's client of the chat API."""
        return httpx.Client(
            base_url=self.service.url, headers=headers_of(customer(index)), timeout=90
        )

    def say(self, text: str, thread: str | None = None, index: int = 0) -> dict[str, Any]:
        """What a customer says is answered, or not: the thread, the run and its values."""
        with self.customer(index) as client:
            thread = thread or client.post("/threads", json={}).json()["thread_id"]
            run = client.post(f"/threads/{thread}/runs", json=_message(text)).json()
            values = client.get(f"/threads/{thread}/runs/{run['run_id']}/join").json()
        return {"thread": thread, "run": run["run_id"], "values": values}

    def start(self, text: str, thread: str | None = None, index: int = 0) -> dict[str, str]:
        """The same, without waiting for an answer."""
        with self.customer(index) as client:
            thread = thread or client.post("/threads", json={}).json()["thread_id"]
            run = client.post(f"/threads/{thread}/runs", json=_message(text)).json()["run_id"]
        return {"thread": str(thread), "run": run}

    def messages(self, thread: str, index: int = 0) -> list[dict[str, Any]]:
        """What the customer sees in the conversation."""
        with self.customer(index) as client:
            state = client.get(f"/threads/{thread}/state").json()
        return state["values"].get("messages", []) if state["values"] else []

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        """What the database holds."""
        with psycopg.connect(self.database, autocommit=True, row_factory=dict_row) as connection:
            return connection.execute(query.encode(), values or None).fetchall()

    def change(self, query: str, *values: object) -> None:
        """Do to the database what no operator could: age a row, poison a checkpoint."""
        with psycopg.connect(self.database, autocommit=True) as connection:
            connection.execute(query.encode(), values or None)

    def console(self, who: int, path: str = "") -> AbstractAsyncContextManager[Page]:
        """A page of the console as a colleague (AGENT, SUPERVISOR, ADMIN) sees it."""
        return open_console(self.browser, self.service.url, who, path)

    async def picture(self, page: Page, name: str) -> None:
        """Keep what the page shows, where pictures are asked for."""
        if self.pictures:
            await page.wait_for_load_state()
            self.pictures.mkdir(parents=True, exist_ok=True)
            await page.screenshot(path=self.pictures / f"{name}.png", full_page=True)


def _message(text: str) -> dict[str, Any]:
    return {
        "assistant_id": "tria",
        "input": {"messages": [{"role": "user", "content": text}]},
        "stream_mode": ["values", "messages-tuple"],
        "stream_resumable": True,
    }


@pytest.fixture(scope="module")
def own_database(postgres_url: str) -> str:
    """A database that holds nothing of other tests."""
    name = f"drill_{uuid4().hex[:12]}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    return f"{postgres_url.rsplit('/', 1)[0]}/{name}"


@pytest.fixture(scope="module")
def served(
    own_database: str,
    redis_url: str,
    environment: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[ServiceProcess, Control]]:
    """A service process with a model, on a sandbox of its own."""
    folder = tmp_path_factory.mktemp("drill")
    (folder / "minilm").symlink_to(Path(environment["TRIA_DATA"]) / "minilm")
    with running_sandbox(folder / "sandbox", *UNLIMITED) as sandbox:
        root = sandbox["XERO_API_URL"].removesuffix("/xero")
        complete = (
            environment
            | sandbox
            | {
                "TRIA_DATA": str(folder),
                "TRIA_DEMO": "true",
                "DATABASE_URL": own_database,
                "OPENAI_API_KEY": "a key",
                "OPENAI_BASE_URL": f"{root}/openai/v1",
            }
        )
        asyncio.run(prepare_database(complete))
        service = ServiceProcess(complete)
        service.start()
        control = Control(sandbox["XERO_API_URL"])
        yield service, control
        control.restore()
        service.stop()


@pytest.fixture
def drill(
    served: tuple[ServiceProcess, Control],
    own_database: str,
    browser: Browser,
    request: pytest.FixtureRequest,
) -> Drill:
    """Whole again before each drill."""
    service, control = served
    control.clear()
    return Drill(service, control, own_database, browser, request.config.getoption("--pictures"))
