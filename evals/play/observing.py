"""Looks at what a conversation left behind: checkpoints, messages, cards, tickets, the log."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from evals.outcome import Call, Json, NodeRun, Turn
from graph.builder import Graph, build_graph
from graph.checkpoints import make_saver
from graph.trajectory import Trajectory, trajectory_of
from tools.conversation_records import ConversationRecords
from tools.database import Pool, fetch_all, fetch_one, make_pool

KNOWN = (
    *("turn", "screened", "understanding", "passages", "facts", "order", "tone", "reply"),
    *("verdict", "spent"),
)
IDLE_SECONDS = 20.0
LOOK_SECONDS = 0.02
IDLE = """
select not exists (select 1 from runs where thread_id = %(t)s and status in ('queued', 'running'))
  and not exists (select 1 from actions where thread_id = %(t)s and (to_tell
    or status = 'approved' or status = 'confirmed' and approval_level is null))
  and not exists (select 1 from xero_events where done_at is null) as idle"""
HEARD = "select count(*) as number from xero_events where resource_id = %s"
ANSWER = "select content, extra from messages where run_id = %s and role = 'ai'"
RUN = "select status, error, graph_thread, asked_in from runs where run_id = %s"
TOLD = """
select m.content, m.extra, m.seq, r.notice is not null as is_notice, r.run_id::text
from messages m join runs r using (run_id)
where m.thread_id = %(t)s and m.role = 'ai' and m.seq > %(after)s order by m.seq"""


class Observer:
    """Reads the lane's database, never writes to it."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._records = ConversationRecords(pool)
        self._graph: Graph = build_graph(make_saver(pool))

    async def wait_until_idle(self, thread_id: str) -> bool:
        """Whether the service had nothing left to do for the conversation in good time."""
        end = asyncio.get_running_loop().time() + IDLE_SECONDS
        while asyncio.get_running_loop().time() < end:
            row = await fetch_one(self._pool, IDLE, {"t": UUID(thread_id)})
            if row and row["idle"]:
                return True
            await asyncio.sleep(LOOK_SECONDS)
        return False

    async def wait_until_heard(self, document_id: str) -> bool:
        """Whether Xero's word of a document arrived in good time."""
        end = asyncio.get_running_loop().time() + IDLE_SECONDS
        while asyncio.get_running_loop().time() < end:
            row = await fetch_one(self._pool, HEARD, [UUID(document_id)])
            if row and row["number"]:
                return True
            await asyncio.sleep(LOOK_SECONDS)
        return False

    async def complete(self, turn: Turn) -> None:
        """Add to a turn what is stored of its run."""
        row = turn.run_id and await fetch_one(self._pool, RUN, [UUID(turn.run_id)])
        if not row:
            return
        turn.status, turn.graph_thread = row["status"], row["graph_thread"]
        turn.error = turn.error or row["error"]
        answer = await fetch_one(self._pool, ANSWER, [UUID(str(turn.run_id))])
        if answer:
            turn.reply, turn.extra = answer["content"], answer["extra"]
        _add(turn, await trajectory_of(self._graph, row["graph_thread"]))

    async def told(self, thread_id: str, after: int) -> list[DictRow]:
        """The messages that came after one, notices among them."""
        return await fetch_all(self._pool, TOLD, {"t": UUID(thread_id), "after": after})

    async def cards(self, thread_id: str) -> list[Json]:
        """Every card of the conversation with its writes and its trail."""
        return [_plain(card) for card in await self._records.cards(UUID(thread_id))]

    async def tickets(self, thread_id: str) -> list[Json]:
        """Every ticket of the conversation."""
        return [_plain(ticket) for ticket in await self._records.tickets(UUID(thread_id))]


@asynccontextmanager
async def observing(database_url: str) -> AsyncIterator[Observer]:
    """An observer of one database."""
    async with make_pool(database_url, max_size=4) as pool:
        yield Observer(pool)


def _add(turn: Turn, path: Trajectory) -> None:
    state = path.state
    turn.state = _plain({name: state[name] for name in KNOWN if state.get(name) is not None})
    began = path.nodes[0].started_at if path.nodes else None
    for run in path.nodes:
        since = (run.started_at - began).total_seconds() if began else 0.0
        turn.nodes.append(
            NodeRun(
                node=run.node,
                step=run.step,
                started_ms=round(since * 1000, 1),
                ms=round(run.seconds * 1000, 1),
                wrote=sorted(run.wrote),
                error=run.error,
            )
        )
    turn.calls += [Call.model_validate(call) for call in state.get("calls", [])]


def _plain(row: Any) -> Json:
    """As JSON has it."""
    plain: Json = json.loads(json.dumps(row, default=str))
    return plain
