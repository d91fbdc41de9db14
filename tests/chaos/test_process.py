"""A process whose clock is wrong, whose log cannot be written, and who may open few files."""

import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.chaos.conftest import answered, open_thread, turn
from tests.conftest import customer, headers_of
from tools.embedded.process import free_port, spawn, stop

OWED = "what do I owe?"
CLOCKS = ("/usr/lib/*/faketime/libfaketimeMT.so.1", ".tools/faketime/usr/lib/*/faketime/*MT.so.1")
FILES = 150


@contextmanager
def a_process(
    environment: dict[str, str], folder: Path, log: Path, *before: str, **more: str
) -> Iterator[str]:
    """The service as a process of its own; its address."""
    (folder / "minilm").symlink_to(Path(environment["TRIA_DATA"]) / "minilm")
    port = str(free_port())
    own = {"TRIA_DATA": str(folder), "TRIA_PORT": port, "CHROMA_URL": "http://127.0.0.1:1"}
    command = [*before, sys.executable, "-m", "api"]
    process = spawn(command, log, signal.SIGTERM, os.environ | environment | own | more)
    url, end = f"http://127.0.0.1:{port}", time.monotonic() + 100
    try:
        while not is_ready(url):
            assert process.poll() is None, "the service ended at once"
            assert time.monotonic() < end, "the service was not ready in time"
            time.sleep(0.1)
        yield url
    finally:
        stop(process, signal.SIGTERM)


def is_ready(url: str) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(f"{url}/health/ready", timeout=5).status_code == 200
    return False


def client_of(url: str, who: int = 0) -> httpx.Client:
    return httpx.Client(base_url=url, headers=headers_of(customer(who)), timeout=60)


# T36
def test_without_a_log_and_without_files_turns_are_answered(
    environment: dict[str, str], tmp_path: Path
) -> None:
    few = ("sh", "-c", f'ulimit -n {FILES} && exec "$@"', "sh")
    with (
        a_process(environment, tmp_path, Path("/dev/full"), *few) as url,
        client_of(url) as client,
        contextlib.ExitStack() as stack,
    ):
        thread = open_thread(client)
        assert "You owe" in answered(client, OWED, thread)
        address = ("127.0.0.1", int(url.rsplit(":", 1)[1]))
        for _ in range(FILES):
            stack.enter_context(socket.create_connection(address, 10))
        run = client.post(f"/threads/{thread}/runs", json=turn(OWED)).json()["run_id"]
        time.sleep(1)
        stack.close()
        values = client.get(f"/threads/{thread}/runs/{run}/join").raise_for_status().json()
        assert "You owe" in values["messages"][-1]["content"]
        assert "You owe" in answered(client, OWED)


def clock() -> str:
    found = [str(f) for pattern in CLOCKS for f in Path("/").glob(pattern.removeprefix("/"))]
    found += [str(f) for f in Path.cwd().glob(CLOCKS[1])]
    if not found:
        pytest.skip("no libfaketime here (apt-get install libfaketime)")
    return found[0]


# T28
@pytest.mark.parametrize("skew", ["+2h", "-50s"])
def test_a_replica_whose_clock_is_wrong_works_beside_one_whose_clock_is_right(
    environment: dict[str, str], service_url: str, tmp_path: Path, skew: str
) -> None:
    wrong = {"LD_PRELOAD": clock(), "FAKETIME": skew, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    with (
        a_process(environment, tmp_path, tmp_path / "service.log", **wrong) as url,
        client_of(url) as there,
        client_of(service_url) as here,
    ):
        thread, first = open_thread(here), {"Last-Event-ID": "-1"}
        for client in (here, there, here, there):
            assert "You owe" in answered(client, OWED, thread)
        for one, other in ((here, there), (there, here)):
            answered(one, "200 12 inch boxes for tampines next friday", thread)
            said = other.post(f"/threads/{thread}/runs/wait", json=turn("yes")).json()
            assert said["card"]["status"] == "committed", said["messages"][-1]["content"]
        run = there.post(f"/threads/{thread}/runs", json=turn(OWED)).json()["run_id"]
        path = f"/threads/{thread}/runs/{run}/stream"
        streams = [client.get(path, headers=first).text for client in (there, here)]
        assert ids_of(streams[0]) == ids_of(streams[1]) != []
        found = here.get(f"/threads/{thread}/state").json()["values"]["messages"]
        assert [message["type"] for message in found] == ["human", "ai"] * 9


def ids_of(stream: str) -> list[str]:
    return [line for line in stream.splitlines() if line.startswith("id: ")]
