"""A run's log in the words of the thread protocol: numbered events on channels.

A number is made of the run's turn, of the attempt at it and of the entry's place in that attempt,
so that every replica and every reconnect gives an event the same one, whatever else of the
conversation is read again and whatever the log has lost.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from api.presentation import GRAPH
from tools.events import Event

# Numbers stay below 2^53, the largest integer that JavaScript counts with, for 2^28 turns.
OF_A_TURN = 2**25
OF_AN_ATTEMPT = 2**17
OF_AN_ENTRY = 16  # more events than an entry becomes
LAST_ATTEMPT = 250  # those after it only count on
OUTCOME = OF_A_TURN - 2**16  # where a run that has ended says what it came to
INTERRUPT = "__interrupt__"
CHANNELS = {"input.requested": "input"}

ThreadEvent = dict[str, Any]


@dataclass
class OpenMessage:
    """The assistant's message that is being written."""

    message_id: str
    text: str = ""


@dataclass
class RunEvents:
    """One run's events, put into the protocol's form one after the other."""

    run_id: str
    turn: int
    since: int = 0  # what the client has seen
    message: OpenMessage | None = None
    asked: set[str] = field(default_factory=set)
    has_begun: bool = False
    has_ended: bool = False
    last_seq: int = field(init=False)
    _at: int = 0
    _entry: str = ""
    _part: int = 0

    def __post_init__(self) -> None:
        self.last_seq = self.turn * OF_A_TURN

    def of(self, entry: Event, now_ms: int, *, is_over: bool = False) -> Iterator[ThreadEvent]:
        """What one entry of the log says; `now_ms` dates an entry that the log never took.

        `is_over` tells whether the run has ended, so that an entry without a number says how.
        """
        self._start(entry.event_id, now_ms)
        yield from self._begin()
        self._go_to(self._place(entry, is_over=is_over))
        name, *namespace = entry.name.split("|")
        if name == "messages":
            yield from self._piece(json.loads(entry.data))
        elif name == "error":
            yield from self._end("failed", json.loads(entry.data).get("message"))
        elif name in {"values", "updates", "custom", "tasks", "checkpoints"}:
            yield from getattr(self, f"_{name}")(namespace, json.loads(entry.data))

    def ending(self, run: Mapping[str, Any] | None, at_ms: int) -> Iterator[ThreadEvent]:
        """The last event of a run that has ended, at `at_ms` where its log is gone.

        None stands for a run that was deleted.
        """
        if self.has_ended:
            return
        self._start("", self._at or at_ms)
        yield from self._begin()
        if run is None or run["status"] != "cancelled":
            yield from self._close_message()
        yield from self._end(_phase(run), run["error"] if run else None)

    def _start(self, entry: str, now_ms: int) -> None:
        stamp = entry.partition("-")[0]
        self._entry, self._part = entry, 0
        self._at = int(stamp) if stamp else now_ms

    def _go_to(self, place: int) -> None:
        """The next event has at least this place among those of its turn."""
        self.last_seq = max(self.last_seq, self.turn * OF_A_TURN + place)

    def _place(self, entry: Event, *, is_over: bool) -> int:
        if entry.number:
            attempt = min(int(entry.writer.partition(".")[0]), LAST_ATTEMPT)
            return attempt * OF_AN_ATTEMPT + entry.number * OF_AN_ENTRY
        if entry.event_id:
            return 0
        if is_over:
            return OUTCOME - OF_AN_ENTRY
        # It stands for what the log lost: news to this client, and what is logged comes after it.
        seen = self.since - self.turn * OF_A_TURN
        return seen if seen < OUTCOME else 0

    def _event(
        self,
        method: str,
        data: object,
        namespace: list[str] | None = None,
        *,
        made_from: str = "",
        node: str | None = None,
    ) -> ThreadEvent:
        """One event; `made_from` names what it was derived from where the log has no entry."""
        self.last_seq += 1
        part = f".{self._part}" if self._part else ""
        self._part += 1
        entry = self._entry or f"at{self._at}"
        params = {"namespace": namespace or [], "timestamp": self._at, "data": data}
        return {
            "type": "event",
            "event_id": f"synth:{self.run_id}:{made_from}"
            if made_from
            else f"{self.run_id}:{entry}{part}",
            "seq": self.last_seq,
            "method": method,
            "params": params | ({"node": node} if node else {}),
        }

    def _lifecycle(self, phase: str, error: str | None = None) -> ThreadEvent:
        data = {"event": phase, "graph_name": GRAPH} | ({"error": error} if error else {})
        return self._event("lifecycle", data, made_from=f"lc||{phase}")

    def _begin(self) -> Iterator[ThreadEvent]:
        if not self.has_begun:
            self.has_begun = True
            yield self._lifecycle("running")

    def _end(self, phase: str, error: str | None = None) -> Iterator[ThreadEvent]:
        if not self.has_ended:
            self.has_ended = True
            self._go_to(OUTCOME)
            yield self._lifecycle(phase, error if phase == "failed" else None)

    def _piece(self, data: list[dict[str, Any]]) -> Iterator[ThreadEvent]:
        chunk = data[0]
        if self.message is None or self.message.message_id != chunk["id"]:
            yield from self._close_message()
            self.message = OpenMessage(chunk["id"])
            start = {"event": "message-start", "role": "ai", "id": chunk["id"]}
            yield self._event("messages", start)
            yield self._block("start", content={"type": "text", "text": ""})
        text = chunk["content"] if isinstance(chunk["content"], str) else ""
        self.message.text += text
        yield self._block("delta", delta={"type": "text-delta", "text": text})

    def _block(self, step: str, **fields: object) -> ThreadEvent:
        return self._event("messages", {"event": f"content-block-{step}", "index": 0} | fields)

    def _close_message(self) -> Iterator[ThreadEvent]:
        if self.message:
            yield self._block("finish", content={"type": "text", "text": self.message.text})
            yield self._event("messages", {"event": "message-finish"})
            self.message = None

    def _values(self, namespace: list[str], values: dict[str, Any]) -> Iterator[ThreadEvent]:
        questions = values.pop(INTERRUPT, [])
        written = {message["id"] for message in values.get("messages", [])}
        if self.message and self.message.message_id in written:
            yield from self._close_message()
        if values:
            yield self._event("values", values, namespace)
        yield from self._questions(namespace, questions)

    def _updates(self, namespace: list[str], update: dict[str, Any]) -> Iterator[ThreadEvent]:
        for node, values in update.items():
            if node == INTERRUPT:
                yield from self._questions(namespace, values)
            else:
                yield self._event("updates", values, namespace, node=node)

    def _questions(
        self, namespace: list[str], questions: list[dict[str, Any]]
    ) -> Iterator[ThreadEvent]:
        """What a run waits for, each question once, and that it has stopped for it."""
        fresh = [asked for asked in questions if asked["id"] not in self.asked]
        for question in fresh:
            self.asked.add(question["id"])
            data = {"interrupt_id": question["id"], "payload": question.get("value")}
            made_from = f"input||{question['id']}"
            yield self._event("input.requested", data, namespace, made_from=made_from)
        if fresh:
            yield from self._end("interrupted")

    def _custom(self, namespace: list[str], data: object) -> Iterator[ThreadEvent]:
        """Named by its type, so that a client can subscribe to `custom:status` alone."""
        kind = data.get("type") if isinstance(data, dict) else None
        named = {"name": kind} if isinstance(kind, str) else {}
        yield self._event("custom", named | {"payload": data}, namespace)

    def _tasks(self, namespace: list[str], data: object) -> Iterator[ThreadEvent]:
        yield self._event("tasks", data, namespace)

    def _checkpoints(self, namespace: list[str], data: dict[str, Any]) -> Iterator[ThreadEvent]:
        """Where the turn stands: what a client names to fork from there."""
        checkpoint, parent = (_checkpoint_id(data.get(key)) for key in ("config", "parent_config"))
        if not checkpoint:
            return
        about = data.get("metadata", {})
        place = {
            "id": checkpoint,
            "step": about.get("step", 0),
            "source": about.get("source", "loop"),
        } | ({"parent_id": parent} if parent else {})
        yield self._event("checkpoints", place, namespace)


def _phase(run: Mapping[str, Any] | None) -> str:
    """What a run has come to. One that waits for a colleague of ours has answered its customer."""
    match run and run["status"]:
        case "failed":
            return "failed"
        case "cancelled" | None:
            return "interrupted"
        case "interrupted" if run and _may_pause(run["request"]):
            return "interrupted"
        case _:
            return "completed"


def _may_pause(request: Mapping[str, Any]) -> bool:
    return bool(request.get("interrupt_before") or request.get("interrupt_after"))


def _checkpoint_id(config: Mapping[str, Any] | None) -> str | None:
    return config["configurable"].get("checkpoint_id") if config else None


def channel_of(event: ThreadEvent) -> str:
    """The channel that carries an event."""
    method = str(event["method"])
    name = event["params"]["data"].get("name") if method == "custom" else None
    return f"custom:{name}" if name else CHANNELS.get(method, method)
