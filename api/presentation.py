"""Rows and snapshots in the protocol's JSON."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

from langgraph.types import StateSnapshot

from graph.public import public_values
from tools.conversations import Message

GRAPH = "tria"
ASSISTANT_ID = str(uuid5(NAMESPACE_DNS, "tria.assistant"))
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


def thread_json(thread: Mapping[str, Any], values: Any = None) -> dict[str, Any]:
    """A conversation."""
    return {
        "thread_id": str(thread["thread_id"]),
        "created_at": thread["created_at"].isoformat(),
        "updated_at": thread["updated_at"].isoformat(),
        "state_updated_at": thread["updated_at"].isoformat(),
        "metadata": thread["metadata"] | {"graph_id": GRAPH, "assistant_id": ASSISTANT_ID},
        "status": thread["status"],
        "config": {},
        "values": values,
        "interrupts": {},
    }


def run_json(run: Mapping[str, Any]) -> dict[str, Any]:
    """A run."""
    return {
        "run_id": str(run["run_id"]),
        "thread_id": str(run["thread_id"]),
        "assistant_id": ASSISTANT_ID,
        "metadata": run["metadata"],
        "status": STATUSES[run["status"]],
        "kwargs": run["request"],
        "multitask_strategy": run["strategy"],
        "created_at": run["created_at"].isoformat(),
        "updated_at": run["updated_at"].isoformat(),
    }


def state_json(
    snapshot: StateSnapshot, messages: Sequence[Message], thread_id: object
) -> dict[str, Any]:
    """A checkpoint of a conversation's turn, with the conversation as it was then."""
    here, before = _checkpoint(snapshot.config, thread_id), None
    if snapshot.parent_config:
        before = _checkpoint(snapshot.parent_config, thread_id)
    return {
        "values": public_values(snapshot.values, messages),
        "next": list(snapshot.next),
        "tasks": [
            {
                "id": task.id,
                "name": task.name,
                "error": task.error and type(task.error).__name__,
                "interrupts": [],
                "checkpoint": None,
                "state": None,
            }
            for task in snapshot.tasks
        ],
        "metadata": dict(snapshot.metadata or {}) | {"thread_id": str(thread_id)},
        "created_at": snapshot.created_at,
        "checkpoint": here,
        "parent_checkpoint": before,
        "interrupts": [],
        "checkpoint_id": here["checkpoint_id"],
        "parent_checkpoint_id": before and before["checkpoint_id"],
    }


def _checkpoint(config: Mapping[str, Any], thread_id: object) -> dict[str, Any]:
    return {
        "checkpoint_id": config["configurable"].get("checkpoint_id"),
        "thread_id": str(thread_id),
        "checkpoint_ns": "",
    }
