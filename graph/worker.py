"""Works on one claimed run: drives the graph, shows what happens, stores the answer."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast
from zoneinfo import ZoneInfo

import structlog
from langchain_core.runnables import RunnableConfig
from langgraph.runtime import RunControl
from langgraph.types import Command
from psycopg.rows import DictRow

from graph.builder import Graph
from graph.checkpoints import FRESH
from graph.counting import count_turn
from graph.focus import focus_of
from graph.modes import modes_of
from graph.progress import Progress
from graph.public import answer_id, answer_of
from graph.signals import signals_of
from graph.traces import told_to_tracers, trace_id
from graph.tracing import ended
from graph.turn_line import turn_fields
from monitoring import metrics
from nodes.state import Focus, State, Turn
from tools.context import Caller, Context
from tools.conversations import HISTORY, Message
from tools.errors import CheckpointsGone
from tools.events import END, EventLog
from tools.rules import load_rules
from tools.runs import Answer, Runs
from tools.screening.screen import masked
from tools.turns import Opening, Turns

log = structlog.get_logger()

STEPS = 25
ROLES = {"human": "user", "ai": "assistant"}
# A reply is worded again from here: everything is known, and nothing is written any more.
BEFORE_REPLY, REPLYING = "adapt_tone", "compose_reply"
NOTHING: Literal["nothing"] = "nothing"
Start = State | Command[Any] | None | Literal["nothing"]


class NotOurs(Exception):
    """The run was cancelled, or another process has it: nothing was stored."""


@dataclass(frozen=True)
class Worker:
    """What the runs of one process share."""

    graph: Graph
    runs: Runs
    turns: Turns
    events: EventLog
    context_for: Callable[[Caller], Context]

    async def work(self, run: DictRow, control: RunControl) -> bool:
        """One attempt at a run, from where its last one stopped; whether more runs wait for it.

        Raises GraphDrained when it was told to stop, NotOurs, and whatever a node raises.
        """
        if run["attempts"] > 1:
            metrics.TAKEN_OVER.inc()
        context = self.context_for(Caller.of(run["scope"]))
        opening = await self.turns.opening(run)
        progress = Progress(
            run=run,
            events=self.events,
            messages=opening.messages,
            is_silent=bool(run["resume"]),
        )
        await progress.begin({m["run_id"] for m in opening.asked} if not run["asked_in"] else set())
        start = await self._start(run, opening, progress)
        if start != NOTHING:
            await self._drive(start, context, progress, control)
        return await self._end(progress)

    async def _drive(
        self, start: Start, context: Context, progress: Progress, control: RunControl
    ) -> None:
        request = progress.run["request"]
        with told_to_tracers(progress.run):
            async for part in self.graph.astream(
                cast(State, start),
                _config_for(progress.run),
                context=context,
                stream_mode=modes_of(request["stream_mode"]),
                interrupt_before=request.get("interrupt_before"),
                interrupt_after=request.get("interrupt_after"),
                durability="sync" if request.get("durability") == "sync" else "async",
                control=control,
                version="v2",
            ):
                await progress.show(cast(Mapping[str, Any], part))

    async def _start(self, run: DictRow, opening: Opening, progress: Progress) -> Start:
        """The input of the graph: the turn, or what continues it where its last checkpoint is."""
        if _is_fresh(run):
            return State(turn=turn_of(run, opening))
        snapshot = await self.graph.aget_state(config_of(run))
        if not snapshot.created_at:
            if not run["seed"]:
                return State(turn=turn_of(run, opening))
            await self._seed(run)
            return None
        progress.state = dict(snapshot.values)
        progress.is_waiting = any(task.interrupts for task in snapshot.tasks)
        if progress.is_waiting:
            # Without a person's decision its answer is all there is to store.
            return Command(resume=run["resume"]) if run["resume"] else NOTHING
        # `next` alone may be empty after a kill although tasks are left.
        is_unfinished = bool(snapshot.next or snapshot.tasks)
        if run["attempts"] == 1 and run["asked_in"] and (asked := run["request"].get("command")):
            return _sent_on(asked, snapshot.values)
        return None if is_unfinished else NOTHING

    async def _seed(self, run: DictRow) -> None:
        """Begin where another turn knew everything that its reply says."""
        before = {"configurable": {"thread_id": run["seed"]}}
        async for snapshot in self.graph.aget_state_history(cast(RunnableConfig, before)):
            if snapshot.next == (REPLYING,) and "reply" not in snapshot.values:
                known = dict(snapshot.values)
                await self.graph.aupdate_state(config_of(run), known, as_node=BEFORE_REPLY)
                return
        raise CheckpointsGone("What that turn knew is not kept any more.")

    async def _end(self, progress: Progress) -> bool:
        """Store what came of it, tell whoever listens, and say whether more runs wait."""
        run = progress.run
        if run["resume"]:  # its answer was stored before
            await self.runs.end(run["run_id"], "succeeded", ended("succeeded"))
            return True
        if progress.is_paused:
            await self.runs.end(run["run_id"], "interrupted", ended("interrupted"))
            await progress.publish(END, {})
            return True
        return await self._answer(progress)

    async def _answer(self, progress: Progress) -> bool:
        """Store the answer and end the run in one transaction.

        A run that waits for a person has answered too, and holds nothing up.
        """
        run, state = progress.run, progress.state
        # Of a question that is answered again the first run waits, or the card's write is swept.
        is_waiting = progress.is_waiting and not run["asked_in"]
        end: Literal["interrupted", "succeeded"] = "interrupted" if is_waiting else "succeeded"
        focus, signals = focus_of(cast(State, state)), signals_of(state)
        trace = ended(end)
        answer = Answer(answer_id(run["run_id"]), answer_of(state), focus, signals, trace)
        stored = await self.runs.answer(run["run_id"], answer, end)
        if stored is None:
            raise NotOurs
        progress.messages.append(_message(run, answer, stored))
        await progress.show_values()
        await progress.end(stored["others"])
        _note(progress, end)
        return bool(stored["is_followed"])


def _sent_on(asked: Mapping[str, Any], values: Mapping[str, Any]) -> Command[Any]:
    """A turn that staff correct or send elsewhere. Nobody says yes for a customer this way."""
    turn = values["turn"] | {"open_card": None, "decision": None}
    update = dict(asked.get("update") or {}) | {"turn": turn}
    return Command(update=update, goto=asked.get("goto") or ())


def config_of(run: Mapping[str, Any]) -> RunnableConfig:
    """The graph's configuration for one turn."""
    return {
        "configurable": {"thread_id": run["graph_thread"]},
        "recursion_limit": STEPS,
    }


def _config_for(run: Mapping[str, Any]) -> RunnableConfig:
    """The same, whether it is worth looking for checkpoints, and what a tracer calls it."""
    config = config_of(run)
    config["configurable"][FRESH] = _is_fresh(run)
    config["run_id"] = trace_id(run)
    config["metadata"] = {"thread_id": str(run["thread_id"])}  # tracers group turns by it
    return config


def _is_fresh(run: Mapping[str, Any]) -> bool:
    """Whether nothing can have been stored for this turn yet."""
    return run["attempts"] == 1 and not run["resume"] and not run["asked_in"]


def _message(run: DictRow, answer: Answer, stored: DictRow) -> Message:
    return {
        "message_id": answer.message_id,
        "run_id": str(run["run_id"]),
        "role": "ai",
        "content": answer.reply["content"],
        "extra": answer.reply["extra"],
        "created_at": stored["created_at"],
    }


def turn_of(run: Mapping[str, Any], opening: Opening) -> Turn:
    """The turn's input: what is asked, and what surrounds it."""
    asked, card = opening.asked, opening.card
    if asked and any(m["created_at"] > asked[0]["created_at"] for m in opening.history):
        card = None  # written before the last answer was seen: it cannot be a yes to its card
    if asked and card and card["created_at"] > asked[0]["created_at"]:
        card = None  # nor to one that a later turn has made: this turn is taken up again
    received = asked[-1]["created_at"] if asked else run["created_at"]
    zone = ZoneInfo(load_rules().company.timezone)
    return {
        "run_id": str(run["run_id"]),
        "thread_id": str(run["thread_id"]),
        "text": "\n".join(m["content"] for m in asked),
        "received_at": received.astimezone(zone).isoformat(),
        "history": [
            {"role": ROLES[m["role"]], "content": masked(m["content"])}
            for m in opening.history[-HISTORY:]
        ],
        "focus": cast(Focus, opening.focus),
        "open_card": card and _open_card(card, opening.history),
        "decision": asked[-1]["extra"].get("action") if asked else None,
        "notice": run["notice"],
    }


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


def _note(progress: Progress, end: str) -> None:
    """Metrics and the one log line of a turn."""
    state, seconds = progress.state, time.monotonic() - progress.started
    metrics.TURN_SECONDS.observe(seconds)
    metrics.TURNS.labels(end).inc()
    log.info("turn", outcome=end, ms=round(seconds * 1000), **turn_fields(progress.run, state))
    count_turn(state)
