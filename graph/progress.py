"""What clients see of a run while it goes on, in the modes they asked for."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from psycopg.rows import DictRow

from graph.public import answer_id, chunk_json, public_update, public_values
from monitoring import metrics
from tools.conversations import Message
from tools.events import EventLog
from tools.screening.personal import restore

INTERRUPT = "__interrupt__"
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
    has_spoken: bool = False
    restarts: int = 0
    started: float = field(default_factory=time.monotonic)
    node_started: dict[str, float] = field(default_factory=dict)

    @property
    def message_id(self) -> str:
        """Clients append pieces by id, so text that starts over needs an id of its own."""
        first = answer_id(self.run["run_id"])
        again = self.restarts + self.run["attempts"] - 1
        return f"{first}-{again}" if again else first

    async def show(self, part: Mapping[str, Any]) -> None:
        """Publish one part of the graph's stream."""
        if part["type"] == "custom":
            await self._show_text(part["data"])
        elif part["type"] == "tasks":
            await self._show_step(part["data"])
        elif INTERRUPT not in part["data"]:  # what a person is asked is not for customers
            for node, update in part["data"].items():
                await self._publish_mode("updates", {node: public_update(update or {})})
                self.state |= update or {}
            await self.show_values()

    async def show_values(self) -> None:
        """Publish the values when they have changed for those who may see them."""
        values = public_values(self.state, self.messages)
        if values != self.shown:
            self.shown = values
            await self._publish_mode("values", values)

    async def publish(self, name: str, data: object) -> None:
        """Append an event that every client gets."""
        await publish(self.events, self.run, name, data)

    async def _publish_mode(self, mode: str, data: object) -> None:
        if mode in self.run["request"]["stream_mode"]:
            await self.publish("messages" if mode == "messages-tuple" else mode, data)

    async def _show_step(self, task: Mapping[str, Any]) -> None:
        """A node began: tell the customer what is being done. It ended: note how long it took."""
        name = task["name"]
        if "input" not in task:
            seconds = time.monotonic() - self.node_started.pop(task["id"], time.monotonic())
            metrics.NODE_SECONDS.labels(name).observe(seconds)
            return
        self.node_started[task["id"]] = time.monotonic()
        if text := STATUS.get(name):
            await self._publish_mode("custom", {"type": "status", "node": name, "text": text})

    async def _show_text(self, data: Mapping[str, Any]) -> None:
        if data["type"] != "sentence":
            if self.has_spoken:
                self.restarts += 1
                self.has_spoken = False
            await self._publish_mode("custom", data)
            return
        if not self.has_spoken:
            metrics.FIRST_SENTENCE_SECONDS.observe(time.monotonic() - self.started)
        self.has_spoken = True
        meta = {
            "run_id": self.run["run_id"],
            "thread_id": self.run["thread_id"],
            "langgraph_node": "compose_reply",
        }
        await self._publish_mode(
            "messages-tuple",
            [chunk_json(self.message_id, self._with_personal_data(data["text"])), meta],
        )

    def _with_personal_data(self, text: str) -> str:
        """At the edge the customer's own data stands again where models saw tokens."""
        return restore(text, self.state.get("screened", {}).get("personal", {}))


async def publish(events: EventLog, run: Mapping[str, Any], name: str, data: object) -> None:
    """Append an event to a run's log."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), default=str)
    await events.append(run["run_id"], name, text)
