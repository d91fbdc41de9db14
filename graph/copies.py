"""What a copied conversation knows of its last turn: enough to be looked at and worded again."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from langchain_core.runnables import RunnableConfig
from langgraph.types import StateSnapshot, StateUpdate
from psycopg.rows import DictRow

from graph.builder import Graph
from graph.history import MOST_OF_TURN
from graph.worker import BEFORE_REPLY, REPLYING

# What belongs to a card or a ticket. It stays where it was made, and so does what it stands on.
THEIRS = ("card", "action", "decision", "handoff", "order")
CHECKED = "validate_output"


async def copy_state(graph: Graph, last: DictRow, copy: UUID) -> None:
    """Give the copy of a conversation the state of the turn that it ends with, if it is kept."""
    source: RunnableConfig = {"configurable": {"thread_id": last["graph_thread"]}}
    ended = await graph.aget_state(source)
    if "verdict" not in ended.values:
        return
    known = await _before_reply(graph, source)
    target: RunnableConfig = {"configurable": {"thread_id": f"{copy}:{last['turn']}"}}
    await graph.abulk_update_state(target, [[step] for step in _steps(ended, known, copy)])


async def _before_reply(graph: Graph, source: RunnableConfig) -> StateSnapshot | None:
    """The state in which the turn knew everything that its reply says, and had not said it."""
    async for snapshot in graph.aget_state_history(source, limit=MOST_OF_TURN):
        if snapshot.next == (REPLYING,) and "reply" not in snapshot.values:
            return snapshot
    return None


def _steps(ended: StateSnapshot, known: StateSnapshot | None, copy: UUID) -> list[StateUpdate]:
    """The turn's last steps. With a card it is only shown: it cannot be worded again."""
    if known is None or any(ended.values.get(name) for name in THEIRS):
        return [StateUpdate(_kept(ended.values, copy) | {"facts": []}, CHECKED)]
    return [
        StateUpdate(_kept(known.values, copy), BEFORE_REPLY),
        StateUpdate({"reply": ended.values["reply"]}, REPLYING),
        StateUpdate({"verdict": ended.values["verdict"]}, CHECKED),
    ]


def _kept(values: Mapping[str, Any], copy: UUID) -> dict[str, Any]:
    turn = values["turn"] | {"thread_id": str(copy), "open_card": None, "decision": None}
    return {name: v for name, v in values.items() if name not in THEIRS} | {"turn": turn}
