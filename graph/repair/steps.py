"""The checkpoints of one turn in order: what each knew, what came next, and what changed."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from langgraph.types import StateSnapshot

from graph.clients import Clients
from graph.inspection.conversation import fit, names_in
from graph.repair.copies import thread_config

MOST = 200
LONGEST_DIFF = 400  # lines that one key shows
CONTEXT = 2
CUT_OFF = "CancelledError"  # of a step beside one that failed
State = Mapping[str, Any]


@dataclass(frozen=True)
class Checkpoint:
    """One checkpoint. `steps` come next after it; `failed` are those that did and why.

    `parent_id` is the one that it follows, which is not the one before it where a turn was sent
    back. `seconds` is how long its steps took.
    """

    checkpoint_id: str
    parent_id: str | None
    number: int
    source: str
    at: datetime
    seconds: float | None
    steps: tuple[str, ...]
    failed: Mapping[str, str]
    is_last: bool


@dataclass(frozen=True)
class Change:
    """What became of one key of the state: lines of its JSON, each kept (" "), gone or added."""

    key: str
    lines: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Look:
    """A checkpoint's state, and what is different from the one that it follows."""

    checkpoint: Checkpoint
    state: State
    changes: tuple[Change, ...]


async def checkpoints_of(clients: Clients, run: Mapping[str, Any]) -> list[Checkpoint]:
    """Every checkpoint that is kept of the turn, oldest first."""
    return [checkpoint for checkpoint, _ in await _kept(clients, run)]


async def look_at(
    clients: Clients, run: Mapping[str, Any], checkpoint_id: str, *, masked: bool
) -> Look | None:
    """One checkpoint's state; None where it is not kept (any more)."""
    kept = await _kept(clients, run)
    states = {checkpoint.checkpoint_id: dict(found.values) for checkpoint, found in kept}
    chosen = next((c for c, _ in kept if c.checkpoint_id == checkpoint_id), None)
    if chosen is None:
        return None
    names = await names_in(clients, run["scope"])
    state = fit(states[checkpoint_id], names, masked=masked)
    before = fit(states.get(chosen.parent_id or "", {}), names, masked=masked)
    return Look(chosen, state, tuple(changes(before, state)))


def changes(before: State, after: State) -> list[Change]:
    """The keys whose value is another, in the order of the state."""
    keys = [*after, *(key for key in before if key not in after)]
    differing = [key for key in keys if before.get(key) != after.get(key)]
    return [Change(key, tuple(_lines(before.get(key), after.get(key)))) for key in differing]


def pretty(value: Any) -> str:
    """A value as JSON that people read."""
    return orjson.dumps(value, default=str, option=orjson.OPT_INDENT_2).decode()


def _lines(before: Any, after: Any) -> Sequence[tuple[str, str]]:
    old = pretty(before).splitlines() if before is not None else []
    new = pretty(after).splitlines() if after is not None else []
    marked = [
        (line[:1], line[1:])
        for line in difflib.unified_diff(old, new, lineterm="", n=CONTEXT)
        if not line.startswith(("---", "+++"))
    ]
    if len(marked) <= LONGEST_DIFF:
        return marked
    return [*marked[:LONGEST_DIFF], ("@", f"... and {len(marked) - LONGEST_DIFF} more lines")]


async def _kept(clients: Clients, run: Mapping[str, Any]) -> list[tuple[Checkpoint, StateSnapshot]]:
    config = thread_config(run["graph_thread"])
    found = [s async for s in clients.graph.aget_state_history(config, limit=MOST)][::-1]
    after = [*(_at(each) for each in found[1:]), None]
    return [(_checkpoint(one, at), one) for one, at in zip(found, after, strict=True)]


def _checkpoint(found: StateSnapshot, ended: datetime | None) -> Checkpoint:
    metadata: Mapping[str, Any] = found.metadata or {}
    parent = (found.parent_config or {}).get("configurable", {}).get("checkpoint_id")
    began = _at(found)
    return Checkpoint(
        checkpoint_id=str(found.config["configurable"]["checkpoint_id"]),
        parent_id=parent and str(parent),
        number=metadata.get("step", 0),
        source=str(metadata.get("source", "")),
        at=began,
        seconds=(ended - began).total_seconds() if ended else None,
        steps=tuple(task.name for task in found.tasks if not task.name.startswith("__")),
        failed={name: error for name, error in _errors(found) if error != CUT_OFF},
        is_last=ended is None,
    )


def _errors(found: StateSnapshot) -> list[tuple[str, str]]:
    return [(task.name, _name_of(task.error)) for task in found.tasks if task.error]


def _name_of(error: Any) -> str:
    """The kind of an error, never its words: they may be a customer's."""
    text = error if isinstance(error, str) else repr(error)
    return text.split("(", 1)[0][:80] if not isinstance(error, Exception) else type(error).__name__


def _at(found: StateSnapshot) -> datetime:
    return datetime.fromisoformat(str(found.created_at))
