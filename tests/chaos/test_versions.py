"""The version before the last migration and this one, by turns on one database."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.chaos.conftest import open_thread, turn
from tests.conftest import customer, headers_of
from tests.databases import another
from tests.waiting import wait_until
from tools.embedded.process import free_port, last_lines, spawn, stop

ROOT = Path(__file__).parents[2]
OWED = "which of my invoices are open?"


def git(*command: str) -> bytes:
    asked = subprocess.run(["git", *command], cwd=ROOT, capture_output=True, check=False)
    if asked.returncode:
        pytest.skip("this clone has no version before the last migration")
    return asked.stdout


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """The code as it was before the tables changed last."""
    changed = git("log", "-1", "--format=%H", "--", "tools/migrations/*.sql").decode().strip()
    folder = tmp_path / "before"
    folder.mkdir()
    archive = git("archive", f"{changed}^")
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive, check=True)
    return folder


@pytest.fixture
def shared(environment: dict[str, str], postgres_url: str, tmp_path: Path) -> dict[str, str]:
    """What both versions work on: a database as this one has it."""
    url = another(postgres_url)
    (tmp_path / "minilm").symlink_to(Path(environment["TRIA_DATA"]) / "minilm")
    own = {"DATABASE_URL": url, "REDIS_URL": f"{environment['REDIS_URL'].rsplit('/', 1)[0]}/11"}
    other = {"TRIA_DATA": str(tmp_path), "CHROMA_URL": "http://127.0.0.1:1"}
    return environment | own | other


@contextmanager
def serving(code: Path, shared: dict[str, str]) -> Iterator[tuple[httpx.Client, Any]]:
    """A process of this code; its client, and what kills it."""
    port = str(free_port())
    own = {"TRIA_PORT": port, "PYTHONPATH": str(code), "TRIA_ENV_FILE": "none"}
    log = Path(shared["TRIA_DATA"]) / "service.log"
    command = ["sh", "-c", f'cd "{code}" && exec "$@"', "sh", sys.executable, "-m", "api"]
    process = spawn(command, log, signal.SIGTERM, os.environ | shared | own)
    url = f"http://127.0.0.1:{port}"
    with httpx.Client(base_url=url, headers=headers_of(customer()), timeout=90) as client:
        try:
            end = time.monotonic() + 100
            while not is_ready(client):
                is_waiting = process.poll() is None and time.monotonic() < end
                assert is_waiting, f"it did not start: {last_lines(log)}"
                time.sleep(0.1)
            yield client, process.kill
        finally:
            stop(process, signal.SIGTERM)


def is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/health/ready").status_code == 200
    except httpx.TransportError:
        return False


class Books:
    """The sandbox, which can keep a call waiting."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http

    def calls(self, method: str) -> int:
        rows = self.http.get("/requests").json()
        return sum(r["count"] for r in rows if r["method"] == method and "Invoices" in r["path"])

    @contextmanager
    def hanging(self, method: str) -> Iterator[None]:
        fault = {"operation": f"{method} /Invoices", "mode": "hang"}
        self.http.post("/faults", json=fault).raise_for_status()
        before = self.calls(method)
        yield
        wait_until(lambda: self.calls(method) > before)

    def release(self, method: str) -> None:
        fault = {"operation": f"{method} /Invoices", "mode": "hang", "times": 0}
        self.http.post("/faults", json=fault).raise_for_status()

    def standing(self, number: str) -> int:
        return sum(i["InvoiceNumber"] == number for i in self.http.get("/invoices").json())


@pytest.fixture
def books(sandbox: dict[str, str]) -> Iterator[Books]:
    url = sandbox["XERO_API_URL"].replace("/xero", "/control")
    with httpx.Client(base_url=url) as http:
        yield Books(http)


# T35
def test_each_version_goes_on_with_what_the_other_has_begun(
    before: Path, shared: dict[str, str], books: Books
) -> None:
    with serving(before, shared) as (client, kill):
        thread, other = open_thread(client), open_thread(client)
        order = turn("200 12 inch boxes for tampines pls")
        card = client.post(f"/threads/{thread}/runs/wait", json=order).json()["card"]
        with books.hanging("GET"):
            asked = client.post(f"/threads/{other}/runs", json=turn(OWED)).json()["run_id"]
        kill()
    books.release("GET")
    with serving(ROOT, shared) as (client, kill):
        values = client.get(f"/threads/{other}/runs/{asked}/join").json()
        assert [message["type"] for message in values["messages"]] == ["human", "ai"]
        with books.hanging("PUT"):
            yes = client.post(f"/threads/{thread}/runs", json=turn("yes")).json()["run_id"]
        kill()
    books.release("PUT")
    with serving(before, shared) as (client, _):
        values = client.get(f"/threads/{thread}/runs/{yes}/join").json()
        assert values["card"]["status"] == "committed"
        assert values["card"]["total"] == card["total"]
        assert [message["type"] for message in values["messages"]] == ["human", "ai"] * 2
    assert books.standing(values["card"]["document_number"]) == 1
