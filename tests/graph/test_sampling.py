"""What all processes tell the same of: read in time, or without a series; never doubled."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from graph.clients import Clients, connect_clients
from graph.migrate import prepare_database
from graph.sampling import OF_BUDGET, OF_LIMITS, Sampler, Source
from graph.settings import Settings
from monitoring import metrics

ONE_PROCESS = """
import asyncio
from prometheus_client import generate_latest
from graph.clients import connect_clients
from graph.sampling import Sampler
from graph.settings import Settings

async def main():
    async with connect_clients(Settings()) as clients:
        sampler = Sampler(clients)
        await sampler.sample()
        print(generate_latest().decode())
        await sampler.stop()

asyncio.run(main())
"""
THREADS = """
insert into threads (thread_id, customer_id, person, turns) values
  (%(free)s, 'a customer', null, 3), (%(taken)s, 'a customer', '{"staff_id": "aisha"}', 1)"""
RUNS = """
insert into runs (run_id, thread_id, turn, status, request, scope, graph_thread, due_at, updated_at)
select gen_random_uuid(), thread, turn, status, '{}', '{}', turn::text, due,
  now() - age * interval '1 second'
from (values
  (%(free)s::uuid, 1, 'running', null::timestamptz, 700),
  (%(free)s, 2, 'queued', null, 90),
  (%(free)s, 3, 'queued', now() + interval '1 day', 5000),
  (%(taken)s, 1, 'queued', null, 9000)) as r (thread, turn, status, due, age)"""
CARDS = """
insert into actions (action_id, thread_id, customer_id, kind, status, card, hash, document_number,
  expires_at, approval_level, run_id, updated_at)
select id, %(free)s, 'a customer', 'order', status, '{}', '', id::text, now(), level, id,
  now() - interval '100 seconds'
from (values (%(waits)s::uuid, 'confirmed', 2), (%(asked)s, 'proposed', null),
  (%(agreed)s, 'approved', 2)) as c (id, status, level)"""
TICKETS = """
insert into tickets (task_key, thread_id, customer_id, reason, levels, packet, deadline)
values (%(waits)s || ':hand_off', %(free)s, 'a customer', 'approval', '{2}', '{}',
    now() - interval '1 hour'),
  ('another', %(free)s, 'a customer', 'person', '{2}', '{}', now() + interval '1 hour')"""
WRITES = """
insert into action_writes (action_id, position, operation, target, body, status, sent_at)
values (%(agreed)s, 0, 'create_invoice', 'TRIA-1', '', 'sent', now() - interval '50 seconds')"""


@pytest.fixture(scope="module")
async def own(settings: Settings) -> Settings:
    """A database that nobody works on."""
    url, name = settings.database_url.get_secret_value(), f"sampled_{uuid4().hex}"
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute(f"create database {name}".encode())
    own_url = f"{url.rsplit('/', 1)[0]}/{name}"
    await prepare_database({"DATABASE_URL": own_url, "TRIA_DEMO": "true"})
    changed = {"database_url": own_url, "openai_api_key": "a key", "openai_daily_usd": 2}
    known = {k: v for k, v in settings.model_dump().items() if v is not None}
    return Settings.model_validate(known | changed)


@pytest.fixture(scope="module")
async def clients(own: Settings) -> AsyncIterator[Clients]:
    async with connect_clients(own) as clients:
        async with clients.pool.connection() as connection:
            ids: dict[str, Any] = {
                n: uuid4() for n in ("free", "taken", "waits", "asked", "agreed")
            }
            for query in (THREADS, RUNS, CARDS, TICKETS, WRITES):
                await connection.execute(query.encode(), ids)
        yield clients


@pytest.fixture
async def sampler(clients: Clients) -> AsyncIterator[Sampler]:
    sampler = Sampler(clients)
    yield sampler
    await sampler.stop()


def told(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


def runs_told() -> list[float | None]:
    return [told("tria_runs", status=s) for s in ("queued", "running", "interrupted")]


async def test_a_sample_tells_what_is_in_the_database(sampler: Sampler) -> None:
    # A service of another test tells of its own database by the same names now and then.
    for _ in range(20):
        await sampler.sample()
        if runs_told() == [3, 1, 0]:
            break
    assert runs_told() == [3, 1, 0]
    # What is not due yet, and what waits for a person, keeps nobody waiting for us.
    assert told("tria_queue_oldest_seconds") == pytest.approx(90, abs=30)
    assert told("tria_runs_stuck") == 1
    statuses = ("prepared", "proposed", "confirmed", "approved")
    assert [told("tria_actions", status=s) for s in statuses] == [0, 1, 1, 1]
    assert told("tria_actions_oldest_seconds", status="prepared") == 0
    assert told("tria_actions_oldest_seconds", status="approved") == pytest.approx(100, abs=30)
    assert [told("tria_approvals", state=s) for s in ("waiting", "late")] == [1, 1]
    assert [told("tria_tickets", state=s) for s in ("open", "late")] == [2, 1]
    assert told("tria_writes_unknown") == 1
    assert told("tria_writes_unknown_oldest_seconds") == pytest.approx(50, abs=30)
    assert [told("tria_xero_events", status=s) for s in ("waiting", "parked")] == [0, 0]


async def test_what_xero_and_the_model_have_left_is_told(sampler: Sampler, own: Settings) -> None:
    await sampler._clients.xero.get("/Organisation")
    await sampler.sample()
    await sampler.sample()  # whose limits to ask for is known from the first one
    assert told("tria_xero_connected") == 1
    assert (told("tria_xero_token_age_seconds") or 0) < 600
    assert told("tria_xero_day_limit") == own.xero_day_limit
    assert (told("tria_xero_day_left") or 0) > 0
    assert told("tria_model_budget_usd") == 2
    assert 0 < (told("tria_model_budget_left_usd") or 0) <= 2


async def test_the_pool_is_this_process_s_own(sampler: Sampler) -> None:
    async with sampler._clients.pool.connection():
        await sampler.sample()
    assert told("tria_db_pool_in_use") == 1
    assert (told("tria_db_pool_size") or 0) >= 2
    assert told("tria_db_pool_waiting") == 0


async def test_a_sample_that_fails_leaves_no_old_value(sampler: Sampler) -> None:
    await sampler.sample()
    sampler._watched._url = "postgresql://nobody@127.0.0.1:9/nothing"
    await sampler._watched.aclose()
    await sampler.sample()
    assert told("tria_runs", status="queued") is None
    assert told("tria_runs_stuck") is None
    assert told("tria_model_budget_usd") == 2  # of another source


async def test_a_source_that_hangs_is_left_after_a_second(sampler: Sampler) -> None:
    asked = 0

    async def hanging() -> dict[str, dict[str, float]]:
        nonlocal asked
        asked += 1
        await asyncio.Event().wait()
        return {}

    await sampler.sample()
    sampler._sources = (Source(frozenset({"tria_runs"}), hanging),)
    started = time.monotonic()
    await sampler.sample()
    assert time.monotonic() - started < 2
    await sampler.sample()
    assert asked == 1  # not asked again while it has not ended
    assert told("tria_runs", status="queued") is None
    assert told("tria_runs_stuck") is not None  # of another source


async def test_without_redis_what_it_alone_knows_is_not_told(own: Settings) -> None:
    away = own.model_copy(update={"redis_url": own.redis_url.__class__("redis://127.0.0.1:9/0")})
    async with connect_clients(away) as clients:
        sampler = Sampler(clients)
        await sampler.sample()
        await sampler.sample()
        assert told("tria_runs", status="queued") == 3
        assert [name for name in OF_LIMITS if told(name) is not None] == []
        assert told("tria_model_budget_left_usd") is None
        await sampler.stop()
    assert all(told(name) is None for name in OF_BUDGET)


async def test_two_processes_tell_the_same_and_nothing_is_doubled(
    clients: Clients, own: Settings
) -> None:
    found = await asyncio.gather(*(_of_another_process(own) for _ in range(2)))
    assert found[0]["tria_runs", "queued"] == found[1]["tria_runs", "queued"] == 3
    assert found[0]["tria_tickets", "open"] == found[1]["tria_tickets", "open"] == 2
    assert found[0]["tria_runs_stuck", ""] == found[1]["tria_runs_stuck", ""] == 1
    own_gauges = {"tria_db_pool_size", "tria_runs_active"}
    assert {name for name, _ in found[0]} >= metrics.SHARED.names - OF_LIMITS | own_gauges


async def _of_another_process(own: Settings) -> dict[tuple[str, str], float]:
    plain = own.model_dump()
    secret = {k: v.get_secret_value() for k, v in plain.items() if hasattr(v, "get_secret_value")}
    listed = {k: "" for k, v in plain.items() if isinstance(v, tuple)}
    values = {k.upper(): str(v) for k, v in (plain | secret | listed).items() if v is not None}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", ONE_PROCESS),
        env=os.environ | values,
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0
    return {
        (sample.name, next(iter(sample.labels.values()), "")): sample.value
        for family in text_string_to_metric_families(said.decode())
        if family.type == "gauge"
        for sample in family.samples
    }
