"""Works on runs: claims them, drives the graph, publishes events, stores the answer, takes over."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal, cast
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
import structlog
from langchain_core.runnables import RunnableConfig
from langgraph.types import Command, StateSnapshot
from psycopg.rows import DictRow
from psycopg_pool import PoolTimeout

from graph.builder import Graph
from graph.checkpoints import turn_thread
from graph.focus import focus_of
from graph.progress import Progress, publish
from graph.public import answer_id, answer_of, public_update
from monitoring import metrics
from monitoring.logging import origin
from nodes.state import Focus, State, Turn
from tools.context import Caller, Context
from tools.conversations import HISTORY, Conversations, Message
from tools.errors import TriaError
from tools.events import END, EventLog
from tools.rules import load_rules
from tools.runs import RENEW_SECONDS, Answer, Runs
from tools.screening.screen import masked

log = structlog.get_logger()

SWEEP_SECONDS = 1.0
STEPS = 25
ROLES = {"human": "user", "ai": "assistant"}
DATABASE_ERRORS = (psycopg.Error, PoolTimeout, OSError)


class Executor:
    """Runs turns as tasks of this process, detached from any request."""

    def __init__(
        self,
        graph: Graph,
        runs: Runs,
        conversations: Conversations,
        events: EventLog,
        context_for: Callable[[Caller], Context],
    ) -> None:
        self._graph = graph
        self._runs = runs
        self._conversations = conversations
        self._events = events
        self._context_for = context_for
        self._tasks: set[asyncio.Task[None]] = set()
        self._sweeper: asyncio.Task[None] | None = None
        self._is_stopping = False

    def start(self) -> None:
        """Begin to look for runs that wait or whose worker died."""
        self._sweeper = asyncio.create_task(self._sweep())

    async def stop(self) -> None:
        """Hand every run over; whoever takes it continues from its last checkpoint."""
        # A cancelled query may end as a database error instead: then the flag ends the loop.
        self._is_stopping = True
        tasks = [*self._tasks, *([self._sweeper] if self._sweeper else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def take(self, thread_id: UUID | None = None) -> None:
        """Claim what may run now and work on it in the background."""
        if self._is_stopping:
            return
        for run in await self._runs.claim(thread_id):
            task = asyncio.create_task(self._work(run))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _sweep(self) -> None:
        while not self._is_stopping:
            try:
                await self.take()
                for run in await self._runs.give_up():
                    await self._end_failed(run, "attempts_exhausted")
            except DATABASE_ERRORS as error:
                log.warning("sweep failed", error=type(error).__name__)
            if not self._is_stopping:
                await asyncio.sleep(SWEEP_SECONDS)

    async def _work(self, run: DictRow) -> None:
        """Execute one claimed run while its lease is renewed, then take the thread's next one."""
        ids = {"run_id": str(run["run_id"]), "thread_id": str(run["thread_id"])}
        with structlog.contextvars.bound_contextvars(**ids), metrics.RUNS_ACTIVE.track_inprogress():
            execution = asyncio.create_task(self._execute(run))
            renewal = asyncio.create_task(self._renew(run["run_id"], execution))
            try:
                await execution
            except asyncio.CancelledError:
                execution.cancel()
                await asyncio.gather(execution, return_exceptions=True)
                with contextlib.suppress(*DATABASE_ERRORS):
                    await self._runs.release(run["run_id"])
                raise
            except DATABASE_ERRORS as error:
                # Nothing can be stored now: the lease runs out and the turn is taken up again.
                log.warning("turn interrupted", **origin(error))
            except Exception as error:  # noqa: BLE001 (whatever a turn raises ends it visibly)
                await self._fail(run, error)
            finally:
                renewal.cancel()
        with contextlib.suppress(*DATABASE_ERRORS):
            await self.take(run["thread_id"])

    async def _renew(self, run_id: UUID, execution: asyncio.Task[None]) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            with contextlib.suppress(*DATABASE_ERRORS):
                if not await self._runs.renew(run_id):
                    execution.cancel()  # somebody else has the run: stop at once
                    return

    async def _execute(self, run: DictRow) -> None:
        if run["attempts"] > 1:
            metrics.TAKEN_OVER.inc()
        context = self._context_for(Caller.of(run["scope"]))
        progress = Progress(
            run=run,
            events=self._events,
            messages=await self._conversations.window(run["thread_id"], through_turn=run["turn"]),
        )
        await progress.publish("metadata", {"run_id": run["run_id"], "attempt": run["attempts"]})
        config = config_of(run)
        async for part in self._steps(run, config, context, progress):
            await progress.show(part)
        final = await self._graph.aget_state(config)
        if run["resume"]:
            await self._runs.end_resumed(run["run_id"])
            return
        await self._finish(progress, final.values, is_waiting=_is_waiting(final))

    async def _steps(
        self, run: DictRow, config: RunnableConfig, context: Context, progress: Progress
    ) -> AsyncIterator[Mapping[str, Any]]:
        """Start the turn, or continue it where its last checkpoint stands."""
        snapshot = await self._graph.aget_state(config)
        progress.state = dict(snapshot.values)
        # `next` alone may be empty after a kill although tasks are left.
        is_unfinished = bool(snapshot.next or snapshot.tasks)
        if snapshot.created_at and not is_unfinished:
            return
        turn: State | Command[None] | None = None
        if _is_waiting(snapshot):
            if not run["resume"]:
                return  # its answer is ready, and a person's decision has not come
            turn = Command(resume=run["resume"])
        elif not is_unfinished:
            turn = State(turn=await self._turn(run, context))
        await progress.show_values()
        async for part in self._graph.astream(
            turn,
            config,
            context=context,
            stream_mode=["custom", "tasks", "updates"],
            durability="async",
            version="v2",
        ):
            yield cast(Mapping[str, Any], part)

    async def _turn(self, run: DictRow, context: Context) -> Turn:
        asked = await self._conversations.asked(run["run_id"])
        history = await self._conversations.window(
            run["thread_id"], HISTORY, through_turn=run["turn"] - 1
        )
        focus = await self._runs.focus_before(run["thread_id"], run["turn"])
        card = await context.actions.open_of(run["thread_id"], context.caller.customer_id)
        if asked and any(m["created_at"] > asked["created_at"] for m in history):
            card = None  # written before the last answer was seen: it cannot be a yes to its card
        received = asked["created_at"] if asked else run["created_at"]
        zone = ZoneInfo(load_rules().company.timezone)
        return {
            "run_id": str(run["run_id"]),
            "thread_id": str(run["thread_id"]),
            "text": asked["content"] if asked else "",
            "received_at": received.astimezone(zone).isoformat(),
            "history": [
                {"role": ROLES[m["role"]], "content": masked(m["content"])} for m in history
            ],
            "focus": cast(Focus, focus),
            "open_card": card and _open_card(card, history),
            "decision": asked["extra"].get("action") if asked else None,
            "notice": run["notice"],
        }

    async def _finish(self, progress: Progress, state: dict[str, Any], *, is_waiting: bool) -> None:
        """Store the answer and end the run in one transaction; then tell whoever listens.

        A run that waits for a person has answered too, and holds nothing up.
        """
        run, focus = progress.run, focus_of(cast(State, state))
        end: Literal["interrupted", "succeeded"] = "interrupted" if is_waiting else "succeeded"
        answer = Answer(answer_id(run["run_id"]), answer_of(state), focus)
        if not await self._runs.answer(run["run_id"], answer, end):
            return  # the lease was lost: the one who has the run tells the clients
        progress.state = state
        progress.messages = await self._conversations.window(
            run["thread_id"], through_turn=run["turn"]
        )
        await progress.show_values()
        await progress.publish(END, {})
        seconds = time.monotonic() - progress.started
        metrics.TURN_SECONDS.observe(seconds)
        metrics.TURNS.labels(end).inc()
        log.info(
            "turn",
            outcome=end,
            ms=round(seconds * 1000),
            attempt=run["attempts"],
            intents=public_update(state).get("intents"),
            by=state["reply"]["by"],
            tries=state["verdict"]["tries"],
            **_spent(state),
        )
        _count(state)

    async def _fail(self, run: DictRow, error: Exception) -> None:
        code = error.code if isinstance(error, TriaError) else type(error).__name__
        log.error("turn", outcome="failed", code=code, **origin(error))
        with contextlib.suppress(*DATABASE_ERRORS):  # then the lease runs out and it is tried again
            await self._runs.fail(run["run_id"], code)
            await self._end_failed(run, code)

    async def _end_failed(self, run: DictRow, code: str) -> None:
        metrics.TURNS.labels("failed").inc()
        message = "This message could not be answered. Please send it again."
        await publish(self._events, run, "error", {"error": code, "message": message})
        await publish(self._events, run, END, {})


def _open_card(card: Mapping[str, Any], history: Sequence[Message]) -> dict[str, Any]:
    """The card that waits. A bare yes answers it only if nothing else was asked since."""
    last = next((m for m in reversed(history) if m["role"] == "ai"), None)
    shown = last["extra"].get("card") or {} if last else {}
    is_shown = shown.get("action_id") == str(card["action_id"])
    asks_else = last is not None and any(mark in last["content"] for mark in "?？")
    return {
        "action_id": str(card["action_id"]),
        "hash": card["hash"],
        "is_asked": is_shown or not asks_else,
    }


def _is_waiting(snapshot: StateSnapshot) -> bool:
    """Whether the graph stands at an interrupt."""
    return any(task.interrupts for task in snapshot.tasks)


def _count(state: Mapping[str, Any]) -> None:
    """What the model cost in this turn, who worded the reply, and whether somebody guessed."""
    for call in state.get("spent", []):
        purpose = call["purpose"]
        metrics.MODEL_CALLS.labels(purpose).inc()
        metrics.MODEL_TOKENS.labels(purpose, "in").inc(call["tokens_in"])
        metrics.MODEL_TOKENS.labels(purpose, "out").inc(call["tokens_out"])
        metrics.MODEL_USD.labels(purpose).inc(float(call["usd"]))
    reply = state["reply"]
    metrics.REPLIES.labels(reply["by"]).inc()
    if reply["is_shared"]:
        metrics.CACHE_ASKED.labels("hit" if reply["by"] == "cache" else "miss").inc()
    if (state.get("handoff") or {}).get("reason") == "guessing":
        metrics.GUESSING.inc()


def _spent(state: Mapping[str, Any]) -> dict[str, Any]:
    """Calls of the model in this turn, their tokens and what they cost."""
    calls = state.get("spent", [])
    return {
        "model_calls": len(calls),
        "tokens": sum(c["tokens_in"] + c["tokens_out"] for c in calls),
        "usd": str(sum((Decimal(c["usd"]) for c in calls), Decimal(0))),
    }


def config_of(run: Mapping[str, Any]) -> RunnableConfig:
    """The graph's configuration for one turn."""
    return {
        "configurable": {"thread_id": turn_thread(run["thread_id"], run["turn"])},
        "recursion_limit": STEPS,
    }
