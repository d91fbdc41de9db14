import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
import redis

from tools.embedded.parts import kept_port, kept_secret, only_one, running_sandbox
from tools.embedded.postgres import FAST_AND_FORGETFUL, Postgres
from tools.embedded.process import check_space, free_port, last_lines, spawn, stop, wait_until
from tools.embedded.valkey import Valkey
from tools.errors import PartNotStarted

OWNER = """
import sys, time
from pathlib import Path
from tools.embedded.postgres import Postgres
from tools.embedded.valkey import Valkey
from tools.embedded.parts import only_one
folder = Path(sys.argv[1])
with only_one(folder):
    postgres, valkey = Postgres(folder / "postgres"), Valkey(folder / "valkey")
    urls = [postgres.start(), valkey.start()]
    print(*urls, flush=True)
    time.sleep(600)
"""


def rows_of(url: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute("select * from kept").fetchall()


def keep_a_row(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("create table kept (n integer)")
        connection.execute("insert into kept values (7)")


def is_up(url: str) -> bool:
    with redis.Redis.from_url(url, retry=None, socket_timeout=1) as client:
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False


def processes_in(folder: Path) -> list[str]:
    """Command lines of the running processes that name the folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if str(folder) in line:
                found.append(line)
    return found


def gone(folder: Path) -> bool:
    return not processes_in(folder)


@pytest.fixture
def owner(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """A process that brought up Postgres and Valkey, and waits."""
    command = [sys.executable, "-c", OWNER, str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    yield process
    process.kill()
    process.wait()
    assert process.stdout
    process.stdout.close()


def urls_of(owner: "subprocess.Popen[str]") -> tuple[str, str]:
    assert owner.stdout
    postgres, valkey = owner.stdout.readline().split()
    return postgres, valkey


def test_postgres_keeps_its_data_over_a_stop(tmp_path: Path) -> None:
    server = Postgres(tmp_path, FAST_AND_FORGETFUL)
    keep_a_row(server.start())
    server.stop()
    assert gone(tmp_path)
    again = Postgres(tmp_path, FAST_AND_FORGETFUL)
    assert rows_of(again.start()) == [(7,)]
    again.stop()


def test_postgres_asks_for_its_password(tmp_path: Path) -> None:
    server = Postgres(tmp_path, FAST_AND_FORGETFUL)
    url = server.start()
    password = (tmp_path / "password").read_text()
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(url.replace(password, "wrong"))
    assert (tmp_path / "password").stat().st_mode & 0o077 == 0
    server.stop()


def test_data_of_another_postgres_is_refused_with_advice(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "PG_VERSION").write_text("9\n")
    with pytest.raises(PartNotStarted, match="pg_upgrade"):
        Postgres(tmp_path).start()


def test_valkey_keeps_what_it_is_told_to_keep(tmp_path: Path) -> None:
    server = Valkey(tmp_path)
    url = server.start()
    with redis.Redis.from_url(url) as client:
        client.set("kept", "7")
    server.stop()
    assert not is_up(url)
    again = Valkey(tmp_path)
    with redis.Redis.from_url(again.start()) as client:
        assert client.get("kept") == b"7"
    again.stop()


def test_valkey_asks_for_its_password(tmp_path: Path) -> None:
    server = Valkey(tmp_path, persistent=False)
    host = server.start().rpartition("@")[2]
    with (
        redis.Redis.from_url(f"redis://{host}", retry=None) as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.ping()
    assert (tmp_path / "valkey.conf").stat().st_mode & 0o077 == 0
    server.stop()


def test_parts_end_with_an_owner_that_is_killed_and_lose_nothing(
    owner: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    postgres, valkey = urls_of(owner)
    keep_a_row(postgres)
    assert is_up(valkey)
    os.kill(owner.pid, signal.SIGKILL)
    owner.wait()
    wait_until(lambda: gone(tmp_path), 10, f"still running: {processes_in(tmp_path)}")
    wait_until(lambda: not is_up(valkey), 10, "Valkey is still running")  # it renames itself
    with only_one(tmp_path):
        again = Postgres(tmp_path / "postgres")
        assert rows_of(again.start()) == [(7,)]
        again.stop()


def test_a_data_folder_that_is_taken_is_refused(
    owner: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    urls_of(owner)
    with pytest.raises(PartNotStarted, match="already runs"), only_one(tmp_path):
        pass


def test_a_data_folder_is_free_again_afterwards(tmp_path: Path) -> None:
    for _ in range(2):
        with only_one(tmp_path), pytest.raises(PartNotStarted), only_one(tmp_path):
            pass


def test_the_sandbox_comes_back_on_its_port_with_its_books(tmp_path: Path) -> None:
    with running_sandbox(tmp_path) as first:
        root = first["XERO_API_URL"].removesuffix("/xero")
        before = httpx.get(f"{root}/control/invoices").json()
    assert gone(tmp_path)
    with running_sandbox(tmp_path) as second:
        assert second == first
        assert httpx.get(f"{root}/control/invoices").json() == before


def test_the_service_is_told_the_limits_of_its_sandbox(tmp_path: Path) -> None:
    with running_sandbox(tmp_path, "--rate-limit", "7", "--day-limit", "70") as found:
        assert (found["XERO_MINUTE_LIMIT"], found["XERO_DAY_LIMIT"]) == ("7", "70")
        root = found["XERO_API_URL"].removesuffix("/xero")
        assert found["XERO_CONNECTIONS_URL"].startswith(root)
        assert found["XERO_AUTHORIZE_URL"].startswith(root)


def test_a_port_that_was_taken_meanwhile_is_given_up(tmp_path: Path) -> None:
    with running_sandbox(tmp_path):
        taken = int((tmp_path / "port.json").read_text())
        assert kept_port(tmp_path) != taken


def test_a_secret_is_made_once_and_for_the_owner_only(tmp_path: Path) -> None:
    secret = kept_secret(tmp_path)
    assert kept_secret(tmp_path) == secret
    assert len(secret) >= 32
    assert (tmp_path / "secret").stat().st_mode & 0o077 == 0


def test_a_process_that_does_not_end_is_ended(tmp_path: Path) -> None:
    log = tmp_path / "log"
    script = "trap '' TERM; echo ready; while :; do sleep 1; done"
    process = spawn(["sh", "-c", script], log, signal.SIGTERM)
    wait_until(lambda: last_lines(log) == "ready", 5, "it did not start")
    stop(process, signal.SIGTERM, seconds=0.2)
    assert process.returncode == -signal.SIGKILL


def test_what_is_not_ready_in_time_fails_with_its_reason() -> None:
    start = time.monotonic()
    with pytest.raises(PartNotStarted, match="the log says why"):
        wait_until(lambda: False, 0.1, "the log says why")
    assert time.monotonic() - start < 1


def test_a_folder_on_a_disk_with_space_is_made(tmp_path: Path) -> None:
    check_space(tmp_path / "deep" / "down")
    assert (tmp_path / "deep" / "down").is_dir()


def test_a_free_port_can_be_listened_on() -> None:
    assert 1024 < free_port() < 65536


def test_a_full_disk_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # No disk here can be filled safely: ask for more room than any disk has.
    monkeypatch.setattr("tools.embedded.process.NEEDED_BYTES", 2**63)
    with pytest.raises(PartNotStarted, match="set TRIA_DATA to a folder on another disk"):
        check_space(tmp_path)
