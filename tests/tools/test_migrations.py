"""Migrations run while the version before still works: they add, and take nothing away."""

import asyncio
from collections.abc import Iterator

import psycopg
import pytest

from tools import database as runner
from tools.database import migrate, migrations

# Columns as (table, column), with what a statement of the version before rests on.
COLUMNS = """
select table_name, column_name, data_type,
  is_nullable = 'YES' or column_default is not null or is_identity = 'YES' as may_be_left_out
from information_schema.columns where table_schema = 'public'"""
# Before these there was nothing that could run beside them.
FIRST = "0008"
Schema = dict[tuple[str, str], tuple[str, bool]]


def schema(connection: psycopg.Connection) -> Schema:
    rows = connection.execute(COLUMNS).fetchall()
    return {(table, column): (kind, may) for table, column, kind, may in rows}


def breaks(before: Schema, after: Schema) -> list[str]:
    """What statements written for the one schema meet in the other."""
    tables = {table for table, _ in before}
    found = [f"{t}.{c} is gone" for t, c in before if (t, c) not in after]
    for (table, column), (kind, may_be_left_out) in after.items():
        was = before.get((table, column))
        if was and was[0] != kind:
            found.append(f"{table}.{column} was {was[0]}")
        if table in tables and not may_be_left_out and (was is None or was[1]):
            found.append(f"{table}.{column} must be given")
    return found


@pytest.fixture
def connection(database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database, autocommit=True) as opened:
        yield opened


def test_each_migration_leaves_the_version_before_what_it_uses(
    connection: psycopg.Connection,
) -> None:
    found, before = {}, schema(connection)
    for name, sql in migrations():
        connection.execute(sql.encode())
        after = schema(connection)
        if name >= FIRST and (broken := breaks(before, after)):
            found[name] = broken
        before = after
    assert not found, "first only add; take away in a later release what nobody uses any more"


@pytest.mark.parametrize(
    ("bad", "what"),
    [
        ("alter table tickets drop column reason", "tickets.reason is gone"),
        ("alter table tickets rename column reason to why", "tickets.reason is gone"),
        ("alter table runs alter column turn type bigint", "runs.turn was integer"),
        ("alter table runs add column hue text not null", "runs.hue must be given"),
        ("alter table runs alter column owner set not null", "runs.owner must be given"),
        ("drop table audit", "audit.actor is gone"),
    ],
)
async def test_one_that_would_break_it_is_found(database: str, bad: str, what: str) -> None:
    await migrate(database)
    with psycopg.connect(database) as connection:
        before = schema(connection)
        connection.execute(bad.encode())
        assert what in breaks(before, schema(connection))


async def test_a_migration_never_makes_others_wait_long_for_a_table(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await migrate(database)
    added = [*migrations(), ("9999_more.sql", "alter table runs add column hue text")]
    monkeypatch.setattr(runner, "migrations", lambda: added)
    holder = await psycopg.AsyncConnection.connect(database)
    await holder.execute("select count(*) from runs")  # a long statement, in its transaction
    migrating = asyncio.create_task(migrate(database))
    await asyncio.sleep(0.1)
    waited = []
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as reader:
        for _ in range(8):
            started = asyncio.get_running_loop().time()
            await reader.execute("select count(*) from runs")
            waited.append(asyncio.get_running_loop().time() - started)
            await asyncio.sleep(0.1)
    assert not migrating.done()
    assert max(waited) < 1
    await holder.close()
    assert await asyncio.wait_for(migrating, 10) == ["9999_more.sql"]


async def test_a_table_that_stays_locked_is_given_up_and_nothing_is_half_done(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await migrate(database)
    two = "create table halves (n integer); alter table runs add column hue text"
    monkeypatch.setattr(runner, "migrations", lambda: [("9999_more.sql", two)])
    monkeypatch.setattr(runner, "LOCK_TRIES", 2)
    holder = await psycopg.AsyncConnection.connect(database)
    await holder.execute("select count(*) from runs")
    with pytest.raises(psycopg.errors.LockNotAvailable):
        await migrate(database)
    await holder.close()
    with psycopg.connect(database) as connection:
        assert "halves" not in {table for table, _ in schema(connection)}
