"""What still works while a part is away, and what /health says about it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.health.contract import OUTAGES
from evals.bench.fault.wire import Wire
from graph.settings import Settings
from tests.conftest import Served, customer, headers_of
from tests.databases import prepared
from tests.waiting import wait_until
from tools.embedded.postgres import FAST_AND_FORGETFUL, Postgres
from tools.embedded.valkey import Valkey

NOBODY = "127.0.0.1:1"


def serve(environment: dict[str, str], folder: Path, **changed: str) -> Served:
    (folder / "minilm").symlink_to(Path(environment["TRIA_DATA"]) / "minilm")
    values = environment | {"TRIA_DATA": str(folder)} | changed
    return Served(create_app(Settings.model_validate({k.lower(): v for k, v in values.items()})))


def say(url: str, text: str) -> dict[str, Any]:
    with httpx.Client(base_url=url, headers=headers_of(customer()), timeout=60) as client:
        thread = client.post("/threads", json={}).json()["thread_id"]
        body = {"assistant_id": "tria", "input": {"messages": [{"role": "user", "content": text}]}}
        streamed = client.post(f"/threads/{thread}/runs/stream", json=body).text
        values: dict[str, Any] = client.get(f"/threads/{thread}/state").json()["values"]
        assert values["messages"][-1]["content"].splitlines()[0] in streamed
        return values


def health(url: str) -> dict[str, Any]:
    answer: dict[str, Any] = httpx.get(f"{url}/health").json()
    return answer


@contextmanager
def wired(port: int) -> Iterator[Wire]:
    wire = Wire(port)
    try:
        yield wire
    finally:
        wire.close()


def test_without_redis_clients_still_get_their_answers(
    environment: dict[str, str], tmp_path: Path
) -> None:
    with serve(environment, tmp_path, REDIS_URL=f"redis://{NOBODY}/0") as service:
        values = say(service.url, "what do I owe?")
        assert "You owe SGD" in values["messages"][-1]["content"]
        found = health(service.url)
        assert (found["status"], found["parts"]["redis"]["status"]) == ("warn", "fail")
        assert httpx.get(f"{service.url}/health/ready").status_code == 200


def test_redis_may_go_and_come_back_while_customers_ask(
    environment: dict[str, str], tmp_path: Path
) -> None:
    valkey = Valkey(tmp_path / "valkey", persistent=False)
    url = valkey.start()
    try:
        with serve(environment, tmp_path, REDIS_URL=url) as service:
            for action, status in [(valkey.stop, "fail"), (valkey.start, "pass")] * 2:
                action()
                assert (
                    "You owe SGD" in say(service.url, "what do I owe?")["messages"][-1]["content"]
                )
                wait_until(lambda s=status: part(service.url, "redis")["status"] == s)  # type: ignore[misc]
    finally:
        valkey.stop()


@pytest.mark.parametrize("mode", ["refuse", "hold"])
def test_a_redis_that_is_cut_off_or_silent_costs_no_answer(
    environment: dict[str, str], tmp_path: Path, mode: Any
) -> None:
    port = httpx.URL(environment["REDIS_URL"]).port
    with wired(port or 0) as wire:
        through = environment["REDIS_URL"].replace(f":{port}/", f":{wire.port}/")
        with serve(environment, tmp_path, REDIS_URL=through) as service:
            say(service.url, "which days do you deliver?")
            wire.set(mode)
            if mode == "refuse":
                assert wire.cut() > 0
            for _ in range(2):
                text = say(service.url, "what do I owe?")["messages"][-1]["content"]
                assert "You owe SGD" in text
            wire.set("pass")
            wait_until(lambda: part(service.url, "redis")["status"] == "pass")
            say(service.url, "which days do you deliver?")


def part(url: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = health(url)["parts"][name]
    return found


@pytest.fixture
def own_postgres(tmp_path: Path) -> Iterator[tuple[Postgres, str]]:
    server = Postgres(tmp_path / "postgres", FAST_AND_FORGETFUL)
    yield server, prepared(server.start())
    server.stop()


def test_a_turn_under_way_waits_for_postgres_and_is_answered_once(
    environment: dict[str, str],
    sandbox: dict[str, str],
    own_postgres: tuple[Postgres, str],
    tmp_path: Path,
) -> None:
    server, url = own_postgres
    valkey = Valkey(tmp_path / "valkey", persistent=False)  # nothing is kept of Xero's answers
    own = {"DATABASE_URL": url, "REDIS_URL": valkey.start()}
    control = sandbox["XERO_API_URL"].removesuffix("/xero") + "/control/faults"
    with (
        serve(environment, tmp_path, **own) as service,
        httpx.Client(base_url=service.url, headers=headers_of(customer()), timeout=60) as client,
    ):
        thread = client.post("/threads", json={}).json()["thread_id"]
        httpx.post(control, json={"operation": "GET /Invoices", "mode": "slow", "seconds": 1.5})
        run = client.post(f"/threads/{thread}/runs", json=message("what do I owe?")).json()
        server.stop()
        refused = client.post(f"/threads/{thread}/runs", json=message("which days do you deliver?"))
        assert (refused.status_code, int(refused.headers["Retry-After"]) > 0) == (503, True)
        wait_until(lambda: httpx.get(f"{service.url}/health/ready").status_code == 503)
        found = health(service.url)
        assert found["status"] == found["parts"]["postgres"]["status"] == "fail"
        server.start()
        wait_until(lambda: httpx.get(f"{service.url}/health/ready").status_code == 200)
        values = client.get(f"/threads/{thread}/runs/{run['run_id']}/join").json()
        assert [m["type"] for m in values["messages"]] == ["human", "ai"]
        assert "You owe SGD" in values["messages"][-1]["content"]
        state = client.get(f"/threads/{thread}/state").json()["values"]
        assert len(state["messages"]) == 2  # the message that was refused was not stored
    valkey.stop()


def message(text: str) -> dict[str, Any]:
    return {"assistant_id": "tria", "input": {"messages": [{"role": "user", "content": text}]}}


def test_health_says_of_a_part_that_is_away_what_stops_and_what_still_works(
    environment: dict[str, str], tmp_path: Path
) -> None:
    with serve(environment, tmp_path, REDIS_URL=f"redis://{NOBODY}/0") as service:
        stops, works = OUTAGES["redis"]
        found = part(service.url, "redis")
        assert (found["stops"], found["still_works"]) == (stops, works)
        assert "stops" not in part(service.url, "postgres")


def test_without_chroma_accounts_still_work_and_policies_are_declined(
    environment: dict[str, str], tmp_path: Path
) -> None:
    with serve(environment, tmp_path, CHROMA_URL=f"http://{NOBODY}") as service:
        assert "You owe SGD" in say(service.url, "what do I owe?")["messages"][-1]["content"]
        text = say(service.url, "which days do you deliver?")["messages"][-1]["content"]
        assert "can't check our policies" in text
        assert health(service.url)["parts"]["chroma"]["status"] == "fail"


def test_without_xero_policies_still_work_and_accounts_are_declined(
    environment: dict[str, str], tmp_path: Path
) -> None:
    with serve(environment, tmp_path, XERO_API_URL=f"http://{NOBODY}") as service:
        assert (
            "Thursday" in say(service.url, "which days do you deliver?")["messages"][-1]["content"]
        )
        text = say(service.url, "what do I owe?")["messages"][-1]["content"]
        assert "accounts system isn't answering" in text


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/health", "/metrics"])
def test_health_and_metrics_need_no_sign_in_and_show_no_secret(
    service_url: str, environment: dict[str, str], path: str
) -> None:
    answer = httpx.get(service_url + path)
    assert answer.status_code == 200
    for name in ("DATABASE_URL", "REDIS_URL", "TRIA_SECRET", "XERO_CLIENT_SECRET"):
        assert environment[name] not in answer.text
