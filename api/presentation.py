"""Rows and snapshots in the protocol's JSON."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

from langgraph.types import Interrupt, PregelTask

from graph.history import Moment
from graph.public import public_update, public_values
from graph.traces import TRACE

GRAPH = "tria"
ASSISTANT_ID = str(uuid5(NAMESPACE_DNS, "tria.assistant"))
MARKS = {"graph_id": GRAPH, "assistant_id": ASSISTANT_ID}  # in the metadata of what had a run
TIMES = ("created_at", "updated_at", "state_updated_at")
STATUSES = {
    "queued": "pending",
    "running": "running",
    "interrupted": "interrupted",
    "succeeded": "success",
    "failed": "error",
    "cancelled": "interrupted",
}


def assistant_json(since: datetime) -> dict[str, Any]:
    """The one assistant there is."""
    return {
        "assistant_id": ASSISTANT_ID,
        "graph_id": GRAPH,
        "config": {},
        "context": {},
        "metadata": {"created_by": "system"},
        "name": GRAPH,
        "created_at": since.isoformat(),
        "updated_at": since.isoformat(),
        "version": 1,
        "description": "Customer service of a food packaging supplier",
    }


def thread_json(thread: Mapping[str, Any], values: Any = None, **more: Any) -> dict[str, Any]:
    """A conversation. What only runs bring to it is there once it has had one."""
    shown = {
        "thread_id": str(thread["thread_id"]),
        **{name: thread[name].isoformat() for name in TIMES},
        "metadata": thread["metadata"],
        "status": thread["status"],
        "config": {},
        "values": values,
    }
    if thread["turns"]:
        shown |= {"metadata": shown["metadata"] | MARKS, "config": {"configurable": {}}}
        shown |= {"error": thread["error"], "interrupts": {}} | more
    return shown


def run_json(run: Mapping[str, Any]) -> dict[str, Any]:
    """A run."""
    return {
        "run_id": str(run["run_id"]),
        "thread_id": str(run["thread_id"]),
        "assistant_id": ASSISTANT_ID,
        "metadata": run["metadata"],
        "status": STATUSES[run["status"]],
        "kwargs": {name: value for name, value in run["request"].items() if name != TRACE},
        "multitask_strategy": run["strategy"],
        "created_at": run["created_at"].isoformat(),
        "updated_at": run["updated_at"].isoformat(),
    }


def state_json(moment: Moment, *, is_public: bool = True) -> dict[str, Any]:
    """A conversation's state. What a person is asked is not for customers."""
    snapshot, here = moment.snapshot, checkpoint_json(moment.thread_id, None)
    if snapshot is None:
        values = public_values({}, moment.messages) if moment.messages else {}
        return _state(values, [], here, None)
    here = checkpoint_json(moment.thread_id, snapshot.config["configurable"]["checkpoint_id"])
    values = public_values(snapshot.values, moment.messages)
    state = _state(values, list(snapshot.next), here, _parent(moment))
    asked = () if is_public else snapshot.interrupts
    return state | {
        "tasks": [_task(task, is_public=is_public) for task in snapshot.tasks],
        "metadata": _metadata(moment),
        "created_at": snapshot.created_at,
        "interrupts": [_interrupt(each) for each in asked],
    }


def interrupts_json(moment: Moment) -> dict[str, Any]:
    """What each task of a conversation asks a person."""
    tasks = moment.snapshot.tasks if moment.snapshot else ()
    return {task.id: [_interrupt(i) for i in task.interrupts] for task in tasks if task.interrupts}


def checkpoint_json(thread_id: object, checkpoint_id: str | None) -> dict[str, Any] | None:
    """A checkpoint's place; None for none."""
    if checkpoint_id is None:
        return None
    return {"checkpoint_id": checkpoint_id, "thread_id": str(thread_id), "checkpoint_ns": ""}


def _parent(moment: Moment) -> dict[str, Any] | None:
    return checkpoint_json(moment.thread_id, moment.run["follows"] if moment.run else None)


def _state(
    values: object,
    following: list[str],
    here: dict[str, Any] | None,
    before: dict[str, Any] | None,
) -> dict[str, Any]:
    return {
        "values": values,
        "next": following,
        "tasks": [],
        "metadata": None,
        "created_at": None,
        "checkpoint": here,
        "parent_checkpoint": before,
        "interrupts": [],
        "checkpoint_id": here and here["checkpoint_id"],
        "parent_checkpoint_id": before and before["checkpoint_id"],
    }


def _metadata(moment: Moment) -> dict[str, Any]:
    run = moment.run or {}
    kept = dict((moment.snapshot and moment.snapshot.metadata) or {})
    return {
        **run["metadata"],
        **kept,
        **MARKS,
        "created_by": "system",
        "run_attempt": run["attempts"],
        "run_id": str(run["run_id"]),
        "thread_id": str(moment.thread_id),
    }


def _task(task: PregelTask, *, is_public: bool) -> dict[str, Any]:
    return {
        "id": task.id,
        "name": task.name,
        "path": task.path,
        "error": task.error and type(task.error).__name__,
        "interrupts": [] if is_public else [_interrupt(each) for each in task.interrupts],
        "checkpoint": None,
        "state": None,
        "result": public_update(task.result) if isinstance(task.result, dict) else None,
    }


def _interrupt(asked: Interrupt) -> dict[str, Any]:
    return {"id": asked.id, "value": asked.value}
