"""Which checkpoints a conversation has: across its turns and branches, latest first."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from tools.database import Pool, fetch_all, fetch_one

# How far back a turn looks for one that has checkpoints: a burst's messages share the last's.
NEAR = 50
# How many turns in a row may have been taken back before a history is cut there.
FAR = 500

# What customers see of a turn: its beginning, its question, and its last two steps. Between them
# nothing changes that is theirs to see.
_SEEN = """(%(is_whole)s or {c}.metadata ->> 'source' <> 'loop' or {c}.metadata ->> 'step' = '0'
  or {c}.checkpoint_id >= (select min(n.checkpoint_id) from
    (select checkpoint_id from checkpoints where thread_id = {c}.thread_id
      and checkpoint_ns = '' order by checkpoint_id desc limit 2) n))"""
_LATEST = """
lateral (select * from checkpoints where thread_id = b.graph_thread
  and checkpoint_ns = '' order by checkpoint_id desc limit 1) c"""

# A step follows the one before it; a question that is answered again forks where it was asked; and
# a turn's first step follows the last one of the turn before it.
_FOLLOWS = f"""
case when c.parent_checkpoint_id is not null then
  (select max(s.checkpoint_id) from checkpoints s where s.thread_id = c.thread_id
    and s.checkpoint_ns = '' and s.checkpoint_id <= c.parent_checkpoint_id
    and {_SEEN.format(c="s")})
 when exists (select 1 from runs s where s.graph_thread = c.thread_id and s.seed is not null) then
  (select min(s.checkpoint_id) from checkpoints s join runs o on o.graph_thread = s.thread_id
    where o.run_id = r.asked_in and s.checkpoint_ns = '' and s.metadata ->> 'step' = '0')
 else
  (select c.checkpoint_id from lineage(r.thread_id, r.after_turn, {NEAR}) l
    join runs b using (run_id) cross join {_LATEST} order by l.turn desc limit 1)
 end as follows"""
_COLUMNS = f"r.run_id, r.turn, r.graph_thread, r.attempts, r.metadata, c.checkpoint_id, {_FOLLOWS}"

PAGE = f"""
select {_COLUMNS} from (
  select * from runs r where r.thread_id = %(thread_id)s and r.due_at is null
    and r.turn <= coalesce(%(turn)s::integer, last_turn(%(thread_id)s))
    and r.turn > coalesce(%(turn)s::integer, last_turn(%(thread_id)s)) - {FAR} - %(limit)s
  order by r.turn desc limit %(limit)s + {NEAR}) r
cross join lateral (
  select * from checkpoints c where c.thread_id = r.graph_thread and c.checkpoint_ns = ''
    and (r.turn is distinct from %(turn)s::integer or c.checkpoint_id < %(before)s::text)
    and not exists (select 1 from runs n where n.graph_thread = c.thread_id and n.turn > r.turn)
    and {_SEEN.format(c="c")}
    and r.metadata || c.metadata || %(marks)s
      || jsonb_build_object('run_id', r.run_id, 'thread_id', r.thread_id) @> %(metadata)s
  order by c.checkpoint_id desc limit %(limit)s) c
order by r.turn desc, c.checkpoint_id desc limit %(limit)s"""

AT = f"""
select {_COLUMNS} from checkpoints c join runs r on r.graph_thread = c.thread_id
where r.thread_id = %(thread_id)s and r.due_at is null and c.checkpoint_ns = ''
  and c.checkpoint_id = %(checkpoint_id)s
order by r.turn desc limit 1"""

LAST = f"""
select {_COLUMNS} from lineage(%(thread_id)s, last_turn(%(thread_id)s), {NEAR}) l
join runs b using (run_id) cross join {_LATEST} join runs r on r.run_id = b.run_id
order by l.turn desc limit 1"""


@dataclass(frozen=True)
class Cut:
    """Which part of a history is looked at: what comes before a checkpoint, what bears a mark.

    `marks` is what clients see in the metadata of every checkpoint. The whole of it has every step
    of every turn.
    """

    limit: int
    before: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    marks: Mapping[str, str] = field(default_factory=dict)
    is_whole: bool = False


class Histories:
    """Finds checkpoints, each as a row of the run that it is of."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def page(self, thread_id: UUID, cut: Cut) -> list[DictRow]:
        """The latest checkpoints: turn by turn, and within a turn one after the other."""
        cursor = await self.at(thread_id, cut.before) if cut.before else None
        if cut.before and cursor is None:
            return []
        values = {
            "thread_id": thread_id,
            "turn": cursor and cursor["turn"],
            "before": cut.before,
            "metadata": Jsonb(dict(cut.metadata)),
            "marks": Jsonb(dict(cut.marks)),
            "is_whole": cut.is_whole,
            "limit": cut.limit,
        }
        return await fetch_all(self._pool, PAGE, values)

    async def at(
        self, thread_id: UUID, checkpoint_id: str, *, is_whole: bool = False
    ) -> DictRow | None:
        """One checkpoint."""
        values = {"thread_id": thread_id, "checkpoint_id": checkpoint_id, "is_whole": is_whole}
        return await fetch_one(self._pool, AT, values)

    async def last(self, thread_id: UUID, *, is_whole: bool = False) -> DictRow | None:
        """The last checkpoint there is on the way to the thread's last turn."""
        return await fetch_one(self._pool, LAST, {"thread_id": thread_id, "is_whole": is_whole})

    async def note_change(self, thread_id: UUID, actor: str, detail: Mapping[str, Any]) -> None:
        """Keep for good who changed a conversation's state."""
        await fetch_one(
            self._pool,
            "insert into audit (actor, event, subject, detail)"
            " values (%s, 'thread.state_changed', %s, %s) returning audit_id",
            [actor, str(thread_id), Jsonb(dict(detail))],
        )
