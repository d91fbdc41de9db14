"""What clients see of a run while it goes on, in the modes they asked for."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import UUID

import orjson
import structlog
from psycopg.rows import DictRow

from graph.counting import count_gate
from graph.modes import Event, checkpoint_events, run_events, task_events, text_events
from graph.public import answer_id, chunk_json, public_update, public_values
from graph.tracing import node_began, node_ended
from monitoring import metrics
from tools.conversations import Message
from tools.events import END, EventLog
from tools.screening.personal import restore

log = structlog.get_logger()

INTERRUPT = "__interrupt__"
# Modes whose events have other names.
NAMES = {"messages-tuple": "messages"}
MODES = {"messages/metadata": "messages", "messages/partial": "messages"}
STATUS = {
    "screen_message": "Reading your message",
    "retrieve_policies": "Looking at our policies",
    "call_xero_tools": "Looking at your account",
    "propose_order": "Preparing your order",
    "propose_action": "Preparing this for your yes",
    "commit_action": "Writing it into our books",
    "hand_off": "Opening a ticket for a colleague",
    "compose_reply": "Writing",
}


@dataclass
class Progress:
    """One attempt at a run: what its clients have been shown so far."""

    run: DictRow
    events: EventLog
    messages: list[Message]
    state: dict[str, Any] = field(default_factory=dict)
    shown: dict[str, Any] = field(default_factory=dict)
    is_silent: bool = False  # its log has ended: what comes of it is told by another turn
    is_waiting: bool = False  # for a person
    is_paused: bool = False  # because the client asked for it
    said: str = ""
    said_at: float = 0  # when the last piece of it came
    restarts: int = 0
    step: int = 0
    started: float = field(default_factory=time.monotonic)
    node_started: dict[str, float] = field(default_factory=dict)

    @cached_property
    def modes(self) -> frozenset[str]:
        """What was asked for."""
        return frozenset(self.run["request"]["stream_mode"])

    @cached_property
    def _answer_id(self) -> str:
        return answer_id(self.run["run_id"])

    @property
    def message_id(self) -> str:
        """Clients append pieces by id, so text that starts over needs an id of its own."""
        attempt, restarts = self.run["attempts"], self.restarts
        if attempt == 1 and not restarts:
            return self._answer_id
        return f"{self._answer_id}-{attempt}.{restarts}"

    async def begin(self, together: set[str]) -> None:
        """Tell the clients of this run, and of those answered with it, that it is worked on."""
        attempt, run_id = self.run["attempts"], self.run["run_id"]
        if self.is_silent:
            return
        for each in [UUID(other) for other in together - {str(run_id)}] + [run_id]:
            await self.events.begin(self.run["thread_id"], each, attempt, self.run["updated_at"])
            begun = {"run_id": each, "attempt": attempt}
            await publish(self.events, {"run_id": each}, "metadata", begun)
        await self._publish_modes(run_events(self.run, "start", {"input": {}}))

    async def end(self, others: Sequence[UUID]) -> None:
        """Tell them that it has ended; those answered with it see what it came to."""
        await self._publish_modes(run_events(self.run, "end", {"output": self.shown}))
        await self.publish(END, {})
        for other in others:
            await publish(self.events, {"run_id": other}, "values", self.shown)
            await publish(self.events, {"run_id": other}, END, {})

    async def show(self, part: Mapping[str, Any]) -> None:
        """Publish one part of the graph's stream."""
        data = part["data"]
        match part["type"]:
            case "custom":
                await self._show_text(data)
            case "tasks":
                await self._show_step(data)
            case "checkpoints":
                self.step = data["metadata"].get("step", 0) + 1
                await self._publish_modes(checkpoint_events(data, self.run, self.messages))
            case "values":
                self.state = {k: v for k, v in data.items() if k != INTERRUPT}
                await self.show_values()
            case _:
                await self._show_update(data)

    async def show_values(self) -> None:
        """Publish the values when they have changed for those who may see them."""
        values = public_values(self.state, self.messages)
        if values != self.shown:
            self.shown = values
            await self._publish_mode("values", values)

    async def publish(self, name: str, data: object) -> None:
        """Append an event that every client gets."""
        if not self.is_silent:
            await publish(self.events, self.run, name, data)

    def _wants(self, *modes: str) -> bool:
        return not self.modes.isdisjoint(modes)

    async def _publish_mode(self, mode: str, data: object) -> None:
        if self._wants(MODES.get(mode, mode)):
            await self.publish(NAMES.get(mode, mode), data)

    async def _publish_modes(self, events: Iterable[Event]) -> None:
        for mode, data in events:
            await self._publish_mode(mode, data)

    async def _show_update(self, data: Mapping[str, Any]) -> None:
        if INTERRUPT in data:  # what a person is asked is not for customers
            self.is_waiting = bool(data[INTERRUPT])
            self.is_paused = not self.is_waiting
            return
        for node, update in data.items():
            await self._publish_mode("updates", {node: public_update(update or {})})

    async def _show_step(self, task: Mapping[str, Any]) -> None:
        """A node began: tell the customer what is being done. It ended: note how long it took."""
        name = task["name"]
        if self._wants("tasks", "debug", "events"):
            await self._publish_modes(task_events(task, self.run, self.messages, step=self.step))
        if "input" not in task:
            seconds = time.monotonic() - self.node_started.pop(task["id"], time.monotonic())
            metrics.NODE_SECONDS.labels(name).observe(seconds)
            node_ended(task["id"], task["result"] or {}, task["error"])
            log.debug("node", node=name, ms=round(seconds * 1000))
            if name == "validate_output":
                count_gate(task["result"] or {})
            return
        self.node_started[task["id"]] = time.monotonic()
        node_began(task["id"], name)
        if text := STATUS.get(name):
            await self._publish_mode("custom", {"type": "status", "node": name, "text": text})

    async def _show_text(self, data: Mapping[str, Any]) -> None:
        if data["type"] != "sentence":
            if self.said:
                self.restarts += 1
                self.said = ""
                # Clients keep a text on the screen until values come that do not hold it.
                await self._publish_mode("values", self.shown)
            await self._publish_mode("custom", data)
            return
        now = time.monotonic()
        if self.said:
            metrics.PIECE_GAP.observe(now - self.said_at)
        else:
            metrics.FIRST_SENTENCE_SECONDS.observe(now - self.started)
        self.said_at = now
        text = self._with_personal_data(data["text"])
        self.said += text
        meta = {
            "run_id": self.run["run_id"],
            "thread_id": self.run["thread_id"],
            "langgraph_node": "compose_reply",
        }
        chunk = chunk_json(self.message_id, text)
        await self._publish_mode("messages-tuple", [chunk, meta])
        if self._wants("messages", "events"):
            await self._publish_modes(text_events(chunk, self.said, meta))

    def _with_personal_data(self, text: str) -> str:
        """At the edge the customer's own data stands again where models saw tokens."""
        return restore(text, self.state.get("screened", {}).get("personal", {}))


async def publish(events: EventLog, run: Mapping[str, Any], name: str, data: object) -> None:
    """Append an event to a run's log."""
    await events.append(run["run_id"], name, orjson.dumps(data, default=str).decode())
