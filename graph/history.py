"""A conversation's states: the checkpoints of its turns, hung together as one tree.

Every turn has checkpoints of its own, and the messages are in none of them. What clients see as one
history is put together here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast
from uuid import UUID

from langchain_core.runnables import RunnableConfig
from langgraph.types import StateSnapshot
from psycopg.rows import DictRow

from graph.builder import Graph
from graph.worker import STEPS
from tools.conversations import Conversations, Message, Said
from tools.histories import Cut, Histories

WAITING = "await_approval"
MOST_OF_TURN = 4 * STEPS


@dataclass(frozen=True)
class Moment:
    """One state of a conversation: the turn's snapshot, what was said until then, and its run.

    The run's row names in `follows` the checkpoint before it, which may be another turn's.
    """

    thread_id: UUID
    messages: Sequence[Message]
    run: Mapping[str, Any] | None = None
    snapshot: StateSnapshot | None = None


class History:
    """Reads a conversation's states. What it costs does not depend on how long the thread is.

    Customers see the steps in which something of theirs changes; the whole history has them all.
    """

    def __init__(
        self,
        graph: Graph,
        conversations: Conversations,
        histories: Histories,
        *,
        is_whole: bool = False,
    ) -> None:
        self._graph = graph
        self._conversations = conversations
        self._histories = histories
        self._is_whole = is_whole

    async def latest(self, thread_id: UUID) -> Moment:
        """How things stand: everything said, and the last checkpoint there is."""
        row = await self._histories.last(thread_id, is_whole=self._is_whole)
        messages = await self._conversations.window(thread_id)
        if row is None:
            return Moment(thread_id, messages)
        snapshot = await self._graph.aget_state(_config(row["graph_thread"]))
        return Moment(thread_id, messages, row, snapshot)

    async def at(self, thread_id: UUID, checkpoint_id: str) -> Moment | None:
        """One state; None where there is no such checkpoint."""
        row = await self._histories.at(thread_id, checkpoint_id, is_whole=self._is_whole)
        if row is None:
            return None
        config = _config(row["graph_thread"], checkpoint_id)
        [moment] = await self._moments(thread_id, [(row, await self._graph.aget_state(config))])
        return moment

    async def page(self, thread_id: UUID, cut: Cut) -> list[Moment]:
        """The latest states, the last turn's first.

        A conversation whose checkpoints are not kept any more still has its last state.
        """
        cut = replace(cut, is_whole=self._is_whole)
        rows = await self._histories.page(thread_id, cut)
        if not rows and not cut.before and not cut.metadata:
            moment = await self.latest(thread_id)
            return [moment] if moment.messages and not moment.run else []
        return await self._moments(thread_id, await self._snapshots(rows))

    async def _snapshots(self, rows: Sequence[DictRow]) -> list[tuple[DictRow, StateSnapshot]]:
        """Every row's snapshot, read turn by turn."""
        found: list[tuple[DictRow, StateSnapshot]] = []
        for graph_thread in dict.fromkeys(row["graph_thread"] for row in rows):
            wanted = {r["checkpoint_id"]: r for r in rows if r["graph_thread"] == graph_thread}
            snapshots = self._graph.aget_state_history(_config(graph_thread), limit=MOST_OF_TURN)
            found += [(wanted[_id_of(s)], s) async for s in snapshots if _id_of(s) in wanted]
        return found

    async def _moments(
        self, thread_id: UUID, found: Sequence[tuple[DictRow, StateSnapshot]]
    ) -> list[Moment]:
        turns = sorted({row["turn"] for row, _ in found})
        said = await self._conversations.windows(thread_id, turns)
        return [
            Moment(thread_id, _said_at(snapshot, row["turn"], said[row["turn"]]), row, snapshot)
            for row, snapshot in found
        ]


def _said_at(snapshot: StateSnapshot, turn: int, said: Sequence[Said]) -> list[Message]:
    """What was said by then: a turn's input is not, before its first step; nor is its answer."""
    is_begun = (snapshot.metadata or {}).get("source") != "input"
    return [
        each.message
        for each in said
        if (is_begun or not each.is_asked)
        and not (_is_answer(each, turn) and not _is_answered(snapshot))
    ]


def _is_answer(each: Said, turn: int) -> bool:
    return each.in_turn == turn and each.message["role"] == "ai"


def _is_answered(snapshot: StateSnapshot) -> bool:
    """The customer has the answer once it is checked, and when a turn is over in any other way."""
    is_over = not (snapshot.next or snapshot.tasks)
    verdict = snapshot.values.get("verdict")
    return is_over or bool(verdict and (verdict["passed"] or WAITING in snapshot.next))


def _config(graph_thread: str, checkpoint_id: str | None = None) -> RunnableConfig:
    place = {"thread_id": graph_thread, "checkpoint_ns": ""}
    if checkpoint_id:
        place["checkpoint_id"] = checkpoint_id
    return {"configurable": place}


def _id_of(snapshot: StateSnapshot) -> str:
    return cast(str, snapshot.config["configurable"]["checkpoint_id"])
