"""An installation as `make run` makes it: its tables have an owner, nothing is traded for speed."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from fastapi import FastAPI

from api.doctor.findings import Check, Finding, run_all
from api.doctor.installation import Installation, installation
from api.doctor.prometheus import Prometheus
from graph.migrate import prepare_database
from graph.settings import Settings, read_settings
from monitoring.prometheus.rules import alerts
from tests.conftest import Served
from tests.databases import with_own_numbers
from tools.embedded.postgres import Postgres
from tools.embedded.valkey import Valkey
from tools.service_role import OWNER_URL

Environment = dict[str, str]
Look = Callable[..., Awaitable[Finding]]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    server = Postgres(tmp_path_factory.mktemp("doctored"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def own_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = Valkey(tmp_path_factory.mktemp("valkey"))
    yield server.start()
    server.stop()


@pytest.fixture(scope="session")
def whole(
    environment: Environment, server: Postgres, own_redis: str, service_url: str
) -> Environment:
    """What a service is configured with that runs and lacks nothing."""
    own = {OWNER_URL: server.start(), "DATABASE_URL": server.service_url, "REDIS_URL": own_redis}
    own |= {"TRIA_SYNTHETIC_SECONDS": "3600", "TRIA_PORT": service_url.rpartition(":")[2]}
    asyncio.run(prepare_database(environment | own))
    with_own_numbers(own[OWNER_URL])
    return environment | own


@pytest.fixture
def another(server: Postgres) -> Environment:
    """A migrated database beside it, which may be spoilt."""
    owner_url = server.start().rsplit("/", 1)[0]
    name = f"spoilt_{uuid4().hex}"
    with psycopg.connect(f"{owner_url}/postgres", autocommit=True) as connection:
        connection.execute(f"create database {name}".encode())
    service_url = server.service_url.rsplit("/", 1)[0]
    found = {OWNER_URL: f"{owner_url}/{name}", "DATABASE_URL": f"{service_url}/{name}"}
    asyncio.run(prepare_database(found))
    return found


class Told:
    """Stands in for Prometheus: what it is to say, by the path or the query."""

    def __init__(self) -> None:
        self.values: dict[str, list[tuple[dict[str, str], float]]] = {}
        self.rules = [{"name": alert.name, "health": "ok"} for alert in alerts()]
        self.alertmanagers: Sequence[Any] = ({"url": "http://127.0.0.1:9093"},)
        self.counts, self.asked = "", 0  # a query that finds more each time
        self.app = FastAPI()
        self.app.get("/api/v1/query")(self._query)
        self.app.get("/api/v1/rules")(self._rules)
        self.app.get("/api/v1/alertmanagers")(self._managers)

    def say(self, query: str, value: float, **labels: str) -> None:
        """One more series that the query finds."""
        self.values.setdefault(query, []).append((labels, value))

    def _query(self, query: str) -> dict[str, Any]:
        self.asked += 1
        found = self.values.get(query, [])
        if query == self.counts:
            found = [({}, self.asked)]
        return {"data": {"result": [{"metric": m, "value": [0, str(v)]} for m, v in found]}}

    def _rules(self) -> dict[str, Any]:
        return {"data": {"groups": [{"rules": self.rules}]}}

    def _managers(self) -> dict[str, Any]:
        return {"data": {"activeAlertmanagers": list(self.alertmanagers)}}


def all_is_well(said: Told) -> None:
    said.say('up{job="tria"}', 1)
    said.say("up", 1, job="tria")
    said.say("max(tria_canary_interval_seconds)", 60)
    for name in ("backup_last_success", "wal_archived", "restore_verified", "canary_last_success"):
        said.say(f"max(tria_{name}_timestamp_seconds)", time.time() - 60)


@pytest.fixture
def told() -> Iterator[tuple[Told, str]]:
    """What is said by a Prometheus, and where it is."""
    said = Told()
    with Served(said.app) as served:
        yield said, served.url


@pytest.fixture
def look(tmp_path: Path, whole: Environment) -> Look:
    """Makes one check of an installation in which something may be otherwise."""

    async def made(
        check: Check[Installation],
        changed: Environment | None = None,
        prometheus: str | None = None,
        prepare: Callable[[Installation], None] = lambda here: None,
    ) -> Finding:
        def read() -> Settings:
            return read_settings({**whole, **(changed or {})})

        async with installation(tmp_path, read, Prometheus(prometheus)) as here:
            prepare(here)
            [found] = await run_all([check], here, {})
            return found.finding

    return made
