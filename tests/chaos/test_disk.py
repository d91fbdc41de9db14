"""The disk of Postgres is full: what was acknowledged stays, and it goes on when there is room."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from api.app import create_app
from graph.settings import Settings
from tests.chaos.conftest import open_thread, turn
from tests.conftest import Served, customer, headers_of
from tests.databases import prepared
from tools.embedded.postgres import Postgres

OWED = "what do I owe?"
SIZE = "130m"  # an empty server takes about 70 MB of it
OPTIONS = ("-c", "min_wal_size=32MB", "-c", "max_wal_size=48MB", "-c", "fsync=off")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "none", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a disk of a certain size needs the right to mount")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """Take all that is left."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (1 << 20, 4096):
            try:
                while file.write(b"x" * size):
                    pass
            except OSError:
                continue
    return ballast


# T07
def test_a_full_disk_loses_nothing_that_was_acknowledged(
    environment: dict[str, str], disk: Path, tmp_path: Path
) -> None:
    server = Postgres(disk / "postgres", OPTIONS)
    url = prepared(server.start())
    (tmp_path / "minilm").symlink_to(Path(environment["TRIA_DATA"]) / "minilm")
    own = {"DATABASE_URL": url, "TRIA_DATA": str(tmp_path), "CHROMA_URL": "http://127.0.0.1:1"}
    values = {name.lower(): value for name, value in (environment | own).items()}
    with (
        Served(create_app(Settings.model_validate(values))) as served,
        httpx.Client(base_url=served.url, headers=headers_of(customer()), timeout=30) as client,
    ):
        acknowledged = [ask(client, open_thread(client))]
        ballast = fill(disk)
        acknowledged += until_refused(client)
        assert client.get("/health/live").status_code == 200
        ballast.unlink()
        server.start()  # where its log was full it has ended; the runbook says so
        until_taken(client)
        for thread, run in acknowledged:
            values = client.get(f"/threads/{thread}/runs/{run}/join").raise_for_status().json()
            assert "You owe" in values["messages"][-1]["content"]
    server.stop()


def ask(client: httpx.Client, thread: str) -> tuple[str, str]:
    made = client.post(f"/threads/{thread}/runs", json=turn(OWED)).raise_for_status()
    return thread, made.json()["run_id"]


def until_refused(client: httpx.Client) -> Iterator[tuple[str, str]]:
    """Ask until it is refused, as it must be in the end: with 503, and not as our own fault."""
    end = time.monotonic() + 40
    while (opened := client.post("/threads", json={})).status_code == 200:
        thread = opened.json()["thread_id"]
        opened = client.post(f"/threads/{thread}/runs", json=turn(OWED))
        if opened.status_code != 200:
            break
        yield thread, opened.json()["run_id"]
        assert time.monotonic() < end, "the disk was never full"
    assert opened.status_code == 503, opened.text


def until_taken(client: httpx.Client) -> None:
    end = time.monotonic() + 60
    while client.post("/threads", json={}).status_code != 200:
        assert time.monotonic() < end, "it did not come back"
        time.sleep(0.2)
