"""The doctor on an installation that is well, and on one in which each thing once is not."""

import asyncio
import re
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from redis import Redis

from api.doctor import of_machine, of_stores
from api.doctor.findings import Finding, run_all
from api.doctor.installation import Installation, installation
from api.doctor.lists import INSTALLATION
from api.doctor.prometheus import Prometheus
from api.doctor.report import as_json, as_table
from api.health.parts import LATE
from graph.clients import now
from graph.settings import read_settings
from tests.api.doctor.conftest import Environment, Look, Told, all_is_well
from tests.conftest import Served
from tools.database import make_pool
from tools.embedded.chroma import Chroma
from tools.model.budget import DailyBudget
from tools.service_role import OWNER_URL
from tools.synthetic import SyntheticRecord
from tools.xero.check import Check as XeroCheck

SECRET_NAME = re.compile("SECRET|TOKEN$|KEY|DATABASE|REDIS")
AWAY = "postgresql://nobody:somethingorother@127.0.0.1:1/none"
CHECKS = {check.id: check for check in INSTALLATION}
XERO = sorted(name for name in CHECKS if name.startswith("xero.") and "limits" not in name)
STEPS = [name for name in XERO if name != "xero.webhooks"]


async def worked(environment: Environment, *, is_working: bool = True) -> None:
    """A synthetic conversation was held just now."""
    async with make_pool(environment["DATABASE_URL"], max_size=2) as pool:
        step = {"step": "order", "ok": is_working, "ms": 1, "why": ""}
        await SyntheticRecord(pool).note([step], is_working=is_working)


async def test_all_is_well(whole: Environment, told: tuple[Told, str], tmp_path: Path) -> None:
    said, address = told
    all_is_well(said)
    await worked(whole)
    async with installation(tmp_path, lambda: read_settings(whole), Prometheus(address)) as here:
        found = await run_all(INSTALLATION, here, {})
    unwell = {each.check.id: each.finding for each in found if each.finding.result != "pass"}
    assert unwell.keys() == {"address.certificate"}, unwell
    assert unwell["address.certificate"].result == "not run"
    printed = as_json(found, {}) + as_table(found)
    secrets = [value for name, value in whole.items() if SECRET_NAME.search(name)]
    assert len(secrets) > 5
    assert not [value for value in secrets if value in printed]


SETTINGS = {
    "settings.secrets": {"DATABASE_URL": "postgresql://tria_app:abcabcabc@127.0.0.1:1/none"},
    "settings.demo": {"XERO_API_URL": "https://api.xero.com", "TRIA_DEMO": "true"},
    "address.public": {"TRIA_PUBLIC_URL": "http://chat.tria.example"},
    "postgres.reachable": {"DATABASE_URL": AWAY},
    "redis.reachable": {"REDIS_URL": "redis://127.0.0.1:1/0"},
    "chroma.reachable": {"CHROMA_URL": "http://127.0.0.1:1"},
    "xero.limits": {"XERO_DAY_LIMIT": str(10**9)},
    "xero.webhooks": {"XERO_WEBHOOK_KEY": ""},
    "model.reachable": {"OPENAI_API_KEY": "none", "OPENAI_BASE_URL": "http://127.0.0.1:1"},
    "service.ready": {"TRIA_PORT": "1"},
}


@pytest.mark.parametrize("name", SETTINGS)
async def test_a_setting_is_wrong(look: Look, whole: Environment, name: str) -> None:
    found = await look(CHECKS[name], SETTINGS[name])
    assert_fails(found, whole)


async def test_settings_are_missing(look: Look, whole: Environment) -> None:
    found = await look(CHECKS["settings.readable"], {"DATABASE_URL": "", "TRIA_SECRET": "short"})
    assert_fails(found, whole)
    assert "DATABASE_URL, TRIA_SECRET" in found.evidence
    beside = await look(CHECKS["postgres.reachable"], {"DATABASE_URL": ""})
    assert beside == Finding("not run", "the settings are not complete")


async def test_a_file_of_secrets_is_open(look: Look, whole: Environment, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("")
    (tmp_path / "secret").chmod(0o640)
    assert_fails(await look(CHECKS["settings.private"]), whole)


@pytest.mark.parametrize(
    ("name", "module", "bar"),
    [
        ("postgres.connections", of_stores, "MOST_USED"),
        ("machine.disk", of_machine, "LEAST_DISK"),
        ("machine.memory", of_machine, "LEAST_MEMORY"),
        ("machine.files", of_machine, "LEAST_FILES"),
    ],
)
async def test_there_is_less_than_is_needed(
    look: Look,
    whole: Environment,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    module: Any,
    bar: str,
) -> None:
    monkeypatch.setattr(module, bar, 0 if bar.startswith("MOST") else 10**9)
    assert_fails(await look(CHECKS[name]), whole)


# A server is not made anew to be old, slow or careless: it says so by functions of its own.
SAYS = {
    "postgres.version": "create function says.current_setting(text) returns text"
    " language sql as 'select ''130001'''",
    "postgres.checksums": "create function says.current_setting(text) returns text"
    " language sql as 'select ''off'''",
    "postgres.durable": "create function says.current_setting(text) returns text"
    " language sql as 'select ''off'''",
    "postgres.clock": "create function says.clock_timestamp() returns timestamptz"
    " language sql as 'select now() - interval ''1 minute'''",
}


@pytest.mark.parametrize("name", SAYS)
async def test_postgres_says_otherwise(
    look: Look, whole: Environment, another: Environment, name: str
) -> None:
    with psycopg.connect(another[OWNER_URL], autocommit=True) as connection:
        connection.execute("create schema says")
        connection.execute("grant usage on schema says to public")
        connection.execute(SAYS[name].encode())
    path = "?options=-csearch_path%3Dsays,pg_catalog,public"
    assert_fails(await look(CHECKS[name], {"DATABASE_URL": another["DATABASE_URL"] + path}), whole)


@pytest.mark.parametrize(
    ("name", "statements"),
    [
        ("postgres.migrations", ["delete from migrations where name like '0017%'"]),
        (
            "audit.sealed",
            [
                "insert into audit (actor, event, subject, detail, at)"
                " values ('a', 'b', 'c', '{}', now() - interval '1 hour')"
            ],
        ),
        (
            "audit.unchanged",
            [
                "insert into audit (actor, event, subject, detail) values ('a', 'b', 'c', '{}')",
                "select seal_audit()",
                "alter table audit disable trigger all",
                "update audit set actor = 'somebody else'",
            ],
        ),
    ],
)
async def test_somebody_spoils_the_database(
    look: Look, whole: Environment, another: Environment, name: str, statements: list[str]
) -> None:
    with psycopg.connect(another[OWNER_URL], autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())
    assert_fails(await look(CHECKS[name], {"DATABASE_URL": another["DATABASE_URL"]}), whole)


async def test_the_service_owns_the_tables(look: Look, whole: Environment) -> None:
    assert_fails(await look(CHECKS["postgres.role"], {"DATABASE_URL": whole[OWNER_URL]}), whole)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("redis.eviction", {"maxmemory": "100mb", "maxmemory-policy": "allkeys-lru"}),
        ("redis.persistence", {"appendonly": "no"}),
    ],
)
async def test_redis_is_set_otherwise(
    look: Look, whole: Environment, own_redis: str, name: str, options: dict[str, str]
) -> None:
    with Redis.from_url(own_redis) as redis:
        before = {key: value for key in options for value in redis.config_get(key).values()}
        redis.config_set(*[each for pair in options.items() for each in pair])
        try:
            found = await look(CHECKS[name])
        finally:
            redis.config_set(*[each for pair in before.items() for each in pair])
    assert_fails(found, whole)


@pytest.mark.parametrize("name", STEPS)
async def test_xero_is_set_up_otherwise(look: Look, whole: Environment, name: str) -> None:
    step = name.removeprefix("xero.").replace("-", " ")

    def found_wrong(here: Installation) -> None:
        wrong = asyncio.get_running_loop().create_future()
        wrong.set_result([XeroCheck(step, ok=False, detail="it is not", to_do="Put it right.")])
        here.__dict__["_xero_checks"] = wrong

    found = await look(CHECKS[name], prepare=found_wrong)
    assert found == Finding("fail", "it is not", "Put it right.")


async def test_the_budget_is_spent(look: Look, whole: Environment) -> None:
    changed = {"OPENAI_API_KEY": "none", "OPENAI_DAILY_USD": "1"}

    async def spend(here: Installation) -> None:
        await DailyBudget(Decimal(1), now, here.parts.redis).reserve(Decimal("0.95"))

    async with installation(Path(), lambda: read_settings(whole), Prometheus(None)) as here:
        await spend(here)
    assert_fails(await look(CHECKS["model.budget"], changed), whole)


def page(**changed: Any) -> FastAPI:
    """A service that tells of itself what is wrong."""
    app, well = FastAPI(), {"status": "pass", "state": "up"}
    parts = {"chroma": well, "index": {"status": "warn", "state": "partial"}}
    app.get("/health")(lambda: {"version": "0.0.1", "parts": parts} | changed)
    app.get("/health/ready")(lambda: JSONResponse({}, 503))
    return app


@pytest.mark.parametrize(
    "name", ["service.ready", "service.parts", "service.version", "chroma.index"]
)
async def test_the_service_is_not_well(look: Look, whole: Environment, name: str) -> None:
    with Served(page()) as served:
        assert_fails(await look(CHECKS[name], {"TRIA_PORT": str(served.port)}), whole)


async def test_a_chroma_that_is_a_server_and_empty(
    look: Look, whole: Environment, tmp_path: Path
) -> None:
    server = Chroma(tmp_path / "chroma")
    try:
        there = {"CHROMA_URL": server.start(), "TRIA_DATA": whole["TRIA_DATA"]}
        assert (await look(CHECKS["chroma.reachable"], there)).result == "pass"
        found = await look(CHECKS["chroma.index"], there)
    finally:
        server.stop()
    assert_fails(found, whole)
    assert "pieces are missing" in found.evidence


async def test_orders_do_not_work(look: Look, whole: Environment) -> None:
    await worked(whole, is_working=False)
    found = await look(CHECKS["service.orders"])
    assert_fails(found, whole)
    assert "failed: order" in found.evidence


def hours_ago(hours: float) -> float:
    return time.time() - hours * 3600


# What Prometheus says: the query, its value, its labels.
Said = tuple[str, float, dict[str, str]]
OLD: dict[str, list[Said]] = {
    "monitoring.scraped": [('up{job="tria"}', 0, {})],
    "monitoring.targets": [("up", 0, {"job": "redis"})],
    "monitoring.quiet": [
        ('ALERTS{alertstate="firing",severity="page"}', 1, {"alertname": "PostgresDown"})
    ],
    "monitoring.synthetic": [
        ("max(tria_canary_interval_seconds)", 60, {}),
        ("max(tria_canary_last_success_timestamp_seconds)", hours_ago(1), {}),
    ],
    "monitoring.backup": [("max(tria_backup_last_success_timestamp_seconds)", hours_ago(27), {})],
    "monitoring.wal": [("max(tria_wal_archived_timestamp_seconds)", hours_ago(1), {})],
    "monitoring.restore": [("max(tria_restore_verified_timestamp_seconds)", hours_ago(9 * 24), {})],
    "monitoring.rules": [],
    "monitoring.alertmanager": [],
}


@pytest.mark.parametrize("name", OLD)
async def test_monitoring_says_otherwise(
    look: Look, whole: Environment, told: tuple[Told, str], name: str
) -> None:
    said, address = told
    said.rules.pop()
    said.alertmanagers = ()
    for query, value, labels in OLD[name]:
        said.say(query, value, **labels)
    assert_fails(await look(CHECKS[name], prometheus=address), whole)


def test_the_doctor_waits_as_long_as_health_for_the_synthetic_customer() -> None:
    assert of_machine.LATE == LATE


async def test_a_backup_is_told_of_by_a_file(look: Look, tmp_path: Path) -> None:
    folder = tmp_path / "monitoring" / "textfiles"
    folder.mkdir(parents=True)
    name = "tria_backup_last_success_timestamp_seconds"
    for hours, result in ((1, "pass"), (30, "fail")):
        (folder / "backup.prom").write_text(f"# HELP {name} x\n{name} {time.time() - hours * 3600}")
        assert (await look(CHECKS["monitoring.backup"])).result == result


def test_every_check_was_made_to_fail() -> None:
    single = {"settings.readable", "settings.private", "postgres.role", "model.budget"}
    single |= {"service.parts", "service.version", "service.orders", "chroma.index"}
    single |= {"postgres.connections", "machine.disk", "machine.memory", "machine.files"}
    single |= {"postgres.migrations", "audit.sealed", "audit.unchanged"}
    single |= {"redis.eviction", "redis.persistence", "address.certificate"}
    assert {*SETTINGS, *SAYS, *OLD, *STEPS, *single} == CHECKS.keys()


def assert_fails(found: Finding, environment: Environment) -> None:
    """It fails, says what to do, and gives away no secret."""
    assert (found.result, bool(found.to_do)) == ("fail", True), found
    secrets = (environment[n] for n in ("TRIA_SECRET", "DATABASE_URL", "REDIS_URL"))
    assert not any(secret in found.evidence for secret in secrets)
