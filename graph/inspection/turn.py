"""One turn for whoever looks into it: its way through the graph and what it went by."""

from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import Any
from uuid import UUID

from graph.clients import Clients
from graph.inspection.conversation import NoSuchConversation, fit, names_in, turn_of
from graph.inspection.drawing import Drawing, drawing_of
from graph.inspection.path import Step, steps_of
from graph.inspection.waterfall import timed
from graph.traces import untold
from graph.trajectory import Trajectory, trajectory_of
from nodes.state import SUSPICIOUS
from tools.operators.turns import TurnRecords

Json = dict[str, Any]

# What a turn produced, in the order in which it is told.
PRODUCED = (
    *("understanding", "facts", "calls", "order", "card", "action", "decision", "handoff"),
    *("tone", "reply", "verdict"),
)


async def turn_view(
    clients: Clients, run_id: UUID, *, masked: bool, thread_id: UUID | None = None
) -> Json:
    """A turn of this conversation, or of any; raises NoSuchConversation.

    Where its checkpoints were pruned `is_kept` is false: then there are its messages and its row.
    """
    records = TurnRecords(clients.pool)
    row = await records.run(run_id)
    if row is None or thread_id not in (None, row["thread_id"]):
        raise NoSuchConversation("There is no such turn.")
    said = await records.messages(row["thread_id"], [run_id])
    path = await trajectory_of(clients.graph, row["graph_thread"])
    trace = await clients.runs.trace_of(run_id)
    steps = timed(steps_of(path.nodes), trace)
    view = {
        **turn_of(row, said),
        "thread_id": row["thread_id"],
        "owner": row["owner"],
        "focus_after": row["focus"],
        "is_kept": bool(path.nodes or path.state),
        "steps": [asdict(step) for step in steps],
        "path_seconds": _path_seconds(steps),
        "state": _produced(path),
    }
    names = await names_in(clients, row["scope"])
    # The company's own texts hold nothing personal, only what they were found for.
    passages = [
        passage | fit({"asked": passage.get("asked", "")}, names, masked=masked)
        for passage in path.state.get("passages", [])
    ]
    own = {"passages": passages, "model": _model(path.state), "masked": masked}
    return fit(view, names, masked=masked) | own | {"trace": trace, "untold": untold(row, trace)}


def drawing_of_turn(clients: Clients, view: Mapping[str, Any]) -> Drawing:
    """The state machine with the way of a turn that was viewed."""
    steps = [Step(**step) for step in view["steps"]]
    is_over = view["status"] == "succeeded" and all(step.mark == "done" for step in steps)
    return drawing_of(clients.graph, steps, is_over=is_over)


def _path_seconds(steps: list[Step]) -> float:
    """What ran at the same time counts once."""
    stages: dict[int, float] = {}
    for step in steps:
        stages[step.stage] = max(step.seconds, stages.get(step.stage, 0.0))
    return sum(stages.values())


def _produced(path: Trajectory) -> Json:
    state = path.state
    turn, screened = state.get("turn", {}), state.get("screened", {})
    found = {key: state[key] for key in PRODUCED if state.get(key)}
    return found | {
        "text": screened.get("text") or turn.get("text", ""),
        "language": screened.get("language"),
        "injection": screened.get("injection"),
        "is_suspicious": screened.get("injection", 0) >= SUSPICIOUS,
        "focus_before": turn.get("focus", {}),
        "open_card": turn.get("open_card"),
        "notice": turn.get("notice"),
    }


def _model(state: Mapping[str, Any]) -> Json:
    """Calls of the model, and what they come to."""
    calls = state.get("spent", [])
    return {
        "calls": calls,
        "tokens_in": sum(call["tokens_in"] for call in calls),
        "tokens_out": sum(call["tokens_out"] for call in calls),
        "usd": f"{sum((Decimal(call['usd']) for call in calls), Decimal(0)):f}",
    }
