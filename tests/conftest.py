"""Real parts for the tests: one Postgres, Valkey and sandbox a run, one database a test worker."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import redis
import uvicorn
from fastapi import FastAPI

from api.app import create_app
from api.tokens import issue_token
from graph.clients import now
from graph.migrate import prepare_database
from graph.settings import Settings
from graph.studio import demo_caller
from tools.embedded.minilm import build_minilm
from tools.embedded.parts import UNLIMITED, running_sandbox
from tools.embedded.postgres import FAST_AND_FORGETFUL, Postgres
from tools.embedded.process import free_port
from tools.embedded.valkey import Valkey
from tools.sandbox.company import DemoCustomer, demo_customers

# A customer who has guessed too often in one test must not be refused in the next.
GUESSES = "*guesses:*"
SECRET = "a secret for tests, long enough to sign with"


def pytest_addoption(parser: pytest.Parser) -> None:
    """`pytest tests/drills --pictures docs/console` keeps what the drills show."""
    parser.addoption("--pictures", type=Path, default=None)


@pytest.fixture(scope="session")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The service's data folder, with the embedder built into a cache that later runs share."""
    folder = tmp_path_factory.mktemp("tria")
    cache = Path(__file__).parent.parent / ".tria" / "minilm"
    build_minilm(cache)
    (folder / "minilm").symlink_to(cache)
    return folder


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A migrated database with the demo customers' outlets."""
    server = Postgres(tmp_path_factory.mktemp("postgres"), FAST_AND_FORGETFUL)
    url = server.start()
    asyncio.run(prepare_database({"DATABASE_URL": url, "TRIA_DEMO": "true"}))
    yield url
    server.stop()


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = Valkey(tmp_path_factory.mktemp("valkey"), persistent=False)
    yield server.start()
    server.stop()


def forget_guesses(redis_url: str) -> None:
    """Nobody has guessed at numbers yet."""
    with redis.Redis.from_url(redis_url) as client:
        if found := list(client.scan_iter(GUESSES)):
            client.delete(*found)


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The settings that point to a running Xero sandbox."""
    with running_sandbox(tmp_path_factory.mktemp("sandbox"), *UNLIMITED) as found:
        yield found


@pytest.fixture(scope="session")
def environment(
    data_folder: Path, postgres_url: str, redis_url: str, sandbox: dict[str, str]
) -> dict[str, str]:
    """What a service process of the tests is configured with."""
    return {
        **sandbox,
        "TRIA_DATA": str(data_folder),
        "TRIA_SECRET": SECRET,
        "DATABASE_URL": postgres_url,
        "REDIS_URL": redis_url,
    }


@pytest.fixture(scope="session")
def settings(environment: dict[str, str]) -> Settings:
    return Settings(**{k.lower(): v for k, v in environment.items()})  # type: ignore[arg-type]


class Served:
    """A service in a thread of this process, on a real port."""

    def __init__(self, app: FastAPI) -> None:
        self.port = free_port()
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                port=self.port,
                log_level="error",
                proxy_headers=False,
                timeout_graceful_shutdown=5,
            )
        )
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> "Served":
        self._thread.start()
        end = time.monotonic() + 90
        while not self._server.started:
            assert time.monotonic() < end, "the service did not start"
            time.sleep(0.02)
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.should_exit = True
        self._thread.join(15)


@pytest.fixture(scope="session")
def service_url(settings: Settings) -> Iterator[str]:
    """The whole service without a model."""
    with Served(create_app(settings)) as served:
        yield served.url


class ServiceProcess:
    """The service as a process of its own, to be killed and started again."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = os.environ | environment | {"TRIA_PORT": str(self.port)}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen([sys.executable, "-m", "api"], env=self.environment)
        end = time.monotonic() + 100
        while time.monotonic() < end:
            assert self._process.poll() is None, "the service ended at once"
            try:
                if httpx.get(f"{self.url}/health/ready", timeout=2).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        self.stop()
        raise AssertionError("the service was not ready in time")

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self._process:
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None


@pytest.fixture
def service_process(environment: dict[str, str], tmp_path: Path) -> Iterator[ServiceProcess]:
    """A service with a Chroma folder of its own: two processes must not share one."""
    (tmp_path / "minilm").symlink_to(Path(environment["TRIA_DATA"]) / "minilm")
    service = ServiceProcess(environment | {"TRIA_DATA": str(tmp_path)})
    service.start()
    yield service
    service.stop()


def customer(index: int = 0) -> DemoCustomer:
    return demo_customers()[index]


def token_of(who: DemoCustomer) -> str:
    return issue_token(SECRET, demo_caller(who), now())


def headers_of(who: DemoCustomer) -> dict[str, str]:
    return {"Authorization": f"Bearer {token_of(who)}"}
