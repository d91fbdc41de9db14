"""What health says while real parts hang, go away, fail and come back."""

import os
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.messages import HumanMessage
from pydantic import BaseModel

from api.app import create_app
from api.health.contract import OUTAGES
from api.health.parts import Line, model_state
from evals.bench.fault.wire import Wire
from graph.clients import now
from graph.settings import Settings
from graph.synthetic import STEPS
from tests.api.conftest import Serve
from tests.conftest import Served, customer, headers_of
from tests.databases import prepared
from tests.waiting import wait_until
from tools.database import migrations
from tools.embedded.postgres import FAST_AND_FORGETFUL, Postgres
from tools.errors import BackendUnavailable
from tools.model.client import Bounds, Model
from tools.search.chroma import open_chroma
from tools.search.hybrid_index import Entry, HybridIndex

ANSWER_SECONDS = 4.0  # on a busy machine; while Postgres hangs, whoever asks it takes longer
NOBODY = "127.0.0.1:1"


class Later:
    """The business's clock, which a test puts forward."""

    def __init__(self) -> None:
        self.by = timedelta()

    def __call__(self) -> datetime:
        return now() + self.by


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    server = Postgres(tmp_path_factory.mktemp("health"), FAST_AND_FORGETFUL)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def wire(environment: dict[str, str]) -> Iterator[Wire]:
    """What Redis is reached over."""
    wire = Wire(httpx.URL(environment["REDIS_URL"]).port or 0)
    yield wire
    wire.close()


@pytest.fixture(scope="module")
def later() -> Later:
    return Later()


@pytest.fixture(scope="module")
def control(sandbox: dict[str, str]) -> str:
    return sandbox["XERO_API_URL"].removesuffix("/xero")


@pytest.fixture(scope="module")
def url(
    environment: dict[str, str],
    server: Postgres,
    wire: Wire,
    later: Later,
    control: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """A service with its own Postgres, a model, and no Chroma."""
    port = httpx.URL(environment["REDIS_URL"]).port
    database, folder = prepared(server.start()), tmp_path_factory.mktemp("health-data")
    (folder / "minilm").symlink_to(Path(environment["TRIA_DATA"]) / "minilm")
    changed = {
        "DATABASE_URL": database,
        "REDIS_URL": environment["REDIS_URL"].replace(f":{port}/0", f":{wire.port}/9"),
        "CHROMA_URL": f"http://{NOBODY}",
        "TRIA_DATA": str(folder),
        "OPENAI_API_KEY": "a key that nobody may see",
        "OPENAI_BASE_URL": f"{control}/openai/v1",
    }
    values = {k.lower(): v for k, v in (environment | changed).items()}
    with Served(create_app(Settings.model_validate(values), later)) as served:
        yield served.url


def ask(url: str, path: str = "") -> tuple[int, dict[str, Any]]:
    """The answer, which never takes long."""
    began = time.monotonic()
    answer = httpx.get(f"{url}/health{path}", timeout=10)
    assert time.monotonic() - began < ANSWER_SECONDS
    return answer.status_code, answer.json()


def state(url: str, name: str) -> str:
    found: str = ask(url)[1]["parts"][name]["state"]
    return found


def ask_for_balance(url: str, who: int) -> None:
    """Each time another customer's: of nobody anything is kept yet."""
    text, headers = "what do I owe?", headers_of(customer(who))
    with httpx.Client(base_url=url, headers=headers, timeout=60) as client:
        thread = client.post("/threads", json={}).json()["thread_id"]
        body = {"assistant_id": "tria", "input": {"messages": [{"role": "user", "content": text}]}}
        client.post(f"/threads/{thread}/runs/wait", json=body).raise_for_status()


@contextmanager
def paused(server: Postgres) -> Iterator[None]:
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    pids = [server.pid, *map(int, children)]
    signal_all(pids, signal.SIGSTOP)
    try:
        yield
    finally:
        signal_all(reversed(pids), signal.SIGCONT)


def signal_all(pids: Iterable[int], what: signal.Signals) -> None:
    for pid in pids:
        os.kill(pid, what)


@contextmanager
def failing_xero(control: str) -> Iterator[None]:
    fault = {"operation": "*", "mode": "unavailable", "times": 10_000}
    httpx.post(f"{control}/control/faults", json=fault).raise_for_status()
    try:
        yield
    finally:
        httpx.post(f"{control}/control/faults", json=fault | {"times": 0}).raise_for_status()


@contextmanager
def failing_model(control: str) -> Iterator[None]:
    httpx.post(f"{control}/control/model", json={"mode": "error_503"}).raise_for_status()
    try:
        yield
    finally:
        httpx.post(f"{control}/control/model", json={"mode": "echo"}).raise_for_status()


def test_without_chroma_it_limps_and_says_what_stops(url: str) -> None:
    status, found = ask(url)
    assert (status, found["status"]) == (200, "warn")
    assert (found["parts"]["chroma"]["state"], found["parts"]["index"]["state"]) == (
        "down",
        "unknown",
    )
    assert found["parts"]["chroma"]["stops"] == OUTAGES["chroma"][0]
    assert found["parts"]["redis"]["state"] == "up"
    assert ask(url, "/ready")[0] == 200


def test_while_postgres_is_paused_every_page_answers_at_once_and_says_so(
    url: str, server: Postgres
) -> None:
    with paused(server):
        wait_until(lambda: ask(url, "/ready")[0] == 503)
        status, found = ask(url)
        assert (status, found["status"]) == (503, "fail")
        assert found["parts"]["postgres"]["state"] == "down"
        assert found["parts"]["migrations"]["state"] == "current"  # what was so stays so
        assert [ask(url, path)[0] for path in ("/live", "/startup")] == [200, 200]
        time.sleep(6)  # probes hang: none may pile up, and none may be lost
        assert ask(url)[0] == 503
        assert ask(url, "/live")[0] == 200
    wait_until(lambda: ask(url, "/ready")[0] == 200)
    assert ask(url)[1]["parts"]["postgres"]["for_s"] <= 3


def test_redis_may_go_and_come_back(url: str, wire: Wire) -> None:
    wire.set("refuse")
    wire.cut()
    try:
        wait_until(lambda: state(url, "redis") == "down")
        assert (ask(url)[0], ask(url, "/ready")[0]) == (200, 200)
    finally:
        wire.set("pass")
    wait_until(lambda: state(url, "redis") == "up")


def test_xero_is_judged_by_the_last_call_and_by_its_breaker(
    url: str, control: str, later: Later
) -> None:
    ask_for_balance(url, 0)
    assert state(url, "xero") == "up"
    with failing_xero(control):
        for who in (1, 2):
            ask_for_balance(url, who)
        wait_until(lambda: state(url, "xero") == "resting")
        found = ask(url)[1]
        assert found["breakers"]["xero"]["state"] == "open"
        opened = datetime.fromisoformat(found["breakers"]["xero"]["since"])
        assert abs((opened - now()).total_seconds()) < 60
        assert (ask(url)[0], ask(url, "/ready")[0]) == (200, 200)
        assert 'tria_breaker_state{part="xero"} 2.0' in httpx.get(f"{url}/metrics").text
    later.by += timedelta(seconds=30)  # the breaker's rest is over
    ask_for_balance(url, 3)
    wait_until(lambda: state(url, "xero") == "up")


class Form(BaseModel):
    """Anything."""

    word: str


async def test_a_model_that_keeps_failing_is_left_alone(control: str) -> None:
    model = Model("a key", f"{control}/openai/v1", "gpt-4.1-mini", Bounds(fill=0.5))
    assert model_state(model) == "up"
    with failing_model(control):
        for _ in range(5):
            with pytest.raises(BackendUnavailable):
                await model.fill(Form, [HumanMessage("hello")])
    assert model_state(model) == "resting"
    model.breaker.begin_anew()
    assert model_state(model) == "up"
    await model.aclose()


def test_a_model_is_shown_with_its_breaker_and_without_its_key(url: str) -> None:
    status, found = ask(url)
    assert (status, found["model"], found["parts"]["model"]["state"]) == (200, "configured", "up")
    assert found["breakers"]["model"]["state"] == "closed"
    assert "a key that nobody may see" not in str(found)


def test_a_version_whose_schema_is_not_there_takes_no_messages(
    serve: Serve, own_database: str
) -> None:
    name = migrations()[-1][0]
    with psycopg.connect(own_database, autocommit=True) as connection:
        connection.execute("delete from migrations where name = %s", [name])
        url = serve()
        assert [ask(url, path)[0] for path in ("/startup", "/ready", "")] == [503, 503, 503]
        assert ask(url, "/live")[0] == 200
        assert state(url, "migrations") == "behind"
        connection.execute("insert into migrations (name) values (%s)", [name])
        wait_until(lambda: ask(url, "/startup")[0] == 200)
        assert [ask(url, path)[0] for path in ("/ready", "")] == [200, 200]


def test_a_xero_that_nobody_has_connected_is_said_before_a_call_fails(
    serve: Serve, own_database: str
) -> None:
    url = serve(XERO_REFRESH_TOKEN="")
    wait_until(lambda: state(url, "xero") == "unconnected")


def test_a_service_that_talks_to_itself_says_whether_orders_work(
    serve: Serve, control: str
) -> None:
    url = serve(TRIA_SYNTHETIC_SECONDS="2")
    wait_until(lambda: state(url, "orders") == "working", 60)
    status, found = ask(url)
    assert (status, found["status"], found["orders"]["is_working"]) == (200, "pass", True)
    assert [step["step"] for step in found["orders"]["steps"]] == list(STEPS)
    text = httpx.get(f"{url}/metrics").text
    assert 'tria_canary_total{outcome="passed"}' in text
    assert "tria_canary_interval_seconds " in text
    assert "tria_canary_last_success_timestamp_seconds 1." in text
    with failing_xero(control):
        wait_until(lambda: state(url, "orders") == "failing", 60)
        status, found = ask(url)
        assert (status, found["status"], found["orders"]["is_working"]) == (503, "fail", False)
        assert found["orders"]["worked_at"] <= found["orders"]["since"]
        assert False in [step["ok"] for step in found["orders"]["steps"]]
        assert ask(url, "/ready")[0] == 200  # all replicas share it: none is taken out for it


def test_what_an_index_lacks_is_counted(tmp_path: Path) -> None:
    entries = {key: Entry(key, f"a text about {key}", ()) for key in ("boxes", "lids")}
    connect = open_chroma(None, tmp_path)
    index = HybridIndex(connect, entries, DeterministicFakeEmbedding(size=8), "sections")
    assert index.missing() == 2
    index.index()
    assert index.missing() == 0
    store = connect().get_collection("sections", embedding_function=None)
    store.delete(store.get(limit=1, include=[])["ids"])
    assert index.missing() == 1


async def test_a_query_that_fails_costs_one_connection_and_not_the_next_answer(
    postgres_url: str,
) -> None:
    line = Line(postgres_url)
    with pytest.raises(psycopg.Error):
        await line.fetch("select 1 / 0")
    assert await line.fetch("select 1 as one", "select 2 as two") == [[{"one": 1}], [{"two": 2}]]
    await line.aclose()
