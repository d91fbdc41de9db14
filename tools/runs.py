"""The runs table: the one truth about who may work on a turn.

A run is stored together with the customer's message before anything is answered. Leases use the
database's clock; every change by a worker names it as owner, so one that lost its lease can
change nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import psycopg
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from tools.database import Pool, fetch_all, fetch_one

LEASE_SECONDS = 8
RENEW_SECONDS = 2
MAX_ATTEMPTS = 3

COLUMNS = (
    "run_id, thread_id, turn, status, strategy, request, scope, metadata, attempts, error,"
    " resume, notice, created_at, updated_at"
)


@dataclass(frozen=True)
class NewRun:
    """A turn to be stored: the customer's message and what the client asked for."""

    run_id: UUID
    thread_id: UUID
    customer_id: str
    message_id: str
    content: str
    extra: Mapping[str, Any]
    strategy: str
    request: Mapping[str, Any]
    scope: Mapping[str, Any]
    metadata: Mapping[str, Any]


@dataclass(frozen=True)
class Answer:
    """The assistant's message, and what the conversation is about after it."""

    message_id: str
    reply: Mapping[str, Any]
    focus: Mapping[str, Any]


class ThreadBusy(Exception):
    """The thread has a turn under way and the client asked not to wait for it."""


class ThreadMissing(Exception):
    """There is no such thread of this customer."""


class MessageRepeated(Exception):
    """A message with this id is already part of the conversation."""


class Runs:
    """Creating, claiming, renewing and ending runs."""

    def __init__(self, pool: Pool, owner: str) -> None:
        self._pool = pool
        self._owner = owner

    async def create(self, run: NewRun) -> DictRow:
        """Store the message and its run in one transaction; raises the three errors above."""
        async with self._pool.connection() as connection, connection.transaction():
            counted = await connection.execute(
                "update threads set turns = turns + 1, updated_at = now()"
                " where thread_id = %s and customer_id = %s returning turns",
                [run.thread_id, run.customer_id],
            )
            thread = await counted.fetchone()
            if thread is None:
                raise ThreadMissing
            if run.strategy == "reject" and await _is_busy(connection, run.thread_id):
                raise ThreadBusy
            stored = await connection.execute(
                "insert into runs (run_id, thread_id, turn, strategy, request, scope, metadata)"
                f" values (%s, %s, %s, %s, %s, %s, %s) returning {COLUMNS}",
                [
                    *(run.run_id, run.thread_id, thread["turns"], run.strategy),
                    *(Jsonb(dict(x)) for x in (run.request, run.scope, run.metadata)),
                ],
            )
            row = await stored.fetchone()
            await _add_message(connection, run)
        assert row is not None  # noqa: S101 (an insert that returns)
        return row

    async def get(self, run_id: UUID, thread_id: UUID) -> DictRow | None:
        """One run of a thread."""
        return await fetch_one(
            self._pool,
            f"select {COLUMNS} from runs where run_id = %s and thread_id = %s",
            [run_id, thread_id],
        )

    async def of_thread(self, thread_id: UUID, limit: int, offset: int) -> list[DictRow]:
        """A thread's runs, latest first."""
        return await fetch_all(
            self._pool,
            f"select {COLUMNS} from runs where thread_id = %s order by turn desc"
            " limit %s offset %s",
            [thread_id, limit, offset],
        )

    async def claim(self, thread_id: UUID | None = None, limit: int = 10) -> list[DictRow]:
        """Take runs that wait or whose worker died: at most one a thread, in order of arrival."""
        try:
            return await fetch_all(
                self._pool,
                "update runs set status = 'running', owner = %(owner)s, attempts = attempts + 1,"
                " lease_until = now() + %(lease)s * interval '1 second', updated_at = now()"
                " where run_id in (select run_id from runs r"
                "  where thread_id = coalesce(%(thread)s, thread_id) and attempts < %(most)s"
                "  and (status = 'running' and lease_until < now() or status = 'queued'"
                "   and not exists (select 1 from runs a where a.thread_id = r.thread_id"
                "    and (a.status = 'running'"
                "     or a.status = 'queued' and a.turn < r.turn)))"
                "  order by created_at for update skip locked limit %(limit)s)"
                f" returning {COLUMNS}",
                {
                    "owner": self._owner,
                    "lease": LEASE_SECONDS,
                    "thread": thread_id,
                    "most": MAX_ATTEMPTS,
                    "limit": limit,
                },
            )
        except psycopg.errors.UniqueViolation:
            return []  # another worker was quicker on the same thread

    async def give_up(self) -> list[DictRow]:
        """Fail the runs whose worker died once too often; they stay visible with their reason."""
        return await fetch_all(
            self._pool,
            "update runs set status = 'failed', error = 'attempts_exhausted', owner = null,"
            " updated_at = now() where status = 'running' and lease_until < now()"
            f" and attempts >= %s returning {COLUMNS}",
            [MAX_ATTEMPTS],
        )

    async def renew(self, run_id: UUID) -> bool:
        """Extend our lease; False when the run is no longer ours."""
        row = await fetch_one(
            self._pool,
            "update runs set lease_until = now() + %s * interval '1 second'"
            " where run_id = %s and owner = %s and status = 'running' returning run_id",
            [LEASE_SECONDS, run_id, self._owner],
        )
        return row is not None

    async def release(self, run_id: UUID) -> None:
        """Hand a run back, to be taken over at once; the attempt does not count."""
        await fetch_one(
            self._pool,
            "update runs set lease_until = now(), attempts = attempts - 1"
            " where run_id = %s and owner = %s and status = 'running' returning run_id",
            [run_id, self._owner],
        )

    async def focus_before(self, thread_id: UUID, turn: int) -> Mapping[str, Any]:
        """What the conversation was about after its last answered turn before this one."""
        row = await fetch_one(
            self._pool,
            "select focus from runs where thread_id = %s and turn < %s"
            " and status in ('succeeded', 'interrupted') order by turn desc limit 1",
            [thread_id, turn],
        )
        return row["focus"] if row else {}

    async def answer(
        self, run_id: UUID, answer: Answer, end: Literal["succeeded", "interrupted"]
    ) -> bool:
        """Store the assistant's message and the focus, and end or pause the run: all or nothing."""
        async with self._pool.connection() as connection, connection.transaction():
            ended = await connection.execute(
                "update runs set status = %s, owner = null, updated_at = now(),"
                " focus = %s where run_id = %s and owner = %s and status = 'running'"
                " returning thread_id",
                [end, Jsonb(dict(answer.focus)), run_id, self._owner],
            )
            row = await ended.fetchone()
            if row is None:
                return False
            await connection.execute(
                "insert into messages (message_id, thread_id, run_id, role, content, extra)"
                " values (%s, %s, %s, 'ai', %s, %s)",
                [
                    *(answer.message_id, row["thread_id"], run_id),
                    *(answer.reply["content"], Jsonb(answer.reply["extra"])),
                ],
            )
            await connection.execute(
                "update threads set updated_at = now() where thread_id = %s", [row["thread_id"]]
            )
        return True

    async def end_resumed(self, run_id: UUID) -> None:
        """End a run that went on after a person's decision; its answer was stored before."""
        await fetch_one(
            self._pool,
            "update runs set status = 'succeeded', owner = null, updated_at = now()"
            " where run_id = %s and owner = %s and status = 'running' returning run_id",
            [run_id, self._owner],
        )

    async def fail(self, run_id: UUID, error: str) -> None:
        """End our run with the reason an operator will see."""
        await fetch_one(
            self._pool,
            "update runs set status = 'failed', error = %s, owner = null, updated_at = now()"
            " where run_id = %s and owner = %s and status = 'running' returning run_id",
            [error, run_id, self._owner],
        )


async def _is_busy(connection: psycopg.AsyncConnection[DictRow], thread_id: UUID) -> bool:
    found = await connection.execute(
        "select 1 from runs where thread_id = %s"
        " and (status = 'running' or status = 'queued' and resume is null) limit 1",
        [thread_id],
    )
    return await found.fetchone() is not None


async def _add_message(connection: psycopg.AsyncConnection[DictRow], run: NewRun) -> None:
    try:
        await connection.execute(
            "insert into messages (message_id, thread_id, run_id, role, content, extra)"
            " values (%s, %s, %s, 'human', %s, %s)",
            [run.message_id, run.thread_id, run.run_id, run.content, Jsonb(dict(run.extra))],
        )
    except psycopg.errors.UniqueViolation as error:
        raise MessageRepeated from error
