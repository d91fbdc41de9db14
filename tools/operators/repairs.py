"""The rows that a repair reads and changes: the run, its cards, and who did what to it before.

Every change first locks the thread, so that of two operators who press at once the second sees what
the first has done, and so that an answer which comes at the same moment is either seen or refused.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid5

import psycopg
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from tools.actions.trail import audit
from tools.database import Pool, fetch_all, fetch_one
from tools.intake import COLUMNS
from tools.run_endings import ASK_AGAIN, TAKE_BACK
from tools.run_statements import LOCK_THREAD

Connection = psycopg.AsyncConnection[DictRow]

_COLUMNS = ", ".join(f"r.{name}" for name in COLUMNS.split(", "))
# `person` is who has taken the conversation over. `newer` counts the turns after this one that the
# customer has an answer to.
STANDING = f"""
select {_COLUMNS}, r.owner, r.lease_until, r.pruned_at, r.focus, t.person,
  extract(epoch from now() - r.updated_at)::float as age_s,
  exists (select 1 from messages m where m.run_id = r.run_id and m.role = 'ai') as is_answered,
  (select count(*) from runs n where n.thread_id = r.thread_id and n.turn > r.turn
    and n.notice is null and exists (select 1 from messages m
      where m.run_id = n.run_id and m.role = 'ai')) as newer
from runs r join threads t using (thread_id) where r.run_id = %s"""

# The cards that a run made, was told yes to or waits with, and how far their writes have got.
CARDS = """
select a.action_id, a.kind, a.status, a.document_number, a.error, a.card ->> 'title' as title,
  a.confirmed_at,
  coalesce((select jsonb_agg(jsonb_build_object('position', w.position, 'operation', w.operation,
      'status', w.status, 'sent_at', w.sent_at) order by w.position)
    from action_writes w where w.action_id = a.action_id), '[]') as writes
from actions a where a.action_id = any(%(made)s) or a.confirmed_in = any(%(runs)s)
  or a.run_id = any(%(runs)s)
order by a.created_at"""

# What the customer is being asked about beside what this turn may ask.
BESIDE = """
select card ->> 'title' as title from actions where thread_id = %(thread_id)s
  and status in ('proposed', 'prepared') and expires_at > now() and action_id <> all(%(made)s)
order by created_at desc limit 1"""

# Who was told by webhook that it had failed is told of the other end as well.
_TELL_AGAIN = "webhook_done_at = null, webhook_tries = 0, webhook_after = now()"

REQUEUE = f"""
update runs set status = 'queued', owner = null, lease_until = null, error = null, cancel = null,
  answered_by = null, strikes = 0, seen_checkpoint = null, pruned_at = null, for_person = false,
  updated_at = now(), {_TELL_AGAIN}
where run_id = %s returning {COLUMNS}"""

ABANDON = f"""
with ended as (
  update runs set status = 'cancelled', error = 'abandoned', owner = null, cancel = null,
    answered_by = null, updated_at = now(), {_TELL_AGAIN}
  where run_id = %(run_id)s returning run_id, thread_id),
 said as (
  insert into messages (message_id, thread_id, run_id, role, content, extra)
  select %(message_id)s, thread_id, run_id, 'ai', %(content)s, %(extra)s from ended)
update threads t set updated_at = now() from ended where t.thread_id = ended.thread_id"""

# Not where the customer looks at a card, or has sent the same again and got an answer.
FAILED = """
select r.run_id, r.thread_id, r.error, r.updated_at, r.scope ->> 'company' as company
from runs r join threads t using (thread_id) where r.status = 'failed' and r.error = %(error)s
  and t.person is null
  and r.updated_at >= %(since)s and r.updated_at <= %(until)s
  and not exists (select 1 from messages m where m.run_id = r.run_id and m.role = 'ai')
  and not exists (select 1 from actions a where a.thread_id = r.thread_id and a.expires_at > now()
    and a.status = 'proposed' and a.created_at > r.updated_at)
  and not exists (select 1 from messages q
    join messages s on s.thread_id = q.thread_id and s.seq > q.seq and s.role = 'human'
      and lower(trim(s.content)) = lower(trim(q.content))
    join messages a on a.run_id = s.run_id and a.role = 'ai'
    where q.run_id = r.run_id and q.role = 'human')
order by r.updated_at, r.run_id limit %(most)s"""

WAITING = "select count(*) as n from runs where status = 'queued' and due_at is null"

PRESSED = """
select p.run_id, p.operation, p.staff_id, p.done_at, exists (select 1 from repairs o
  where o.run_id = p.run_id and o.once <> p.once and o.done_at > p.created_at) as is_late
from repairs p where p.once = %s"""

# Without presses that came too late: they changed nothing.
TRAIL = """
select once, operation, staff_id, detail, created_at, done_at from repairs r
where run_id = %s and (done_at is not null or not exists (
  select 1 from repairs o where o.run_id = r.run_id and o.done_at > r.created_at))
order by created_at"""


class Repairs:
    """Reads how a run stands, and what was done to it."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def standing(self, run_id: UUID) -> DictRow | None:
        """The run with what decides about its repair; None where there is none."""
        return await fetch_one(self._pool, STANDING, [run_id])

    async def cards(self, run: Mapping[str, Any]) -> list[DictRow]:
        """Its cards, each with its writes in their ledger."""
        runs = [run_id for run_id in (run["run_id"], run["asked_in"]) if run_id]
        return await fetch_all(self._pool, CARDS, {"made": made_by(run), "runs": runs})

    async def asked_beside(self, run: Mapping[str, Any]) -> str | None:
        """The title of another card that the customer is being asked about."""
        values = {"thread_id": run["thread_id"], "made": made_by(run)}
        row = await fetch_one(self._pool, BESIDE, values)
        return str(row["title"]) if row else None

    async def trail(self, run_id: UUID) -> list[DictRow]:
        """What operators did to it, the first thing first."""
        return await fetch_all(self._pool, TRAIL, [run_id])

    async def failed(self, which: Mapping[str, Any]) -> list[DictRow]:
        """The runs that failed with an `error` from `since` until `until`, at most so many.

        Those that nobody may resume are left out: answered ones, and conversations of a person.
        So are those whose customer asked again and looks at a card, which an older one would end.
        """
        return await fetch_all(self._pool, FAILED, which)

    async def waiting(self) -> int:
        """How many runs wait for a worker."""
        row = await fetch_one(self._pool, WAITING)
        return int(row["n"]) if row else 0

    async def begin(self, row: Mapping[str, Any]) -> DictRow:
        """The press as it is kept: this one, or the one that bore its number first."""
        async with self._pool.connection() as connection:
            await connection.execute(
                "insert into repairs (once, run_id, operation, staff_id, detail)"
                " values (%(once)s, %(run_id)s, %(operation)s, %(staff_id)s, %(detail)s)"
                " on conflict (once) do nothing",
                {**row, "detail": Jsonb(dict(row["detail"]))},
            )
            kept = await pressed(connection, row["once"])
        assert kept is not None  # noqa: S101 (rows go only with their run)
        return kept

    async def let_go(self, once: UUID) -> None:
        """Forget a press that was refused: nothing came of it."""
        async with self._pool.connection() as connection:
            await connection.execute(
                "delete from repairs where once = %s and done_at is null", [once]
            )


def card_of(run_id: UUID) -> UUID:
    """The card that a turn makes, if it makes one."""
    return uuid5(run_id, "action")


def made_by(run: Mapping[str, Any]) -> list[UUID]:
    """The cards that a run may have made: its own, or of the turn that it answers again."""
    return [card_of(run_id) for run_id in (run["run_id"], run["asked_in"]) if run_id]


async def pressed(connection: Connection, once: UUID) -> DictRow | None:
    """A press by its number. `is_late`: another one was carried out since it was begun."""
    return await (await connection.execute(PRESSED, [once])).fetchone()


async def locked(connection: Connection, run_id: UUID) -> DictRow | None:
    """The run, held until the transaction ends; what came before is seen."""
    await connection.execute(LOCK_THREAD, {"run_id": run_id})
    await connection.execute("select 1 from runs where run_id = %s for update", [run_id])
    return await (await connection.execute(STANDING, [run_id])).fetchone()


async def done(connection: Connection, once: UUID) -> None:
    """Mark a press as done, in the transaction of what it did."""
    query = "update repairs set done_at = clock_timestamp() where once = %s"
    await connection.execute(query, [once])


async def requeue(connection: Connection, run: Mapping[str, Any]) -> None:
    """Let the run go on where its last checkpoint is, in whatever process takes it.

    Its attempts stay, for they say that there are checkpoints; whoever works on it stops.
    """
    await connection.execute(REQUEUE, [run["run_id"]])
    await _stop(connection, run)
    await connection.execute("select pg_notify('tria_runs', 'due')")


async def end_with(
    connection: Connection, run: Mapping[str, Any], message: Mapping[str, Any]
) -> None:
    """End the run for good with a message as its answer: message_id, content, extra.

    A card that nobody was shown goes with it.
    """
    values = {**message, "extra": Jsonb(dict(message["extra"])), "run_id": run["run_id"]}
    await connection.execute(ABANDON, values)
    await connection.execute(ASK_AGAIN, [[run["run_id"]]])
    card = card_of(run["asked_in"] or run["run_id"])
    if (await connection.execute(TAKE_BACK, [card])).rowcount:
        await audit(connection, "assistant", "cancelled", card, "its turn was abandoned")
    await _stop(connection, run)


async def _stop(connection: Connection, run: Mapping[str, Any]) -> None:
    if run["status"] == "running":
        notice = f"cancel:{run['run_id']}"
        await connection.execute("select pg_notify('tria_runs', %s)", [notice])


def under_way(writes: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a card's writes have begun and not all ended."""
    states = {write["status"] for write in writes}
    return "sent" in states or ("pending" in states and "done" in states)
