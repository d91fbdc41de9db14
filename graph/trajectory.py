"""The path of one turn through the graph, read from its checkpoints."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, cast

from langchain_core.runnables import RunnableConfig
from langgraph.types import StateSnapshot

from graph.builder import Graph

MOST_STEPS = 100


@dataclass(frozen=True)
class NodeRun:
    """One node in one superstep; `seconds` are those of the whole superstep.

    `wrote` is what it returned; `error` names why it failed and `detail` says it in the words of
    whoever raised it; `is_waiting` says that it asks a person. What is not finished failed, waits,
    was cut off or is under way.
    """

    node: str
    step: int
    started_at: datetime
    seconds: float
    wrote: Mapping[str, Any]
    error: str | None = None
    detail: str | None = None
    is_waiting: bool = False
    is_finished: bool = True


@dataclass(frozen=True)
class Trajectory:
    """The nodes of a turn in order, and the state that they led to."""

    nodes: list[NodeRun]
    state: dict[str, Any]


async def trajectory_of(graph: Graph, graph_thread: str) -> Trajectory:
    """The trajectory of a turn; without nodes where no checkpoints are kept of it."""
    config = cast(RunnableConfig, {"configurable": {"thread_id": graph_thread}})
    found = [s async for s in graph.aget_state_history(config, limit=MOST_STEPS)][::-1]
    nodes = [
        run
        for before, after in pairwise([*found, None])
        if before
        for run in _of_step(before, after)
    ]
    return Trajectory(nodes, dict(found[-1].values) if found else {})


def _of_step(before: StateSnapshot, after: StateSnapshot | None) -> list[NodeRun]:
    began = _at(before)
    ended = _at(after) if after else began
    return [
        NodeRun(
            node=task.name,
            step=(before.metadata or {}).get("step", 0) + 1,
            started_at=began,
            seconds=(ended - began).total_seconds(),
            wrote=task.result if isinstance(task.result, dict) else {},
            error=_name(task.error) if task.error else None,
            detail=str(task.error) if task.error else None,
            is_waiting=bool(task.interrupts),
            is_finished=after is not None or isinstance(task.result, dict),
        )
        for task in before.tasks
        if not task.name.startswith("__")
    ]


def _name(error: object) -> str:
    """An error's class: what is read from a checkpoint is how it was written, `KeyError('x')`."""
    return error.partition("(")[0] if isinstance(error, str) else type(error).__name__


def _at(snapshot: StateSnapshot) -> datetime:
    return datetime.fromisoformat(str(snapshot.created_at))
