"""While Postgres is away or hangs: an answer in time that says so, and nothing half-stored."""

import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from api.app import create_app
from graph.settings import Settings
from tests.conftest import Served, customer, headers_of
from tests.databases import prepared
from tools.embedded.postgres import FAST_AND_FORGETFUL, Postgres

ANSWER_SECONDS = 12  # generous: what a probe and a look take together is about five


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    server = Postgres(tmp_path_factory.mktemp("away"), FAST_AND_FORGETFUL)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def url(
    environment: dict[str, str], server: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    database = prepared(server.start())
    folder = tmp_path_factory.mktemp("away-data")
    (folder / "minilm").symlink_to(Path(environment["TRIA_DATA"]) / "minilm")
    values = environment | {"DATABASE_URL": database, "TRIA_DATA": str(folder)}
    settings = Settings.model_validate({k.lower(): v for k, v in values.items()})
    with Served(create_app(settings)) as served:
        yield served.url


@pytest.fixture
def client(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, headers=headers_of(customer()), timeout=40) as client:
        yield client


def processes(server: Postgres) -> list[int]:
    """The server's first process and all that it started."""
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    return [server.pid, *map(int, children)]


def freeze(server: Postgres) -> Callable[[], object]:
    paused = processes(server)
    signal_all(paused, signal.SIGSTOP)
    return lambda: signal_all(reversed(paused), signal.SIGCONT)


def signal_all(pids: Iterable[int], what: signal.Signals) -> None:
    for pid in pids:
        os.kill(pid, what)


def end(server: Postgres) -> Callable[[], object]:
    server.stop()
    return server.start


@pytest.mark.parametrize("strike", [end, freeze], ids=["gone", "paused"])
def test_requests_are_refused_in_time_and_done_once_afterwards(
    server: Postgres, client: httpx.Client, strike: Callable[[Postgres], Callable[[], object]]
) -> None:
    tag, key = {"metadata": {"tag": uuid4().hex}}, {"Idempotency-Key": uuid4().hex}
    assert client.post("/threads", json={}).status_code == 200
    recover = strike(server)
    try:
        for path in ("/threads", "/threads/search"):
            began = time.monotonic()
            refused = client.post(path, json=tag, headers=key)
            assert time.monotonic() - began < ANSWER_SECONDS
            assert refused.status_code == 503, refused.text
            assert refused.headers["content-type"] == "application/problem+json"
            assert int(refused.headers["retry-after"]) >= 1
            assert refused.json()["code"] == "store_unavailable"
        assert client.get("/health/live").status_code == 200
    finally:
        recover()
    made = answered_in_time(client, "/threads", tag, key)
    again = answered_in_time(client, "/threads", tag, key)
    assert again.json()["thread_id"] == made.json()["thread_id"]
    assert len(answered_in_time(client, "/threads/search", tag).json()) == 1


def answered_in_time(
    client: httpx.Client, path: str, body: object, headers: dict[str, str] | None = None
) -> httpx.Response:
    """The answer, once the service finds its database again and the key is free."""
    until = time.monotonic() + 60
    while (answer := client.post(path, json=body, headers=headers)).status_code != 200:
        assert answer.status_code in {503, 409}, answer.text
        assert time.monotonic() < until, answer.text
        time.sleep(0.3)
    return answer
