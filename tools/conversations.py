"""The append-only conversation: threads and their messages in Postgres."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import psycopg
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb
from typing_extensions import TypedDict

from tools.database import Pool, fetch_all, fetch_one, pipelined

# A turn reads this many earlier messages, and a stream shows this many: both stay constant in time.
HISTORY = 10
WINDOW = 50
# A list of threads shows this many of each, and before them the one it began with.
LISTED = 20
LONGEST_METADATA = 16_000  # characters, however many changes it came by

MESSAGE = "m.message_id, m.run_id::text, m.role, m.content, m.extra, m.created_at"
# The messages of the turns that lead to one turn. One that answers a question again holds only the
# answer; the question stands in the run that it was asked in.
LINE = """from lineage(%(thread_id)s, %(turn)s, %(limit)s) l
  join messages m on m.run_id = any(array[l.run_id, l.asked_in])
    and (m.run_id = l.run_id or m.role = 'human')"""
TURN = "coalesce(%(turn)s, last_turn(%(thread_id)s))"
# A thread as it is shown: its status and its state's age are those of its last run.
THREAD = """
select t.thread_id, t.customer_id, t.metadata, t.turns, t.created_at, t.updated_at,
  coalesce(l.updated_at, t.created_at) as state_updated_at,
  coalesce(l.status, 'idle') as status, l.error
from threads t left join lateral (
  select r.updated_at, r.error, case r.status when 'failed' then 'error'
      when 'interrupted' then 'interrupted' when 'succeeded' then 'idle'
      when 'cancelled' then 'idle' else 'busy' end as status
  from runs r where r.thread_id = t.thread_id and r.due_at is null
  order by r.turn desc limit 1) l on true"""
OWN = "t.customer_id = coalesce(%(customer_id)s, t.customer_id)"
# `marks` is what clients see in the metadata of a thread that has had a run.
WANTED = f"""
where {OWN} and (%(ids)s::uuid[] is null or t.thread_id = any(%(ids)s))
  and t.metadata || case when t.turns > 0 then %(marks)s else '{{}}'::jsonb end @> %(metadata)s
  and (%(status)s::text is null or coalesce(l.status, 'idle') = %(status)s)"""
SORTS = {
    "thread_id": "t.thread_id",
    "status": "coalesce(l.status, 'idle')",
    "created_at": "t.created_at",
    "updated_at": "t.updated_at",
    "state_updated_at": "coalesce(l.updated_at, t.created_at)",
}
MOST_COUNTED = 10_000
CHECKPOINT_TABLES = ("checkpoints", "checkpoint_blobs", "checkpoint_writes")
# The thread is locked first, in a statement of its own: only the next one sees what came in before.
LOCK = f"select thread_id from threads t where t.thread_id = %(thread_id)s and {OWN} for update"
UNDER_WAY = """
select 1 from runs where thread_id = %(thread_id)s and status in ('queued', 'running')
union all select 1 from threads where thread_id = %(thread_id)s and person is not null
union all select 1 from tickets where thread_id = %(thread_id)s and status = 'open'
union all select 1 from actions where thread_id = %(thread_id)s
  and status in ('confirmed', 'approved')
limit 1"""
# A search over everybody's threads ends after this, found or not.
SEARCH_TIMEOUT = "select set_config('statement_timeout', '5s', true)"
# The last messages of several turns at once, each with what leads to it.
WINDOWS = f"""
select o.turn as through_turn, w.* from unnest(%(turns)s::integer[]) o(turn)
cross join lateral (
  select {MESSAGE}, m.seq, l.turn as in_turn,
    m.role = 'human' and (l.turn = o.turn or coalesce(a.answered_by =
      (select run_id from runs where thread_id = %(thread_id)s and turn = o.turn), false))
      as is_asked
  {LINE.replace("%(turn)s", "o.turn")} left join runs a on a.run_id = m.run_id
  order by l.turn desc, m.seq desc limit %(limit)s) w
order by o.turn, w.in_turn, w.seq"""
# The way back to a long conversation's beginning is not walked: then it is the thread's first turn.
LAST_WINDOWS = f"""
select o.thread_id as of_thread, w.* from unnest(%(threads)s::uuid[]) o(thread_id)
cross join lateral (
  with said as (select {MESSAGE}, m.seq, l.turn as in_turn
    {LINE.replace("%(turn)s", "last_turn(o.thread_id)").replace("%(thread_id)s", "o.thread_id")}),
  latest as (select * from said order by in_turn desc, seq desc limit %(limit)s),
  first as (select coalesce(
    (select message_id from said where exists (select 1 from runs r where r.after_turn is null
      and r.thread_id = o.thread_id and r.turn in (select in_turn from said))
      order by in_turn, seq limit 1),
    (select m.message_id from runs r join messages m using (run_id)
      where r.thread_id = o.thread_id order by r.turn, m.seq limit 1)) as message_id)
  select * from latest
  union all select {MESSAGE}, m.seq, 0 from first f
    join messages m on m.thread_id = o.thread_id and m.message_id = f.message_id
    where f.message_id not in (select message_id from latest)) w
order by w.in_turn, w.seq"""


class Message(TypedDict):
    """One message as it is stored. `extra` holds citations, cards and the like."""

    message_id: str
    run_id: str
    role: str
    content: str
    extra: dict[str, Any]
    created_at: datetime


@dataclass(frozen=True)
class Said:
    """A message as a turn sees it: in which turn it stands, and whether that turn answers it."""

    message: Message
    in_turn: int
    is_asked: bool


@dataclass(frozen=True)
class Wanted:
    """Which threads are looked for, and in which order."""

    metadata: Mapping[str, Any] = field(default_factory=dict)
    marks: Mapping[str, str] = field(default_factory=dict)
    ids: Sequence[UUID] | None = None
    status: str | None = None
    sort_by: str = "updated_at"
    is_ascending: bool = False


class MetadataTooLarge(Exception):
    """With this change a thread's metadata would be longer than is kept."""


class Conversations:
    """Threads and messages. Every look-up names the customer: a foreign thread does not exist."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def create(
        self,
        thread_id: UUID,
        customer_id: str,
        metadata: Mapping[str, Any],
        *,
        is_temporary: bool = False,
        ttl_minutes: float | None = None,
    ) -> DictRow | None:
        """Create a thread; None when the id is taken. A temporary one goes within the hour."""
        return await fetch_one(
            self._pool,
            "insert into threads (thread_id, customer_id, metadata, temporary_until)"
            " values (%s, %s, %s, now() + %s::float * interval '1 minute') on conflict do nothing"
            " returning thread_id, customer_id, metadata, turns, created_at, updated_at,"
            " created_at as state_updated_at, 'idle' as status, null::text as error",
            [thread_id, customer_id, Jsonb(dict(metadata)), 60 if is_temporary else ttl_minutes],
        )

    async def get(self, thread_id: UUID, customer_id: str | None) -> DictRow | None:
        """The customer's own thread, or anybody's for None; else None."""
        return await fetch_one(
            self._pool,
            f"{THREAD} where t.thread_id = %(thread_id)s and {OWN}",
            {"thread_id": thread_id, "customer_id": customer_id},
        )

    async def search(
        self, customer_id: str | None, wanted: Wanted, limit: int, offset: int
    ) -> list[DictRow]:
        """The customer's threads that are wanted, or everybody's for None."""
        way = "asc" if wanted.is_ascending else "desc"
        order = f"order by {SORTS[wanted.sort_by]} {way}, t.thread_id limit %(limit)s"
        values = _values(customer_id, wanted) | {"limit": limit, "offset": offset}
        return await self._bounded(f"{THREAD} {WANTED} {order} offset %(offset)s", values)

    async def count(self, customer_id: str | None, wanted: Wanted) -> int:
        """How many there are; more than ten thousand are not counted."""
        [row] = await self._bounded(
            f"select count(*) as number from ({THREAD} {WANTED} limit {MOST_COUNTED}) found",
            _values(customer_id, wanted),
        )
        return int(row["number"])

    async def _bounded(self, query: str, values: Mapping[str, Any]) -> list[DictRow]:
        async with (
            self._pool.connection() as connection,
            pipelined(connection),
            connection.transaction(),
        ):
            await connection.execute(SEARCH_TIMEOUT)
            found = await connection.execute(query, values)
            return await found.fetchall()

    async def update(
        self,
        thread_id: UUID,
        customer_id: str | None,
        metadata: Mapping[str, Any],
        ttl_minutes: float | None = None,
    ) -> DictRow | None:
        """Merge `metadata` into the thread's, as long as the whole does not grow too large."""
        changed = await fetch_one(
            self._pool,
            "update threads t set metadata = metadata || %(metadata)s, updated_at = now(),"
            " temporary_until = coalesce(now() + %(ttl)s::float * interval '1 minute',"
            f" temporary_until) where thread_id = %(thread_id)s and {OWN}"
            f" and length((metadata || %(metadata)s)::text) <= {LONGEST_METADATA}"
            " returning thread_id",
            {
                "metadata": Jsonb(dict(metadata)),
                "ttl": ttl_minutes,
                "thread_id": thread_id,
                "customer_id": customer_id,
            },
        )
        thread = await self.get(thread_id, customer_id)
        if thread and not changed:
            raise MetadataTooLarge
        return thread

    async def delete(self, thread_id: UUID, customer_id: str | None) -> bool:
        """Delete a thread without a run, ticket or write under way, checkpoints and all."""
        async with self._pool.connection() as connection, connection.transaction():
            return await delete_quiet(connection, thread_id, customer_id)

    async def window(
        self, thread_id: UUID, limit: int = WINDOW, *, through_turn: int | None = None
    ) -> list[Message]:
        """The last `limit` messages that lead to a turn, or to the last one; oldest first."""
        rows = await fetch_all(
            self._pool,
            f"select {MESSAGE} {LINE.replace('%(turn)s', TURN)}"
            " order by l.turn desc, m.seq desc limit %(limit)s",
            {"thread_id": thread_id, "turn": through_turn, "limit": limit},
        )
        return [message_of(row) for row in reversed(rows)]

    async def windows(self, thread_id: UUID, turns: Sequence[int]) -> dict[int, list[Said]]:
        """For each of some turns the last messages that lead to it, oldest first."""
        rows = await fetch_all(
            self._pool, WINDOWS, {"thread_id": thread_id, "turns": turns, "limit": WINDOW}
        )
        said: dict[int, list[Said]] = {turn: [] for turn in turns}
        for row in rows:
            found = Said(message_of(row), row["in_turn"], row["is_asked"])
            said[row["through_turn"]].append(found)
        return said

    async def last_windows(self, thread_ids: Sequence[UUID]) -> dict[UUID, list[Message]]:
        """The first and the last messages of several threads, fewer than a single one shows."""
        rows = await fetch_all(
            self._pool, LAST_WINDOWS, {"threads": list(thread_ids), "limit": LISTED}
        )
        said: dict[UUID, list[Message]] = {thread_id: [] for thread_id in thread_ids}
        for row in rows:
            said[row["of_thread"]].append(message_of(row))
        return said


def _values(customer_id: str | None, wanted: Wanted) -> dict[str, Any]:
    return {
        "customer_id": customer_id,
        "ids": None if wanted.ids is None else list(wanted.ids),
        "marks": Jsonb(dict(wanted.marks)),
        "metadata": Jsonb(dict(wanted.metadata)),
        "status": wanted.status,
    }


def message_of(row: DictRow) -> Message:
    """A row as a message."""
    return cast(Message, {name: row[name] for name in Message.__annotations__})


async def delete_quiet(
    connection: psycopg.AsyncConnection[DictRow], thread_id: UUID, customer_id: str | None
) -> bool:
    """Delete a thread with nothing under way, checkpoints and all, in one transaction."""
    names = {"thread_id": thread_id, "customer_id": customer_id}
    if not await (await connection.execute(LOCK, names)).fetchone():
        return False
    if await (await connection.execute(UNDER_WAY, names)).fetchone():
        return False
    await delete_checkpoints(
        connection, "select graph_thread from runs where thread_id = %s", thread_id
    )
    await connection.execute("delete from threads where thread_id = %s", [thread_id])
    return True


async def delete_checkpoints(
    connection: psycopg.AsyncConnection[DictRow], which: str, value: object
) -> None:
    """Delete the checkpoints of the graph threads that `which` selects."""
    for table in CHECKPOINT_TABLES:
        query = f"delete from {table} where thread_id in ({which})"
        await connection.execute(query, [value])
