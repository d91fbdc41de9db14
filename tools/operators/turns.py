"""Turns of one conversation as operators read them, a page at a time."""

from collections.abc import Sequence
from uuid import UUID

from psycopg.rows import DictRow

from tools.database import Pool, fetch_all, fetch_one

RUN = """
r.run_id, r.thread_id, r.turn, r.status, r.error, r.attempts, r.strikes, r.owner, r.strategy,
r.request, r.scope, r.metadata, r.notice, r.resume, r.focus, r.after_turn, r.asked_in,
r.answered_by, r.cancel, r.for_person, r.due_at, r.pruned_at, r.graph_thread, r.seed, r.created_at,
r.updated_at"""
THREAD = """
select t.thread_id, t.customer_id, t.metadata, t.turns, t.created_at, t.updated_at, now() as now,
  t.resolution, t.resolved_at,
  (select scope from runs r where r.thread_id = t.thread_id order by turn desc limit 1) as scope,
  (select count(*) from runs r where r.thread_id = t.thread_id) as runs
from threads t where t.thread_id = %s"""
PAGE = f"""
select {RUN} from runs r where r.thread_id = %(thread_id)s
  and (%(before)s::integer is null or r.turn < %(before)s) order by r.turn desc limit %(limit)s"""
MESSAGES = """
select m.seq, m.message_id, m.run_id, m.role, m.content, m.extra, m.created_at
from messages m where m.thread_id = %s and m.run_id = any(%s) order by m.seq"""

TRAIL = """
select at, actor, event, detail ->> 'reason' as reason from audit
where subject = any(array(select run_id::text from runs where thread_id = %(thread_id)s)
  || %(thread_id)s::text) order by audit_id desc limit %(limit)s"""


class TurnRecords:
    """Reads of a conversation's turns, whoever their customer is."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def thread(self, thread_id: UUID) -> DictRow | None:
        """The conversation, with the scope of whoever wrote last."""
        return await fetch_one(self._pool, THREAD, [thread_id])

    async def page(self, thread_id: UUID, before: int | None, limit: int) -> list[DictRow]:
        """The last turns, or those before a turn; the last one first."""
        values = {"thread_id": thread_id, "before": before, "limit": limit}
        return await fetch_all(self._pool, PAGE, values)

    async def run(self, run_id: UUID) -> DictRow | None:
        """One turn of any conversation."""
        return await fetch_one(self._pool, f"select {RUN} from runs r where run_id = %s", [run_id])

    async def messages(self, thread_id: UUID, run_ids: Sequence[UUID]) -> list[DictRow]:
        """What was said in these turns, in its order."""
        return await fetch_all(self._pool, MESSAGES, [thread_id, list(run_ids)])

    async def trail(self, thread_id: UUID, limit: int = 30) -> list[DictRow]:
        """What colleagues did to it and its turns, the last first; cards have their own trail."""
        return await fetch_all(self._pool, TRAIL, {"thread_id": thread_id, "limit": limit})
