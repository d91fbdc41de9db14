"""The runs table: the one truth about who may work on a turn.

A run is stored together with the customer's message before anything is answered. Leases use the
database's clock; every change by a worker names it as owner, so one that lost its lease can
change nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import psycopg
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from tools.actions.trail import OnEnd, nobody
from tools.database import Pool, fetch_all, fetch_one, once_more, pipelined
from tools.intake import COLUMNS, LEASE_SECONDS, NewRun, take_in
from tools.run_endings import HowToCancel, ask_to_cancel, end_cancelled, forget
from tools.run_statements import (
    ANSWER,
    BURST,
    CLAIM,
    KEEP_TRACE,
    LOCK_THREAD,
    MAX_STRIKES,
    MOVED,
)

RENEW_SECONDS = 1
MOST_TOGETHER = 20  # messages that one turn answers

End = Literal["succeeded", "interrupted"]
Trace = Mapping[str, Any] | None  # of one attempt: names, times and counts alone


@dataclass(frozen=True)
class Answer:
    """The assistant's message, what it is about after it, what the turn showed and its trace."""

    message_id: str
    reply: Mapping[str, Any]
    focus: Mapping[str, Any]
    signals: Mapping[str, Any] | None = None
    trace: Trace = None


OURS = "run_id = %(run_id)s and owner = %(owner)s and status = 'running'"


class Runs:
    """Creating, claiming, renewing and ending runs.

    `on_end` is told of each card that ends with one, or for one.
    """

    def __init__(self, pool: Pool, owner: str, on_end: OnEnd = nobody) -> None:
        self._pool = pool
        self._owner = owner
        self._on_end = on_end

    async def create(self, run: NewRun) -> DictRow:
        """Store the message and its run in one transaction; raises the errors of tools/intake."""
        stored: DictRow = await once_more()(self._create, run)
        self._tell(stored["withdrawn"])
        return stored

    async def _create(self, run: NewRun) -> DictRow:
        async with self._pool.connection() as connection:
            return await take_in(connection, run, self._owner)

    async def get(self, run_id: UUID, thread_id: UUID) -> DictRow | None:
        """One run of a thread."""
        return await fetch_one(
            self._pool,
            f"select {COLUMNS} from runs where run_id = %s and thread_id = %s",
            [run_id, thread_id],
        )

    async def find(self, run_id: UUID) -> DictRow | None:
        """One run, whatever its thread."""
        return await fetch_one(
            self._pool, f"select {COLUMNS} from runs where run_id = %s", [run_id]
        )

    async def of_thread(
        self, thread_id: UUID, limit: int, offset: int, statuses: Sequence[str] | None = None
    ) -> list[DictRow]:
        """A thread's runs, latest first; of some statuses only where they are given."""
        return await fetch_all(
            self._pool,
            f"select {COLUMNS} from runs where thread_id = %s"
            " and (%s::text[] is null or status = any(%s)) order by turn desc limit %s offset %s",
            [thread_id, statuses, statuses, limit, offset],
        )

    async def claim(
        self, thread_id: UUID | None = None, limit: int = 10, held: Sequence[UUID] = ()
    ) -> list[DictRow]:
        """Take runs that wait or whose worker died: at most one a thread, in order of arrival.

        Messages that waited together are answered by the last of them. What is `held` here is
        left alone, even if its lease ran out while the database was away.
        """
        values = {"owner": self._owner, "thread": thread_id, "limit": limit, "held": list(held)}
        try:
            claimed = await fetch_all(self._pool, CLAIM, values)
        except psycopg.errors.UniqueViolation:
            return []  # another worker was quicker on the same thread
        return [await self._together(run) if run["is_followed"] else run for run in claimed]

    async def hold_session(self, connection: psycopg.AsyncConnection[DictRow]) -> None:
        """Show the others that this worker lives, for as long as the connection does."""
        await connection.execute("select pg_advisory_lock(hashtextextended(%s, 0))", [self._owner])

    async def _together(self, run: DictRow) -> DictRow:
        """The run that answers this one's message and those that came after it: the last."""
        async with self._pool.connection() as connection, connection.transaction() as taking:
            await connection.execute(LOCK_THREAD, run)
            found = await connection.execute(
                BURST,
                {name: run[name] for name in ("run_id", "thread_id", "turn")}
                | {"most": MOST_TOGETHER},
            )
            burst = [row["run_id"] for row in await found.fetchall()]
            if len(burst) < 2:
                return run
            await connection.execute(
                "update runs set answered_by = %s, status = 'queued', attempts = 0, strikes = 0,"
                " owner = null"
                " where run_id = any(%s) and status in ('queued', 'running')",
                [burst[-1], burst[:-1]],
            )
            taken = await connection.execute(
                "update runs set status = 'running', owner = %s, attempts = 1, strikes = 1,"
                " updated_at = now(), lease_until = now() + %s * interval '1 second'"
                f" where run_id = %s and status = 'queued' returning {COLUMNS}",
                [self._owner, LEASE_SECONDS, burst[-1]],
            )
            if (last := await taken.fetchone()) is None:
                raise psycopg.Rollback(taking)  # it was cancelled just now
            return last
        return run

    async def give_up(self) -> list[DictRow]:
        """Fail the runs whose worker died once too often; they stay visible with their reason."""
        return await self._ended(
            "status = 'running' and lease_until < now() and cancel is null"
            f" and strikes >= {MAX_STRIKES} and not {MOVED}",
            {},
            "attempts_exhausted",
        )

    async def renew(self, run_ids: Sequence[UUID]) -> dict[UUID, HowToCancel | None]:
        """Extend our leases: the runs that are still ours, and which of them are to be ended."""
        rows = await fetch_all(
            self._pool,
            "update runs set lease_until = now() + %s * interval '1 second'"
            " where run_id = any(%s) and owner = %s and status = 'running'"
            " returning run_id, cancel",
            [LEASE_SECONDS, list(run_ids), self._owner],
        )
        return {row["run_id"]: row["cancel"] for row in rows}

    async def release(self, run_id: UUID, trace: Trace = None) -> None:
        """Hand a run over, to be taken at once; the attempt does not count."""
        async with self._pool.connection() as connection:
            await connection.execute(
                "with given as (update runs set lease_until = now() - interval '1 second',"
                f" strikes = strikes - 1, {KEEP_TRACE} where {OURS} returning 1)"
                " select pg_notify('tria_runs', 'due') from given",
                {**self._ours(run_id), "trace": _json(trace)},
            )

    async def answer(self, run_id: UUID, answer: Answer, end: End) -> DictRow | None:
        """Store the assistant's message and the focus, and end or pause the run: all or nothing.

        Returns when the message was stored, which other runs it answers and whether more wait;
        None when the run is no longer ours, or was cancelled.
        """
        values = {
            "run_id": run_id,
            "owner": self._owner,
            "end": end,
            "focus": Jsonb(dict(answer.focus)),
            "signals": answer.signals and Jsonb(dict(answer.signals)),
            "trace": _json(answer.trace),
            "message_id": answer.message_id,
            "content": answer.reply["content"],
            "extra": Jsonb(answer.reply["extra"]),
        }
        async with (
            self._pool.connection() as connection,
            pipelined(connection),
            connection.transaction(),
        ):
            await connection.execute(LOCK_THREAD, values)
            stored = await connection.execute(ANSWER, values)
            return await stored.fetchone()

    async def end(self, run_id: UUID, status: End, trace: Trace = None) -> None:
        """End our run without an answer: it only went on after a decision, or it was paused."""
        await fetch_one(
            self._pool,
            f"update runs set status = %(status)s, owner = null, updated_at = now(), {KEEP_TRACE}"
            f" where {OURS} returning run_id",
            {**self._ours(run_id), "status": status, "trace": _json(trace)},
        )

    async def keep_trace(self, run_id: UUID, trace: Trace) -> None:
        """Add this attempt to the trace of our run, which ends in another way."""
        if trace is None:
            return
        async with self._pool.connection() as connection:
            await connection.execute(
                f"update runs set {KEEP_TRACE} where {OURS}",
                {**self._ours(run_id), "trace": _json(trace)},
            )

    async def trace_of(self, run_id: UUID) -> list[dict[str, Any]]:
        """What is kept of the trace of a run: a part for each attempt, the first one first."""
        found = await fetch_one(self._pool, "select trace from runs where run_id = %s", [run_id])
        return (found and found["trace"]) or []

    async def fail(self, run_id: UUID, error: str, trace: Trace = None) -> None:
        """End our run with the reason an operator will see."""
        await self._ended(OURS, self._ours(run_id), error, trace)

    def _ours(self, run_id: UUID) -> dict[str, Any]:
        return {"run_id": run_id, "owner": self._owner}

    async def _ended(
        self, which: str, values: Mapping[str, Any], error: str, trace: Trace = None
    ) -> list[DictRow]:
        """Fail some runs. What would have been answered together is asked on its own again."""
        return await fetch_all(
            self._pool,
            "with ended as (update runs set status = 'failed', error = %(error)s,"
            f" owner = null, updated_at = now(), {KEEP_TRACE} where {which} returning {COLUMNS}),"
            " freed as (update runs f set answered_by = null from ended"
            "  where f.answered_by = ended.run_id and f.status = 'queued')"
            f" select {COLUMNS} from ended",
            {**values, "error": error, "trace": _json(trace)},
        )

    async def cancel(
        self, run_ids: Sequence[UUID], thread_id: UUID, how: HowToCancel
    ) -> list[DictRow]:
        """End runs of a thread early: those that waited at once, the others where they run."""
        async with self._pool.connection() as connection, connection.transaction():
            await ask_to_cancel(connection, run_ids, thread_id, how)
        return await self.end_cancelled()

    async def end_cancelled(self, run_id: UUID | None = None) -> list[DictRow]:
        """End the runs that are to be cancelled: ours, or all that nobody works on."""
        async with self._pool.connection() as connection, connection.transaction():
            ended, taken_back = await end_cancelled(connection, self._owner, run_id)
        self._tell(taken_back)
        return ended

    def _tell(self, kinds: Sequence[str]) -> None:
        for kind in kinds:
            self._on_end(kind, "cancelled")

    async def forget(self, run_id: UUID) -> bool:
        """Delete a run that has ended and led to no write."""
        async with self._pool.connection() as connection, connection.transaction():
            return await forget(connection, run_id)


def _json(trace: Trace) -> Jsonb | None:
    return None if trace is None else Jsonb(dict(trace))
