"""A service whose Postgres and Redis are its own and stand behind wires."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from api.app import create_app
from evals.bench.fault.wire import Wire
from graph.settings import Settings
from tests.conftest import Served, customer, headers_of
from tests.databases import prepared
from tools.embedded.postgres import FAST_AND_FORGETFUL, Postgres
from tools.embedded.valkey import Valkey

CONNECTIONS = 60
Json = dict[str, Any]


@dataclass
class Stand:
    """What is struck, and how to look at it from outside."""

    url: str
    postgres: Postgres
    database: str
    redis: str
    wires: dict[str, Wire]
    log: Path  # of Postgres

    def client(self, who: int = 0, timeout: float = 40) -> httpx.Client:
        headers = headers_of(customer(who))
        return httpx.Client(base_url=self.url, headers=headers, timeout=timeout)

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database, autocommit=True) as connection:
            found = connection.execute(query.encode(), values or None)
            return found.fetchall() if found.description else []


@pytest.fixture(scope="package")
def standing(
    environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stand]:
    folder = tmp_path_factory.mktemp("chaos")
    own = ("-c", f"max_connections={CONNECTIONS}", "-c", "log_connections=on")
    options = (*FAST_AND_FORGETFUL, *own)
    postgres, valkey = Postgres(folder / "postgres", options), Valkey(folder / "valkey")
    database, redis = prepared(postgres.start()), valkey.start()
    (folder / "minilm").symlink_to(Path(environment["TRIA_DATA"]) / "minilm")
    urls = {"DATABASE_URL": database, "REDIS_URL": redis}
    wires = {name: Wire(httpx.URL(url).port or 0) for name, url in urls.items()}
    changed = {"TRIA_DATA": str(folder), "CHROMA_URL": "http://127.0.0.1:1"} | {
        name: url.replace(f":{httpx.URL(url).port}/", f":{wires[name].port}/")
        for name, url in urls.items()
    }
    values = {name.lower(): value for name, value in (environment | changed).items()}
    with Served(create_app(Settings.model_validate(values))) as served:
        log = folder / "postgres" / "postgres.log"
        yield Stand(served.url, postgres, database, redis, wires, log)
    for part in (postgres, valkey):
        part.stop()
    for wire in wires.values():
        wire.close()


@pytest.fixture
def stand(standing: Stand) -> Iterator[Stand]:
    """Well again, whatever the test before did to it."""
    yield standing
    for wire in standing.wires.values():
        wire.set("pass")
        wire.delay = 0


def turn(text: str, message_id: str | None = None) -> Json:
    message = {"role": "user", "content": text} | ({"id": message_id} if message_id else {})
    return {
        "assistant_id": "tria",
        "input": {"messages": [message]},
        "stream_mode": ["values", "messages-tuple"],
        "stream_resumable": True,
    }


def open_thread(client: httpx.Client) -> str:
    thread: str = client.post("/threads", json={}).raise_for_status().json()["thread_id"]
    return thread


def answered(client: httpx.Client, text: str, thread: str | None = None) -> str:
    """What is said to a question."""
    path = f"/threads/{thread or open_thread(client)}/runs/wait"
    values = client.post(path, json=turn(text)).raise_for_status().json()
    assert values["messages"][-1]["type"] == "ai"
    content: str = values["messages"][-1]["content"]
    return content
