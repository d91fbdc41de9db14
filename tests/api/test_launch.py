"""`make run` as a person at a terminal sees it: the launcher as a process of its own."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.api.test_cli import tria
from tools.embedded.noted import NAME
from tools.embedded.process import free_port
from tools.sandbox.company import demo_staff

LAUNCH = [sys.executable, "-m", "api.launch"]
CLUSTER = [sys.executable, "-m", "api.cluster"]


def environment(folder: Path, **changed: str) -> dict[str, str]:
    known = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LANG")}
    return known | {"TRIA_DATA": str(folder), "TRIA_PORT": str(free_port())} | changed


@pytest.fixture
def folder(data_folder: Path, tmp_path: Path) -> Path:
    (tmp_path / "minilm").symlink_to(data_folder / "minilm")
    return tmp_path


@contextmanager
def launched(
    variables: dict[str, str], command: Sequence[str] = LAUNCH
) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    process = subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    said = ""
    try:
        while "Ctrl-C stops everything" not in said:
            line = process.stdout.readline()
            assert line, f"it ended after: {said}"
            said += line
        yield process, said
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.wait(40)
        process.stdout.close()


def children(folder: Path) -> list[str]:
    """Command lines of all processes that work in the folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = entry.read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if str(folder) in command:
            found.append(command)
    return found


def refused(variables: dict[str, str]) -> str:
    ended = subprocess.run(
        LAUNCH, env=variables, capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    return ended.stderr


def test_it_says_where_to_click_keeps_its_data_and_leaves_nothing_behind(folder: Path) -> None:
    variables = environment(folder)
    url = f"http://127.0.0.1:{variables['TRIA_PORT']}"
    with launched(variables) as (process, said):
        for page in ("/", "/console", "/docs", "/health"):
            assert f"{url}{page}" in said
            assert httpx.get(f"{url}{page}", follow_redirects=True).status_code == 200
        [customer] = re.findall(r"\"customer_id\": \"([\w-]+)\"", said)
        signed_in = httpx.post(f"{url}/demo/sign-in", json={"customer_id": customer}).json()
        headers = {"Authorization": f"Bearer {signed_in['token']}"}
        thread = httpx.post(f"{url}/threads", json={}, headers=headers).json()["thread_id"]
        assert all(staff.name in said for staff in demo_staff())
        assert tria({}, "xero", "check", folder=folder).returncode == 0
        assert children(folder)
        # A person presses Ctrl-C twice when it takes long.
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        assert process.wait(40) == 0
    assert children(folder) == []
    assert not (folder / NAME).exists()
    with launched(variables):
        assert httpx.get(f"{url}/threads/{thread}", headers=headers).status_code == 200
    assert children(folder) == []


def test_a_killed_service_is_started_again_and_a_killed_launcher_takes_all_with_it(
    folder: Path,
) -> None:
    variables = environment(folder)
    url = f"http://127.0.0.1:{variables['TRIA_PORT']}/health/live"
    with launched(variables) as (process, _):
        [service] = subprocess.run(
            ["pgrep", "-P", str(process.pid), "-f", "--", "-m api$"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        os.kill(int(service), signal.SIGKILL)
        end = time.monotonic() + 40
        while not _answers(url):
            assert time.monotonic() < end
            time.sleep(0.1)
        process.kill()
        process.wait(10)
        end = time.monotonic() + 15
        while children(folder):
            assert time.monotonic() < end, children(folder)
            time.sleep(0.1)


def test_a_taken_port_says_what_to_do(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert "make run TRIA_PORT=" in refused(environment(folder, TRIA_PORT=str(port)))


@pytest.mark.parametrize(
    ("variable", "value", "hint"),
    [
        ("TRIA_PORT", "eight thousand", "set it to a number"),
        ("TRIA_SECRET", "short", "TRIA_SECRET"),
        ("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none", "DATABASE_URL"),
        ("XERO_CLIENT_ID", "mine", "XERO_CLIENT_SECRET"),
    ],
)
def test_a_broken_setting_is_named(folder: Path, variable: str, value: str, hint: str) -> None:
    assert hint in refused(environment(folder, **{variable: value}))
    assert children(folder) == []


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=1).status_code == 200
    except httpx.TransportError:
        return False
