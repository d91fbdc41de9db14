"""The Postgres pool and the schema's migrations."""

import asyncio
import select
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import resources
from typing import Any

import psycopg
from psycopg.errors import DeadlockDetected, SerializationFailure
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random

Pool = AsyncConnectionPool[psycopg.AsyncConnection[DictRow]]
# SQLSTATE classes that speak of the server and not of a row: connection, rollback, read-only after
# a fail-over, resources, locks, shutdown, input and output.
PASSING = frozenset({"08", "25", "40", "53", "55", "57", "58"})
LONGEST_PAUSE_SECONDS = 0.1
MIGRATION_LOCK = 7_384_116_021  # any fixed number: one process migrates, the others wait

# Whoever waits for a table holds up everybody who comes after: so briefly, and again and again.
LOCK_MS, LOCK_TRIES, LOCK_PAUSE = 200, 120, 0.5


async def check_when_told(connection: psycopg.AsyncConnection[DictRow]) -> None:
    """Ask the server only where its side of an idle connection has said something: goodbye.

    A look at the socket instead of a round trip each time that a connection is taken.
    """
    socket = select.poll()
    socket.register(connection.fileno(), select.POLLIN)
    if socket.poll(0):
        await AsyncConnectionPool.check_connection(connection)


def make_pool(url: str, *, max_size: int = 16) -> Pool:
    """A pool that is not open yet; connections are in autocommit and return rows as dicts."""
    return AsyncConnectionPool(
        url,
        min_size=2,
        max_size=max_size,
        open=False,
        timeout=5,
        max_idle=300,
        max_lifetime=1800,
        check=check_when_told,
        kwargs={"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row},
        connection_class=psycopg.AsyncConnection[DictRow],
    )


@asynccontextmanager
async def pipelined(connection: psycopg.AsyncConnection[DictRow]) -> AsyncIterator[None]:
    """Send statements without waiting in between.

    One that is cut off leaves nobody knowing where the server is: then the connection ends, so
    that its next user does not go on in the middle of somebody else's transaction.
    """
    try:
        async with connection.pipeline():
            yield
    except Exception:
        raise
    except BaseException:
        await connection.close()
        raise


def migrations() -> list[tuple[str, str]]:
    """Every migration as (name, SQL), in order."""
    files = resources.files("tools.migrations").iterdir()
    return sorted((f.name, f.read_text()) for f in files if f.name.endswith(".sql"))


async def migrate(url: str) -> list[str]:
    """Bring the schema up to date and return the names of the migrations applied just now."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute("select pg_advisory_lock(%s)", [MIGRATION_LOCK])
        await connection.execute(
            "create table if not exists migrations"
            " (name text primary key, applied_at timestamptz not null default now())"
        )
        done = {row[0] async for row in await connection.execute("select name from migrations")}
        pending = [(name, sql) for name, sql in migrations() if name not in done]
        for name, sql in pending:
            await _apply(connection, name, sql)
    return [name for name, _ in pending]


async def _apply(connection: psycopg.AsyncConnection[Any], name: str, sql: str) -> None:
    """One migration, beside a version that works on the same tables; raises LockNotAvailable."""
    for tries_left in reversed(range(LOCK_TRIES)):
        try:
            async with connection.transaction():
                await connection.execute(f"set local lock_timeout = {LOCK_MS}")
                await connection.execute(sql.encode())
                await connection.execute("insert into migrations (name) values (%s)", [name])
        except psycopg.errors.LockNotAvailable:
            if not tries_left:
                raise
            await asyncio.sleep(LOCK_PAUSE)
        else:
            return


async def fetch_one(pool: Pool, query: Any, parameters: Any = None) -> DictRow | None:
    """Run one statement and return its first row."""
    async with pool.connection() as connection:
        return await (await connection.execute(query, parameters)).fetchone()


async def fetch_all(pool: Pool, query: Any, parameters: Any = None) -> list[DictRow]:
    """Run one statement and return its rows."""
    async with pool.connection() as connection:
        return await (await connection.execute(query, parameters)).fetchall()


def once_more() -> AsyncRetrying:
    """Two more tries for a transaction that Postgres gave up for the sake of another one."""
    return AsyncRetrying(
        retry=retry_if_exception_type((DeadlockDetected, SerializationFailure)),
        wait=wait_random(0, LONGEST_PAUSE_SECONDS),
        stop=stop_after_attempt(3),
        reraise=True,
    )


def may_pass(error: Exception) -> bool:
    """Whether the fault is the state that the server is in, so that the same may do later."""
    if not isinstance(error, psycopg.Error):
        return isinstance(error, OSError)
    if error.sqlstate is None:
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return error.sqlstate[:2] in PASSING
