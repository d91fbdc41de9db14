"""What is done to a thread as a whole: pruned, or copied without what could write."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import DictRow

from tools.conversations import LINE, OWN, delete_checkpoints
from tools.database import Pool

# A copy goes back this many turns.
MOST_TURNS = 1_000

# A new turn counts its thread up, so none comes between this and the end of the transaction.
LOCK = f"select 1 from threads t where t.thread_id = %(thread_id)s and {OWN} for no key update"
UNDER_WAY = """
select 1 from runs where thread_id = %(thread_id)s and status in ('queued', 'running') limit 1"""

# All but the last turn's, and none of a turn that waits for a person.
MARK_EARLIER = """
update runs r set pruned_at = now(), trace = null
where r.thread_id = %(thread_id)s and r.pruned_at is null
  and not exists (select 1 from runs o where o.graph_thread = r.graph_thread
    and (o.status = 'interrupted' or o.turn = last_turn(o.thread_id)))
returning graph_thread"""

ANSWERED = """
select l.turn, r.run_id, r.graph_thread
from lineage(%(thread_id)s, last_turn(%(thread_id)s), %(limit)s) l join runs r using (run_id)
where exists (select 1 from messages m where m.run_id = l.run_id and m.role = 'ai')
  and r.status not in ('queued', 'running')
order by l.turn desc limit 1"""

COPY_THREAD = f"""
insert into threads (thread_id, customer_id, metadata, turns)
select %(copy)s, t.customer_id, t.metadata, coalesce(%(turn)s::integer, 0) from threads t
where t.thread_id = %(thread_id)s and {OWN} on conflict do nothing returning thread_id"""

# The same id for the same run of the same copy, so that its messages find it.
COPIED_ID = "md5(%(copy)s::text || l.run_id)::uuid"
# An order being put together stays where it was begun, and so does a decision that is waited for.
COPY_RUNS = f"""
insert into runs (run_id, thread_id, turn, status, request, scope, metadata, attempts, focus,
  after_turn, graph_thread, for_person, created_at, updated_at)
select {COPIED_ID}, %(copy)s, r.turn,
  case when r.status = 'failed' then 'failed' when r.status in ('succeeded', 'interrupted')
    then 'succeeded' else 'cancelled' end,
  r.request - array['webhook', 'command', 'trace'], r.scope, r.metadata, r.attempts,
  r.focus - array['order', 'order_at'], r.after_turn, %(copy)s || ':' || r.turn,
  r.for_person,
  r.created_at, r.updated_at
from lineage(%(thread_id)s, %(turn)s, %(limit)s) l join runs r using (run_id)"""

COPY_MESSAGES = f"""
insert into messages (message_id, thread_id, run_id, role, content, extra, created_at)
select m.message_id, %(copy)s, {COPIED_ID}, m.role, m.content,
  (m.extra - array['card', 'handoff', 'action']) #- '{{person,event}}', m.created_at
{LINE} order by l.turn, m.seq"""


class Threads:
    """Whole threads of a customer, or anybody's where the customer is None."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def keep_latest(self, thread_id: UUID, customer_id: str | None) -> bool:
        """Delete the checkpoints of all turns but the last; False where a run is under way."""
        names = {"thread_id": thread_id, "customer_id": customer_id}
        async with self._pool.connection() as connection, connection.transaction():
            if not await _first(connection, LOCK, names):
                return False
            if await _first(connection, UNDER_WAY, names):
                return False
            marked = await (await connection.execute(MARK_EARLIER, names)).fetchall()
            gone = [row["graph_thread"] for row in marked]
            await delete_checkpoints(connection, "select unnest(%s::text[])", gone)
        return True

    async def copy(
        self, thread_id: UUID, copy: UUID, customer_id: str | None
    ) -> tuple[bool, DictRow | None]:
        """Copy what was said up to the last answer: no cards, no tickets, nothing under way.

        Whether there is such a thread, and the run of that answer.
        """
        names = {"thread_id": thread_id, "copy": copy, "customer_id": customer_id}
        async with self._pool.connection() as connection, connection.transaction():
            last = await _first(connection, ANSWERED, names | {"limit": MOST_TURNS})
            values = names | {"turn": last and last["turn"], "limit": MOST_TURNS}
            if not await _first(connection, COPY_THREAD, values):
                return False, None
            if last:
                await connection.execute(COPY_RUNS, values)
                await connection.execute(COPY_MESSAGES, values)
        return True, last


async def _first(
    connection: psycopg.AsyncConnection[DictRow], query: str, values: Mapping[str, Any]
) -> DictRow | None:
    return await (await connection.execute(query, values)).fetchone()
