"""One checkpoint copied out of a turn, to see in memory what would follow from it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, cast

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    BaseCheckpointSaver,
    ChannelVersions,
    CheckpointMetadata,
    CheckpointTuple,
    copy_checkpoint,
)
from langgraph.checkpoint.base.id import uuid6
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.errors import InvalidUpdateError
from langgraph.types import StateSnapshot, StateUpdate

from graph.builder import Graph, build_graph
from graph.repair.values import FOCUS, READING
from tools.errors import OperationRefused

Saver = BaseCheckpointSaver[str]
Writes = list[tuple[str, Any]]


@dataclass(frozen=True)
class Copy:
    """A checkpoint in a memory of its own, under a graph that goes on from it."""

    saved: CheckpointTuple
    memory: Saver
    graph: Graph
    is_last: bool = True

    @property
    def config(self) -> RunnableConfig:
        """Where the copy is; without its checkpoint, so that what is finished counts as done."""
        return thread_config(self.saved.config["configurable"]["thread_id"])

    async def snapshot(self) -> StateSnapshot:
        """The state, its steps and what comes next."""
        return await self.graph.aget_state(self.config)


def thread_config(graph_thread: str, checkpoint_id: str | None = None) -> RunnableConfig:
    """A turn's checkpoints, or one of them."""
    place = {"thread_id": graph_thread, "checkpoint_ns": ""}
    if checkpoint_id:
        place["checkpoint_id"] = checkpoint_id
    return {"configurable": place}


async def copied(saver: Saver, graph_thread: str, checkpoint_id: str | None) -> Copy | None:
    """The checkpoint in memory, the last one if none is named; None where there is none.

    Of an earlier one the steps that came next were finished: in the copy they are still to be run.
    """
    last = await saver.aget_tuple(thread_config(graph_thread))
    if not last or checkpoint_id in (None, last.checkpoint["id"]):
        return await copy_of(last) if last else None
    saved = await saver.aget_tuple(thread_config(graph_thread, checkpoint_id))
    return (
        replace(await copy_of(saved._replace(pending_writes=None)), is_last=False)
        if saved
        else None
    )


async def copy_of(saved: CheckpointTuple) -> Copy:
    """A checkpoint in memory, with what its steps have finished."""
    memory = _memory()
    versions = saved.checkpoint["channel_versions"]
    place = thread_config(saved.config["configurable"]["thread_id"])
    metadata = cast(CheckpointMetadata, {k: v for k, v in saved.metadata.items() if k != "writes"})
    await memory.aput(place, copy_checkpoint(saved.checkpoint), metadata, versions)
    copy = Copy(saved, memory, build_graph(memory))
    for task_id in dict.fromkeys(task for task, _, _ in saved.pending_writes or ()):
        await memory.aput_writes(_at(saved), _finished(saved, task_id), task_id)
    return copy


def fresh_graph() -> Graph:
    """The graph over a memory of its own in which there is nothing yet."""
    return build_graph(_memory())


async def edited(saver: Saver, saved: CheckpointTuple, values: Mapping[str, Any]) -> str:
    """Put a checkpoint behind another: the same steps come next, with some values replaced.

    Not by the graph's own update, which would append to facts, and go where a route leads.
    """
    checkpoint = copy_checkpoint(saved.checkpoint)
    checkpoint["id"] = str(uuid6(clock_seq=-2))
    checkpoint["ts"] = datetime.now(UTC).isoformat()  # noqa: TID251 (a stamp, as LangGraph's own)
    known = checkpoint["channel_versions"]
    versions: ChannelVersions = {
        key: saver.get_next_version(cast("str | None", known.get(key)), None) for key in values
    }
    checkpoint["channel_values"] = {**checkpoint["channel_values"], **values}
    checkpoint["channel_versions"] = {**checkpoint["channel_versions"], **versions}
    metadata = cast(
        CheckpointMetadata,
        {"source": "update", "step": saved.metadata.get("step", -1) + 1, "parents": {}},
    )
    put = await saver.aput(_at(saved), checkpoint, metadata, versions)
    return str(put["configurable"]["checkpoint_id"])


async def skipped(copy: Copy, node: str, result: Mapping[str, Any]) -> tuple[str, Writes]:
    """What a step that waits in a copy would leave behind had it given this result, and its task.

    Raises OperationRefused where the step does not wait there, or nothing can follow from that.
    """
    waiting = [t for t in (await copy.snapshot()).tasks if t.name == node and not t.result]
    if not waiting:
        raise OperationRefused(f"'{node}' does not wait here: choose the checkpoint before it.")
    trial = await copy_of(copy.saved)
    try:
        await trial.graph.aupdate_state(_at(copy.saved), dict(result), node)
    except (InvalidUpdateError, KeyError, TypeError, AttributeError):
        raise OperationRefused(
            f"After this result of '{node}' nothing can follow: something that the next steps"
            " read is not in it."
        ) from None
    kept = await trial.memory.aget_tuple(_at(copy.saved))
    pending = (kept.pending_writes if kept else None) or []
    [task, *_] = waiting
    return task.id, [(c, v) for t, c, v in pending if t == task.id and c not in WRITES_IDX_MAP]


async def behind(copy: Copy, node: str, result: Mapping[str, Any]) -> tuple[str, ...]:
    """Which steps come next where a step of a copy has given this result.

    Those beside it, if they are not done; else those that follow from all of them.
    """
    tasks = (await copy.snapshot()).tasks
    if beside := [task.name for task in tasks if task.name != node and not task.result]:
        return tuple(beside)
    trial = await copy_of(copy.saved._replace(pending_writes=None))
    given = {task.name: task.result for task in tasks} | {node: dict(result)}
    updates = [StateUpdate(values, name) for name, values in given.items()]
    await trial.graph.abulk_update_state(_at(copy.saved), [updates])
    return (await trial.snapshot()).next


def as_state(values: Mapping[str, Any], state: Mapping[str, Any]) -> dict[str, Any]:
    """The values as they stand in a state: a focus inside of its turn.

    Where the reading of the message is changed, the turn answers no card any more.
    """
    turn = dict(state.get("turn") or {})
    if FOCUS in values:
        turn[FOCUS] = values[FOCUS]
    if not READING.isdisjoint(values):
        turn |= {"open_card": None, "decision": None}
    rest = {key: value for key, value in values.items() if key != FOCUS}
    return rest if turn == state.get("turn") or not turn else {**rest, "turn": turn}


def _memory() -> Saver:
    # The same as in Postgres: nothing stored may name a Python object to import and call.
    return InMemorySaver(serde=JsonPlusSerializer(allowed_msgpack_modules=None))


def _at(saved: CheckpointTuple) -> RunnableConfig:
    place = saved.config["configurable"]
    return thread_config(place["thread_id"], place["checkpoint_id"])


def _finished(saved: CheckpointTuple, task_id: str) -> Writes:
    """What one step has left behind; not that it failed or waited."""
    pending = saved.pending_writes or ()
    return [(c, v) for task, c, v in pending if task == task_id and c not in WRITES_IDX_MAP]
