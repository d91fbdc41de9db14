"""Group commit: whatever waits to be written goes out as one transaction on one connection."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow

from tools.database import Pool, may_pass

RETRY_SECONDS = 0.1
ROW_BYTES = 512  # what a row holds beside its values

Connection = psycopg.AsyncConnection[DictRow]


class WritesFull(psycopg.OperationalError):
    """More waits to be written than memory allows; Postgres does not keep up."""


class WritesClosed(psycopg.OperationalError):
    """The process is stopping and writes nothing more."""


class WriteUnanswered(psycopg.OperationalError):
    """Postgres did not take the write in time; whether it is stored is unknown."""


@dataclass(frozen=True)
class Bounds:
    """How long a write waits for Postgres to come back, one attempt takes, how much may wait."""

    patience_seconds: float = 10
    attempt_seconds: float = 4
    waiting_bytes: int = 64 * 2**20


class Statement(NamedTuple):
    """One statement and the rows it is executed with."""

    query: str
    rows: Sequence[tuple[Any, ...]]


@dataclass(eq=False)
class _Write:
    """One caller's statements, and the future that holds what became of them."""

    statements: Sequence[Statement]
    since: float
    outcome: "asyncio.Future[Exception | None]"
    size: int = field(init=False)

    def __post_init__(self) -> None:
        self.size = sum(
            ROW_BYTES + sum(len(value) for value in row if isinstance(value, str | bytes))
            for statement in self.statements
            for row in statement.rows
        )


class GroupCommit:
    """Writes for many callers at once; belongs to the event loop that it was made in.

    While one group is being committed the next one gathers. Statements must be such that running
    them twice is the same as once: after a lost connection nobody knows whether they ran.
    """

    def __init__(self, pool: Pool, bounds: Bounds = Bounds()) -> None:
        self._pool = pool
        self._bounds = bounds
        self._loop = asyncio.get_running_loop()
        self._connection: Connection | None = None
        self._waiting: list[_Write] = []
        self._under_way: list[_Write] = []
        self._bytes = 0
        self._work: asyncio.Task[None] | None = None
        self._is_closed = False

    async def write(self, statements: Sequence[Statement]) -> None:
        """Return when all rows are committed; none of them is if this raises.

        A cancelled caller still waits for the end of its write, so nothing is stored behind it.
        """
        write = self._accept(statements)
        try:
            error = await asyncio.shield(write.outcome)
        except asyncio.CancelledError:
            await asyncio.wait({write.outcome})
            raise
        if isinstance(error, WritesClosed | WriteUnanswered):
            raise type(error)(*error.args) from error.__cause__  # each of many callers its own
        if error:
            raise error

    async def aclose(self) -> None:
        """Take no more; write what waits, within the time that any write has, and disconnect."""
        self._is_closed = True
        if self._work:
            await asyncio.wait({self._work})
        await self._disconnect()

    def _accept(self, statements: Sequence[Statement]) -> _Write:
        if asyncio.get_running_loop() is not self._loop:
            raise asyncio.InvalidStateError("Write from the event loop that opened the pool.")
        if self._is_closed:
            raise WritesClosed("the process is stopping")
        write = _Write(statements, self._loop.time(), self._loop.create_future())
        if self._bytes and self._bytes + write.size > self._bounds.waiting_bytes:
            raise WritesFull(f"{self._bytes} bytes wait to be written")
        self._bytes += write.size
        self._waiting.append(write)
        if self._work is None:
            self._work = asyncio.create_task(self._write_all(), name="group commit")
        return write

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                self._under_way, self._waiting = self._waiting, []
                await self._commit(self._under_way)
        finally:
            self._work = None
            # Nothing is left but where this task was ended from outside.
            self._settle([*self._under_way, *self._waiting], WritesClosed("ended while writing"))
            self._under_way, self._waiting = [], []

    async def _commit(self, group: list[_Write]) -> None:
        """Commit a group; where a row is refused, its halves, down to the write at fault."""
        error = await self._attempts(group)
        if error is None or len(group) == 1 or isinstance(error, WriteUnanswered):
            self._settle(group, error)
            return
        middle = len(group) // 2
        await self._commit(group[:middle])
        await self._commit(group[middle:])

    async def _attempts(self, group: list[_Write]) -> Exception | None:
        """What became of a group; while Postgres is away, try again as long as patience lasts."""
        patient = group[0].since + self._bounds.patience_seconds
        end = max(patient, self._loop.time() + self._bounds.attempt_seconds)
        while True:
            try:
                await self._transact(group)
            except Exception as error:  # noqa: BLE001 (whatever a row raises is its caller's)
                if not may_pass(error):
                    return error
                await self._disconnect()  # the next one may lead to a server that is well
                if self._loop.time() + RETRY_SECONDS >= end:
                    return _unanswered(error)
            else:
                return None
            await asyncio.sleep(RETRY_SECONDS)

    async def _transact(self, group: list[_Write]) -> None:
        connection = await self._connected()
        severance = self._loop.call_later(self._bounds.attempt_seconds, _sever, connection)
        try:
            async with connection.pipeline(), connection.cursor() as cursor:
                await cursor.execute("begin")
                for query, rows in _by_query(group).items():
                    await cursor.executemany(query, rows)
                await cursor.execute("commit")
        finally:
            severance.cancel()
            if connection.info.transaction_status != TransactionStatus.IDLE:
                await self._roll_back(connection)

    async def _connected(self) -> Connection:
        """Our own connection, made like the pool's: a busy pool cannot hold writes up."""
        if self._connection is None or self._connection.closed:
            self._connection = await self._pool.connection_class.connect(
                cast(str, self._pool.conninfo),
                **cast(dict[str, Any], self._pool.kwargs),
                connect_timeout=max(2, round(self._bounds.attempt_seconds)),
            )
        return self._connection

    async def _roll_back(self, connection: Connection) -> None:
        try:
            await connection.rollback()
        except psycopg.Error:
            await self._disconnect()

    async def _disconnect(self) -> None:
        if self._connection:
            await self._connection.close()
            self._connection = None

    def _settle(self, group: list[_Write], error: Exception | None) -> None:
        for write in group:
            if not write.outcome.done():
                self._bytes -= write.size
                write.outcome.set_result(error)


def _by_query(group: list[_Write]) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of every caller under the statement they share."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    for write in group:
        for statement in write.statements:
            found.setdefault(statement.query, []).extend(statement.rows)
    return found


def _unanswered(cause: Exception) -> WriteUnanswered:
    error = WriteUnanswered(f"Postgres did not take the write: {type(cause).__name__}")
    error.__cause__ = cause
    return error


def _sever(connection: Connection) -> None:
    """Make a query that hangs fail at once: to cancel it, Postgres would have to answer."""
    with (
        contextlib.suppress(psycopg.Error, OSError),
        socket.socket(fileno=os.dup(connection.fileno())) as under_it,
    ):
        under_it.shutdown(socket.SHUT_RDWR)
