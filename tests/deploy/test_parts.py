"""What containers are told to run, run here: the programs know the options and do what they say."""

import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest
import redis
import yaml
from redis.exceptions import NoPermissionError

from tests.deploy.programs import ROOT
from tests.monitoring import programs as exporters
from tools.embedded.postgres import FAST_AND_FORGETFUL, Postgres
from tools.embedded.process import free_port, spawn, stop, wait_until
from tools.embedded.valkey import program


def command(name: str, given: Mapping[str, str], file: str = "docker-compose.yml") -> list[str]:
    """A container's command, with the paths and addresses of this machine."""
    services: dict[str, Any] = yaml.safe_load((ROOT / file).read_text())["services"]
    words: list[str] = services[name]["command"]
    for there, here in given.items():
        words = [word.replace(there, here) for word in words]
    return words


@contextmanager
def running(
    words: list[str], log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[None]:
    process = spawn(words, log, signal.SIGTERM, environment)
    try:
        yield
    finally:
        stop(process, signal.SIGTERM)


def answers(url: str) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.TransportError:
        return False


@pytest.fixture
def postgres(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("BACKUPS", str(tmp_path / "backups"))
    given = {"/opt": str(ROOT / "deploy")}
    program, *options = command("postgres", given)
    assert program == "postgres"
    server = Postgres(tmp_path / "postgres", (*FAST_AND_FORGETFUL, *options))
    yield server.start()
    server.stop()


def test_postgres_hands_its_log_to_the_backups(postgres: str, tmp_path: Path) -> None:
    with psycopg.connect(postgres, autocommit=True) as connection:
        row = connection.execute("select pg_walfile_name(pg_switch_wal())").fetchone()
        [(timeout,)] = connection.execute("show archive_timeout").fetchall()
    assert timeout == "1min"
    kept = tmp_path / "backups" / "wal" / f"{row[0] if row else ''}.gz"
    wait_until(kept.exists, 30, f"there is no {kept}")


def test_postgres_lets_nobody_in_without_the_password(postgres: str) -> None:
    for kind in ("", "replication=true"):  # as a base backup comes
        psycopg.connect(f"{postgres}?{kind}").close()
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(f"{postgres}?{kind}", password="another")


@pytest.fixture
def valkey(tmp_path: Path, installation: Path) -> Iterator[tuple[int, str]]:
    """The container's Redis, with the secrets of an installation: its port and password."""
    port, secrets = free_port(), installation / ".tria" / "secrets"
    words = command("redis", {"valkey-server": program(), "/run/secrets": f"{secrets}/redis"})
    words += ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(tmp_path)]
    with running(words, tmp_path / "log"), redis.Redis(port=port) as client:

        def is_ready() -> bool:
            try:
                return bool(client.ping())  # as the container is asked whether it works
            except redis.ConnectionError:
                return False

        wait_until(is_ready, 30, "Valkey does not answer")
        yield port, urlsplit((secrets / "service" / "redis_url").read_text()).password or ""


def test_redis_loses_nothing_to_make_room(valkey: tuple[int, str]) -> None:
    port, password = valkey
    with redis.Redis(
        port=port, username="tria", password=password, decode_responses=True
    ) as client:
        told: Any = client.config_get("maxmemory-policy", "maxmemory", "appendonly")
    assert (told["maxmemory-policy"], told["appendonly"]) == ("noeviction", "yes")
    assert 0 < int(told["maxmemory"]) < 512 << 20  # within the container's bound


def test_redis_tells_strangers_how_it_is_and_nothing_else(valkey: tuple[int, str]) -> None:
    with redis.Redis(port=valkey[0]) as stranger:
        assert stranger.info("memory")
        with pytest.raises(NoPermissionError):
            stranger.get("a")
        with pytest.raises(NoPermissionError):
            stranger.flushall()


def test_the_exporter_of_redis_signs_in(
    valkey: tuple[int, str], tmp_path: Path, installation: Path
) -> None:
    """By the name that the container knows it by, here another port."""
    exporter = exporters.found("prometheus-redis-exporter")
    services: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    address, port = f"127.0.0.1:{valkey[0]}", free_port()
    passwords = (installation / ".tria" / "secrets" / "redis" / "exporter.json").read_text()
    (tmp_path / "exporter.json").write_text(passwords.replace("redis:6379", address))
    told = {
        name: value.replace("redis:6379", address).replace("/run/secrets", str(tmp_path))
        for name, value in services["redis-exporter"]["environment"].items()
    }
    words = [exporter, f"--web.listen-address=127.0.0.1:{port}"]
    url = f"http://127.0.0.1:{port}/metrics"
    with running(words, tmp_path / "exporter.log", told):
        wait_until(lambda: answers(url), 30, "the exporter does not answer")
        assert "\nredis_up 1\n" in httpx.get(url).text
        assert "redis_config_maxmemory" in httpx.get(url).text  # which strangers are not told


def test_the_sandbox_of_the_demo_starts(tmp_path: Path) -> None:
    port = str(free_port())
    given = {"0.0.0.0": "127.0.0.1", "8010": port, "/data": str(tmp_path)}  # noqa: S104 (replaced)
    name, *words = command("sandbox", given, "deploy/compose.demo.yml")
    assert name == "python"

    url = f"http://127.0.0.1:{port}/control/requests"
    with running([sys.executable, *words], tmp_path / "log"):
        wait_until(lambda: answers(url), 60, "the sandbox does not answer")
