"""Where in a conversation's history a run begins that does not simply follow the last turn."""

from uuid import UUID

from psycopg.rows import DictRow

from tools.database import Pool, fetch_one
from tools.intake import COLUMNS, Place

_COLUMNS = ", ".join(f"r.{name}" for name in COLUMNS.split(", "))
AT = f"""
select {_COLUMNS}, c.checkpoint_id = (select max(l.checkpoint_id) from checkpoints l
    where l.thread_id = c.thread_id and l.checkpoint_ns = '') as is_last,
  (select count(*) from runs n where n.thread_id = r.thread_id and n.turn > r.turn
    and n.due_at is null and n.notice is null) as newer,
  exists (select 1 from runs n where n.thread_id = r.thread_id and n.due_at is null
    and n.status in ('queued', 'running')) as is_busy,
  exists (select 1 from messages m where m.run_id = r.run_id and m.role = 'ai') as is_answered
from checkpoints c join runs r on r.graph_thread = c.thread_id
where r.thread_id = %s and c.checkpoint_id = %s and c.checkpoint_ns = ''
order by r.turn desc limit 1"""

LAST = f"""
select {_COLUMNS},
  exists (select 1 from messages m where m.run_id = r.run_id and m.role = 'ai') as is_answered
from runs r where r.thread_id = %s and r.due_at is null order by r.turn desc limit 1"""


class NothingToContinue(Exception):
    """A run without input, where nothing stopped on its way."""


class CheckpointMissing(Exception):
    """The thread has no such checkpoint (any more)."""


class Places:
    """Finds where a run hangs."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def last(self, thread_id: UUID) -> DictRow | None:
        """The run of the thread's last turn, and whether it was answered."""
        return await fetch_one(self._pool, LAST, [thread_id])

    async def at(self, thread_id: UUID, checkpoint_id: str) -> DictRow:
        """The run that a checkpoint is of, and how things stand; raises CheckpointMissing."""
        found = await fetch_one(self._pool, AT, [thread_id, checkpoint_id])
        if found is None:
            raise CheckpointMissing
        return found

    async def of_input(self, thread_id: UUID, checkpoint_id: str) -> Place | None:
        """Where something is said that follows a checkpoint; None: it follows the last turn.

        News that nobody asked for is no reason to branch, and neither is a turn under way: then
        the client only had not heard of it.
        """
        found = await self.at(thread_id, checkpoint_id)
        if found["is_busy"] or (found["is_last"] and not found["newer"]):
            return None
        return Place(found["turn"] if found["is_last"] else found["after_turn"])

    async def of_nothing(self, thread_id: UUID, checkpoint_id: str | None) -> Place:
        """Where a run goes on that says nothing: at what stopped, or at a turn to answer again.

        Raises NothingToContinue, CheckpointMissing.
        """
        if checkpoint_id:
            found: DictRow | None = await self.at(thread_id, checkpoint_id)
        else:
            found = await self.last(thread_id)
        if found is None or found["status"] in ("queued", "running"):
            raise NothingToContinue
        if found["is_answered"] and not checkpoint_id:
            raise NothingToContinue
        return Place(
            after_turn=found["after_turn"],
            asked_in=found["asked_in"] or found["run_id"],
            graph_thread=None if found["is_answered"] else found["graph_thread"],
            seed=found["graph_thread"] if found["is_answered"] else None,
        )
