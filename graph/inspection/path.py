"""The steps of one turn: which nodes it went through, how long each took, and where it stopped."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from graph.trajectory import NodeRun

CUT_OFF = "CancelledError"
LONGEST_DETAIL = 500  # characters

Outcome = Literal["done", "failed", "waiting", "open"]


@dataclass(frozen=True)
class Step:
    """One visit of a node. Nodes of one `stage` ran at the same time.

    `error` is why it failed, also where it was done later; `wrote` names what it changed. What was
    cut off because a node beside it failed did not fail itself.
    """

    number: int
    node: str
    stage: int
    started_at: datetime
    seconds: float
    mark: Outcome
    wrote: tuple[str, ...]
    error: str | None = None
    detail: str = ""


def steps_of(nodes: Sequence[NodeRun]) -> list[Step]:
    """Every visit in order; what runs at the same time shares a number."""
    stages = {stage: number for number, stage in enumerate(sorted({n.step for n in nodes}), 1)}
    return [
        Step(
            number=stages[node.step],
            node=node.node,
            stage=node.step,
            started_at=node.started_at,
            seconds=node.seconds,
            mark=_mark(node),
            wrote=tuple(sorted(node.wrote)),
            error=None if node.error == CUT_OFF else node.error,
            detail=(node.detail or "")[:LONGEST_DETAIL] if node.error != CUT_OFF else "",
        )
        for node in nodes
    ]


def _mark(node: NodeRun) -> Outcome:
    if node.is_finished:
        return "done"
    if node.is_waiting:
        return "waiting"
    return "failed" if node.error and node.error != CUT_OFF else "open"
