"""Who works on which run, and until when: claiming, leases, take-over, cancelling, draining."""

import asyncio
import contextlib
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID

import psycopg
import structlog
from langgraph.errors import GraphDrained
from langgraph.runtime import RunControl
from psycopg.rows import DictRow, dict_row
from psycopg_pool import PoolTimeout

from graph.progress import publish
from graph.traces import GAVE_UP, trace_of
from graph.tracing import Export, ended, exported_to_nobody, tracing
from graph.worker import NotOurs, Worker, config_of
from monitoring import metrics
from monitoring.logging import origin
from tools.database import Pool, may_pass
from tools.errors import TriaError
from tools.events import END
from tools.intake import LEASE_SECONDS
from tools.run_endings import HowToCancel
from tools.runs import RENEW_SECONDS

__all__ = ["DATABASE_ERRORS", "Executor", "config_of"]

log = structlog.get_logger()

SWEEP_SECONDS = 1.0
RETRY_SECONDS = 0.5
MOST_AT_ONCE = 256  # runs of one process; more wait in the table for whoever has room
DATABASE_ERRORS = (psycopg.Error, PoolTimeout, OSError)


@dataclass
class _Held:
    """A run that this process works on, and why its task was cancelled if it was."""

    task: "asyncio.Task[None]"
    control: RunControl = field(default_factory=RunControl)
    is_cancelled: bool = False
    missed: int = 0  # renewals that found it no longer ours
    is_ending: bool = False


class Executor:
    """Runs turns as tasks of this process, detached from any request."""

    def __init__(self, pool: Pool, worker: Worker, export: Export = exported_to_nobody) -> None:
        self._pool = pool
        self._export = export
        self._worker = worker
        self._runs = worker.runs
        self._held: dict[UUID, _Held] = {}
        self._background: list[asyncio.Task[None]] = []
        self._is_stopping = False

    @property
    def has_room(self) -> bool:
        """Whether a run may begin here now."""
        return not self._is_stopping and len(self._held) < MOST_AT_ONCE

    @property
    def is_working(self) -> bool:
        """Whether it still looks for runs; else the process is to be started again."""
        return self._is_stopping or not any(task.done() for task in self._background)

    def start(self) -> None:
        """Begin to look for runs that wait or whose worker died."""
        self._background = [
            asyncio.create_task(work()) for work in (self._sweep, self._renew, self._listen)
        ]

    async def drain(self, seconds: float) -> None:
        """Take nothing more; let each step under way end, within a bound, and hand its run over."""
        self._is_stopping = True
        for held in self._held.values():
            held.control.request_drain("drain")
        if tasks := [held.task for held in self._held.values()]:
            await asyncio.wait(tasks, timeout=seconds)

    async def stop(self) -> None:
        """Hand every run over; whoever takes it continues from its last checkpoint."""
        # A cancelled query may end as a database error instead: then the flag ends the loop.
        self._is_stopping = True
        tasks = [*(held.task for held in self._held.values()), *self._background]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def take(self, thread_id: UUID | None = None) -> None:
        """Claim what may run now and work on it in the background."""
        if self.has_room:
            for run in await self._runs.claim(thread_id, held=list(self._held)):
                self.work_on(run)

    def work_on(self, run: DictRow) -> None:
        """Work on a run that is ours, in the background, unless it already is worked on here."""
        if run["run_id"] in self._held:  # claimed anew: its lease ran out while it was held
            return
        task = asyncio.create_task(self._work(run))
        self._held[run["run_id"]] = _Held(task)
        task.add_done_callback(lambda _: self._held.pop(run["run_id"], None))

    async def cancel(self, run_ids: Sequence[UUID], thread_id: UUID, how: HowToCancel) -> None:
        """End runs of a thread early, wherever they are worked on."""
        await self.tell_ended(await self._runs.cancel(run_ids, thread_id, how))

    async def tell_ended(self, ended: Iterable[Mapping[str, Any]]) -> None:
        """Tell whoever reads that runs have ended without an answer."""
        for run in ended:
            metrics.TURNS.labels("cancelled").inc()
            await publish(self._worker.events, run, END, {})

    async def _sweep(self) -> None:
        while not self._is_stopping:
            try:
                await self.take()
                for run in await self._runs.give_up():
                    await self._end_failed(run, GAVE_UP)
                await self.tell_ended(await self._runs.end_cancelled())
            except DATABASE_ERRORS as error:
                log.warning("sweep failed", error=type(error).__name__)
            if not self._is_stopping:
                await asyncio.sleep(SWEEP_SECONDS)

    async def _renew(self) -> None:
        """Keep what we work on; stop at once what was cancelled, or what somebody else has."""
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            asked = list(self._held)
            if not asked:
                continue
            with contextlib.suppress(*DATABASE_ERRORS):
                ours = await self._runs.renew(asked)
                for run_id in asked:
                    if run_id not in ours:
                        self._lose(run_id)
                    elif ours[run_id]:
                        self._cancel(run_id)

    async def _listen(self) -> None:
        """Hear at once of runs to be cancelled and of runs that wait; the sweeps find them too."""
        while not self._is_stopping:
            try:
                # Its own: what it holds and hears ends with it.
                async with await psycopg.AsyncConnection[DictRow].connect(
                    cast(str, self._pool.conninfo), autocommit=True, row_factory=dict_row
                ) as connection:
                    await self._runs.hold_session(connection)
                    await connection.execute("listen tria_runs")
                    async for notice in connection.notifies():
                        await self._hear(notice.payload)
            except DATABASE_ERRORS as error:
                log.warning("not listening", error=type(error).__name__)
            await asyncio.sleep(RETRY_SECONDS)

    async def _hear(self, payload: str) -> None:
        what, _, run_id = payload.partition(":")
        if what == "cancel":
            self._cancel(UUID(run_id))
            return
        with contextlib.suppress(*DATABASE_ERRORS):
            await self.take()

    def _cancel(self, run_id: UUID) -> None:
        # Again with every renewal, as something it awaits may have swallowed the first.
        if (held := self._held.get(run_id)) and not held.is_ending:
            held.is_cancelled = True
            held.task.cancel()

    def _lose(self, run_id: UUID) -> None:
        # Once may mean that it has just ended, and only its clients are still to be told.
        if held := self._held.get(run_id):
            held.missed += 1
            if held.missed > 1:
                held.task.cancel()

    async def _work(self, run: DictRow) -> None:
        """Work on one run, then take the thread's next one."""
        await asyncio.sleep(0)  # so that it is held before it begins
        held, is_followed = self._held[run["run_id"]], True
        with (
            structlog.contextvars.bound_contextvars(**_ids(run)),
            metrics.RUNS_ACTIVE.track_inprogress(),
            tracing(run, self._export),
        ):
            try:
                is_followed = await self._worker.work(run, held.control)
            except GraphDrained:
                await self._hand_over(run)
            except asyncio.CancelledError:
                await self._stopped(run, held)
            except NotOurs:
                await self._end_cancelled(run)
            except DATABASE_ERRORS as error:
                await self._interrupted(run, error)
            except Exception as error:  # noqa: BLE001 (whatever a turn raises ends it visibly)
                await self._fail(run, error)
        if is_followed:
            with contextlib.suppress(*DATABASE_ERRORS):
                await self.take(run["thread_id"])

    async def _stopped(self, run: DictRow, held: _Held) -> None:
        """The task was cancelled: for the run itself, or for the whole process."""
        held.is_ending = True
        if held.missed:
            return
        if not held.is_cancelled:
            with contextlib.suppress(*DATABASE_ERRORS):
                await self._runs.release(run["run_id"], ended("handed_over"))
            raise asyncio.CancelledError
        await self._end_cancelled(run)

    async def _end_cancelled(self, run: DictRow) -> None:
        """End a run of ours that was cancelled. One that somebody else has ended, they tell of."""
        with contextlib.suppress(*DATABASE_ERRORS):
            await self._runs.keep_trace(run["run_id"], ended("cancelled"))
            stopped = await self._runs.end_cancelled(run["run_id"])
            if not stopped:
                self._worker.events.lose(run["run_id"])
            await self.tell_ended(stopped)

    async def _interrupted(self, run: DictRow, error: Exception) -> None:
        """The database failed: the run waits for it, unless the same would fail again."""
        if not may_pass(error):
            await self._fail(run, error)
            return
        log.warning("turn interrupted", **origin(error))
        await self._hand_over(run)

    async def _hand_over(self, run: DictRow) -> None:
        """Give the run back as soon as the database takes it; after that its lease has run out."""
        end, trace = time.monotonic() + LEASE_SECONDS, ended("handed_over")
        while time.monotonic() < end:
            try:
                await self._runs.release(run["run_id"], trace)
            except DATABASE_ERRORS:
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return

    async def _fail(self, run: DictRow, error: Exception) -> None:
        code = error.code if isinstance(error, TriaError) else type(error).__name__
        log.error("turn", outcome="failed", code=code, **origin(error))
        with contextlib.suppress(*DATABASE_ERRORS):  # then the lease runs out and it is tried again
            await self._runs.fail(run["run_id"], code, ended("failed", code))
            await self._end_failed(run, code)

    async def _end_failed(self, run: DictRow, code: str) -> None:
        metrics.TURNS.labels("failed").inc()
        message = "This message could not be answered. Please send it again."
        trace, _ = trace_of(run)
        error: dict[str, Any] = {"error": code, "message": message, "trace_id": trace}
        await publish(self._worker.events, run, "error", error)
        await publish(self._worker.events, run, END, {})


def _ids(run: Mapping[str, Any]) -> dict[str, str]:
    """What every line of a turn is found by."""
    trace, _ = trace_of(run)
    return {"run_id": str(run["run_id"]), "thread_id": str(run["thread_id"]), "trace_id": trace}
