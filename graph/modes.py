"""The events of each stream mode, in LangGraph's form and with only what a customer may see."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from langgraph.types import StreamMode
from psycopg.rows import DictRow

from graph.public import public_update, public_values
from tools.conversations import Message

Event = tuple[str, object]  # the mode it belongs to, and its data

GRAPH = "tria"


def modes_of(asked: Sequence[str]) -> list[StreamMode]:
    """What the graph has to stream for these modes; more costs time."""
    always: list[StreamMode] = ["custom", "tasks", "updates", "values"]
    return [*always, "checkpoints"] if {"checkpoints", "debug"} & set(asked) else always


def task_events(
    task: Mapping[str, Any], run: DictRow, messages: Sequence[Message], *, step: int
) -> Iterator[Event]:
    """A node began or ended."""
    if "input" in task:
        seen = public_values(task["input"] or {}, messages)
        shown = {
            "id": task["id"],
            "name": task["name"],
            "input": seen,
            "triggers": list(task["triggers"]),
        }
        yield "tasks", shown
        yield "debug", _debug("task", shown, step)
        yield "events", _chain("start", task["name"], run, {"input": seen})
        return
    result = public_update(dict(task["result"] or {}))
    shown = {"id": task["id"], "name": task["name"], "result": result, "interrupts": []}
    shown["error"] = task["error"] and "error"
    yield "tasks", shown
    yield "debug", _debug("task_result", shown, step)
    yield "events", _chain("stream", task["name"], run, {"chunk": result})
    yield "events", _chain("end", task["name"], run, {"output": result})


def checkpoint_events(
    saved: Mapping[str, Any], run: DictRow, messages: Sequence[Message]
) -> Iterator[Event]:
    """A step was saved."""
    here, before = saved["config"], saved["parent_config"]
    shown = {
        "config": here and {"configurable": checkpoint_json(here, run["thread_id"])},
        "parent_config": before and {"configurable": checkpoint_json(before, run["thread_id"])},
        "values": public_values(saved["values"], messages),
        "metadata": dict(saved["metadata"]),
        "next": list(saved["next"]),
        "tasks": [
            {"id": t["id"], "name": t["name"], "interrupts": [], "state": None}
            for t in saved["tasks"]
        ],
    }
    yield "checkpoints", shown
    places = {
        "checkpoint": here and checkpoint_json(here, run["thread_id"]),
        "parent_checkpoint": before and checkpoint_json(before, run["thread_id"]),
    }
    yield "debug", _debug("checkpoint", shown | places, saved["metadata"].get("step", 0))


def run_events(run: DictRow, what: str, data: Mapping[str, Any]) -> Iterator[Event]:
    """The whole turn began or ended."""
    yield "events", _chain(what, GRAPH, run, data)


def text_events(chunk: Mapping[str, Any], text: str, meta: Mapping[str, Any]) -> Iterator[Event]:
    """A piece of the answer together with what was said before it."""
    if text == chunk["content"]:  # the first piece
        yield "messages/metadata", {chunk["id"]: {"metadata": meta}}
    whole = {k: v for k, v in chunk.items() if k not in ("tool_call_chunks", "chunk_position")}
    yield "messages/partial", [whole | {"content": text, "type": "ai"}]
    yield "events", _event("on_chat_model_stream", "compose_reply", meta, {"chunk": chunk})


def checkpoint_json(config: Mapping[str, Any], thread_id: object) -> dict[str, Any]:
    """A checkpoint by the names that clients know it by."""
    return {
        "checkpoint_id": config["configurable"].get("checkpoint_id"),
        "thread_id": str(thread_id),
        "checkpoint_ns": "",
    }


def _debug(what: str, payload: object, step: int) -> dict[str, Any]:
    at = datetime.now(UTC).isoformat()  # noqa: TID251 (a time stamp that nothing depends on)
    return {"step": step, "timestamp": at, "type": what, "payload": payload}


def _chain(what: str, name: str, run: DictRow, data: Mapping[str, Any]) -> dict[str, Any]:
    meta = {"run_id": run["run_id"], "thread_id": run["thread_id"], "langgraph_node": name}
    return _event(f"on_chain_{what}", name, meta, data)


def _event(
    event: str, name: str, meta: Mapping[str, Any], data: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "event": event,
        "data": data,
        "name": name,
        "tags": [],
        "run_id": meta["run_id"],
        "metadata": meta,
        "parent_ids": [],
    }
