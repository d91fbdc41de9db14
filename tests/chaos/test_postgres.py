"""Postgres hangs, is crowded, gives transactions up, is not heard, and changes its tables."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from evals.bench.fault.shocks import CODES, END_OF_TROUBLE, TABLES, TROUBLE, paused
from tests.chaos.conftest import CONNECTIONS, Stand, answered, open_thread, turn
from tests.waiting import wait_until

OWED = "what do I owe?"
# Two silent probes and a look; on a busy machine twice as long as it should be.
WAIT_SECONDS = 10.0
POOL = 16


def is_ready(stand: Stand) -> bool:
    return httpx.get(f"{stand.url}/health/ready", timeout=5).status_code == 200


# T05
def test_while_postgres_is_paused_nobody_waits_for_long(stand: Stand) -> None:
    with stand.client() as client, ThreadPoolExecutor(8) as others:
        thread = open_thread(client)
        asked: list[Callable[[], httpx.Response]] = [
            lambda: client.post("/threads", json={}),
            lambda: client.get(f"/threads/{thread}"),
            lambda: client.get(f"/threads/{thread}/state"),
            lambda: client.post(f"/threads/{thread}/history", json={}),
            lambda: client.post(f"/threads/{thread}/runs", json=turn(OWED)),
            lambda: client.post(f"/threads/{thread}/runs/stream", json=turn(OWED)),
        ]
        with paused(stand.postgres):
            began = time.monotonic()
            waiting = [others.submit(each) for each in asked]
            wait_until(lambda: not is_ready(stand), WAIT_SECONDS)
            for answer in (each.result() for each in waiting):
                assert answer.status_code == 503, answer.text
                assert int(answer.headers["retry-after"]) > 0
            assert time.monotonic() - began < WAIT_SECONDS
            at_once = time.monotonic()
            assert client.get(f"/threads/{thread}").status_code == 503
            assert time.monotonic() - at_once < WAIT_SECONDS / 2  # known to be away already
        wait_until(lambda: is_ready(stand))
        assert "You owe" in answered(client, OWED, thread)
        said = stand.rows("select count(*) from messages where thread_id = %s", thread)
        assert said == [(2,)]  # what was refused was not stored behind the answer


@contextmanager
def crowd(stand: Stand) -> Iterator[None]:
    """Others hold every connection that there is."""
    with ExitStack() as stack:
        wire, held = stand.wires["DATABASE_URL"], 0
        wire.set("refuse")
        wire.cut()
        with suppress(psycopg.OperationalError):
            while held <= CONNECTIONS:
                stack.enter_context(psycopg.connect(stand.database))
                held += 1
        assert 0 < held <= CONNECTIONS
        wire.set("pass")
        yield


def attempts(stand: Stand) -> int:
    return stand.log.read_text().count("connection received")


# T06
def test_where_others_hold_every_connection_requests_are_refused_and_nobody_storms(
    stand: Stand,
) -> None:
    with stand.client() as client:
        thread = open_thread(client)
        with crowd(stand):
            before, began = attempts(stand), time.monotonic()
            while time.monotonic() < began + 4:
                answer = client.post(f"/threads/{thread}/runs", json=turn(OWED))
                assert answer.status_code == 503
                assert int(answer.headers["retry-after"]) > 0
                assert client.get("/health/live").status_code == 200
            tried = (attempts(stand) - before) / (time.monotonic() - began)
        assert 0 < tried < POOL
        wait_until(lambda: is_ready(stand))
        assert "You owe" in answered(client, OWED, thread)


# T08
@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("table", TABLES)
def test_a_transaction_that_postgres_gives_up_is_done_again(
    stand: Stand, table: str, code: str
) -> None:
    with stand.client() as client:
        thread = open_thread(client)
        client.post(f"/threads/{thread}/runs/wait", json=turn("200 12 inch boxes for tampines"))
        stand.rows(TROUBLE.format(table=table, code=code, most=2).replace("%", "%%"))
        try:
            values = client.post(f"/threads/{thread}/runs/wait", json=turn("yes"))
        finally:
            met = stand.rows("select last_value from trouble")[0][0]
            stand.rows(END_OF_TROUBLE.format(table=table))
        assert met >= 2, "it was never met"
        assert values.status_code == 200, values.text
        assert values.json()["card"]["status"] == "committed"
        kinds = [message["type"] for message in values.json()["messages"]]
        assert kinds == ["human", "ai", "human", "ai"]


# T09
def test_a_message_whose_commit_was_not_heard_stands_once(stand: Stand) -> None:
    wire, message, key = stand.wires["DATABASE_URL"], str(uuid4()), {"Idempotency-Key": uuid4().hex}
    stored = "select count(*) from messages where message_id = %s and role = 'human'"
    with stand.client() as client, ThreadPoolExecutor(1) as others:
        thread = open_thread(client)
        path, body = f"/threads/{thread}/runs", turn(OWED, message)
        wire.last_words, muted = (message.encode(), b"COMMIT"), wire.muted
        asking = others.submit(lambda: client.post(path, json=body))
        wait_until(lambda: stand.rows(stored, message) == [(1,)], 10)  # it is committed
        wire.cut()
        wire.set("pass")
        assert asking.result().status_code in (200, 503)
        assert wire.muted > muted
        wait_until(lambda: is_ready(stand))
        for _ in range(2):
            assert sent_again(client, path, json=body, headers=key).status_code in (200, 409)
        assert stand.rows(stored, message) == [(1,)]
        wait_until(lambda: len(answers_of(client, thread)) == 1)
        assert "You owe" in answers_of(client, thread)[0]


def sent_again(client: httpx.Client, path: str, **what: Any) -> httpx.Response:
    """As clients do while a part is away."""
    answer = client.post(path, **what)
    for _ in range(10):
        if answer.status_code != 503:
            break
        time.sleep(int(answer.headers["retry-after"]))
        answer = client.post(path, **what)
    return answer


def answers_of(client: httpx.Client, thread: str) -> list[str]:
    found = client.get(f"/threads/{thread}/state").json()["values"]["messages"]
    return [message["content"] for message in found if message["type"] == "ai"]


# T34
def test_columns_that_a_migration_adds_break_no_connection(stand: Stand) -> None:
    """Statements were prepared on it before: none may depend on how many columns there are."""
    tables = [
        row[0] for row in stand.rows("select tablename from pg_tables where schemaname = 'public'")
    ]
    with stand.client() as client:
        thread = open_thread(client)
        for text in ("200 12 inch boxes for tampines", "no", OWED):
            answered(client, text, thread)
        for table in tables:
            stand.rows(f'alter table "{table}" add column later text')
        try:
            for text in ("200 12 inch boxes for tampines", "no", OWED):
                answered(client, text, thread)
            client.get(f"/threads/{thread}/state").raise_for_status()
            client.post(f"/threads/{thread}/history", json={}).raise_for_status()
            client.post("/threads/search", json={}).raise_for_status()
        finally:
            for table in tables:
                stand.rows(f'alter table "{table}" drop column later')
