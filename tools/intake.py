"""Takes runs in: the customer's message and its run are stored together, or not at all."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from tools.database import pipelined

LEASE_SECONDS = 5

COLUMNS = (
    "run_id, thread_id, turn, status, strategy, request, scope, metadata, attempts, strikes,"
    " error, resume, notice, after_turn, asked_in, graph_thread, seed, due_at, answered_by, cancel,"
    " webhook, for_person, created_at, updated_at"
)
WAITS = "status = 'queued' and due_at is null"
# What a new message may end: neither what tells news nor what a person decided about.
ENDABLE = f"{WAITS} and notice is null and resume is null"

COUNT = """
update threads set turns = turns + 1, updated_at = now()
where thread_id = %(thread_id)s and customer_id = %(customer_id)s returning turns"""

STOP_RUNNING = """
with stopped as (update runs set cancel = %(strategy)s
  where thread_id = %(thread_id)s and status = 'running' and cancel is null
    and notice is null and resume is null returning run_id)
select pg_notify('tria_runs', 'cancel:' || run_id) from stopped"""

STOP_WAITING = {
    "interrupt": "update runs set status = 'cancelled', updated_at = now()"
    f" where thread_id = %(thread_id)s and {ENDABLE} returning run_id",
    "rollback": "select run_id, forget_run(run_id) from runs"
    f" where thread_id = %(thread_id)s and {ENDABLE}",
}

_BUSY = (
    "exists (select 1 from runs b where b.thread_id = t.thread_id"
    " and (b.status = 'running' or b.status = 'queued' and b.due_at is null"
    "  and ({which})))"
)
BUSY = _BUSY.format(which="b.resume is null")
NOT_FREE = _BUSY.format(which="true")

# While a person has the conversation, nobody works on what is said in it, and it follows what was
# said last; news waits like what was put off, until they hand it back.
INSERT = f"""
insert into runs (run_id, thread_id, turn, after_turn, asked_in, graph_thread, seed, strategy,
  request, scope, metadata, notice, webhook, due_at, status, owner, lease_until, attempts, strikes,
  for_person)
select %(run_id)s, t.thread_id, t.turns,
  case when p.is_placed then %(after_turn)s::integer else last_turn(t.thread_id) end,
  case when p.is_placed then %(asked_in)s::uuid end,
  coalesce(case when p.is_placed then %(graph_thread)s::text end, t.thread_id || ':' || t.turns),
  case when p.is_placed then %(seed)s::text end,
  %(strategy)s, %(request)s, %(scope)s, %(metadata)s, %(notice)s::jsonb, %(webhook)s::text,
  case when p.is_held then now()
    else now() + %(after_seconds)s::float * interval '1 second' end,
  case when p.is_theirs then 'succeeded' when s.starts then 'running' else 'queued' end,
  case when s.starts then %(owner)s end,
  case when s.starts then now() + {LEASE_SECONDS} * interval '1 second' end,
  s.starts::integer, s.starts::integer, p.is_theirs
from threads t, lateral (select
    %(is_placed)s and t.person is null as is_placed,
    t.person is not null and %(notice)s::jsonb is not null as is_held,
    t.person is not null and %(notice)s::jsonb is null
      and %(after_seconds)s::float is null as is_theirs) p,
  lateral (select %(starts)s and t.person is null and not {NOT_FREE} as starts) s
where t.thread_id = %(thread_id)s and t.customer_id = coalesce(%(customer_id)s, t.customer_id)
  and (%(strategy)s <> 'reject' or t.person is not null or not {BUSY})
returning {COLUMNS}"""

ADD_QUESTION = """
insert into messages (message_id, thread_id, run_id, role, content, extra)
select %(message_id)s, thread_id, run_id, 'human', %(content)s, %(extra)s from runs
where run_id = %(run_id)s"""

# How the customer is called, where people look for them; nearly always it stands there already.
KNOW_CUSTOMER = """
insert into customers (customer_id, name, company)
select w.customer_id, w.name, w.company from runs r, lateral (select
    r.scope->>'customer_id' as customer_id, coalesce(r.scope->>'name', '') as name,
    coalesce(r.scope->>'company', '') as company) w
where r.run_id = %(run_id)s and w.customer_id is not null and not exists (
  select 1 from customers c
  where (c.customer_id, c.name, c.company) = (w.customer_id, w.name, w.company))
on conflict (customer_id) do update set name = excluded.name, company = excluded.company"""

WAKE = (
    "select pg_notify('tria_runs', 'due') from runs where run_id = %(run_id)s and status = 'queued'"
)

# Whoever goes back behind a card and asks something else, or has an earlier turn answered again, no
# longer means the card.
WITHDRAW = """
with gone as (update actions set status = 'cancelled', updated_at = now(),
    error = 'the conversation went another way'
  where thread_id = %(thread_id)s and status = 'proposed'
    and (%(asked_in)s::uuid is null or exists (select 1 from runs n join runs k using (thread_id)
      where k.run_id = %(asked_in)s and n.turn > k.turn and n.notice is null
        and n.run_id <> %(run_id)s and n.asked_in is distinct from k.run_id))
  returning action_id, kind),
 noted as (insert into audit (actor, event, subject, detail)
  select 'assistant', 'action.cancelled', action_id::text,
    '{"note": "the conversation went another way"}'
  from gone)
select kind from gone"""


@dataclass(frozen=True)
class Place:
    """Where a run hangs that does not simply follow the last turn.

    `asked_in` is the run whose question it answers again: on the checkpoints in `graph_thread`, or
    on its own that begin with what that turn knew whose checkpoints are in `seed`.
    """

    after_turn: int | None
    asked_in: UUID | None = None
    graph_thread: str | None = None
    seed: str | None = None


@dataclass(frozen=True)
class NewRun:
    """A turn to be stored: the customer's message, if there is one, and what the client asked for.

    With `starts` the caller works on it at once where nothing else of its thread is under way.
    """

    run_id: UUID
    thread_id: UUID
    customer_id: str
    message_id: str
    content: str | None
    extra: Mapping[str, Any]
    strategy: str
    request: Mapping[str, Any]
    scope: Mapping[str, Any]
    metadata: Mapping[str, Any]
    place: Place | None = None
    after_seconds: float | None = None
    webhook: str | None = None
    starts: bool = False


class ThreadBusy(Exception):
    """The thread has a turn under way and the client asked not to wait for it."""


class ThreadMissing(Exception):
    """There is no such thread of this customer."""


class MessageRepeated(Exception):
    """A message with this id is already part of the conversation."""


class RunRepeated(Exception):
    """A run with this id exists already."""


REPEATED = {"messages_thread_id_message_id_key": MessageRepeated, "runs_pkey": RunRepeated}


async def take_in(connection: psycopg.AsyncConnection[DictRow], run: NewRun, owner: str) -> DictRow:
    """Store the message and its run in one transaction; raises the errors above.

    `stopped` names the runs that waited and have ended for this one, `withdrawn` the kinds of the
    cards that have.
    """
    try:
        return await _stored(connection, run, _values(run, owner))
    except psycopg.errors.UniqueViolation as error:
        if repeated := REPEATED.get(error.diag.constraint_name or ""):
            raise repeated from error
    # A decided run of the thread was taken at the same moment: wait behind it.
    return await _stored(connection, run, _values(replace(run, starts=False), owner))


async def _stored(
    connection: psycopg.AsyncConnection[DictRow], run: NewRun, values: Mapping[str, Any]
) -> DictRow:
    # A pipeline: nothing waits for an answer before everything is sent.
    async with pipelined(connection), connection.transaction():
        counted = await connection.execute(COUNT, values)
        stopped = withdrawn = None
        if run.strategy in STOP_WAITING:
            await connection.execute(STOP_RUNNING, values)
            stopped = await connection.execute(STOP_WAITING[run.strategy], values)
        stored = await connection.execute(INSERT, values)
        if run.content is not None:
            await connection.execute(ADD_QUESTION, values)
        if run.place:
            withdrawn = await connection.execute(WITHDRAW, values)
        await connection.execute(KNOW_CUSTOMER, values)
        await connection.execute(WAKE, values)
        if await counted.fetchone() is None:
            raise ThreadMissing
        row = await stored.fetchone()
        if row is None:
            raise ThreadBusy
        ended = await stopped.fetchall() if stopped else []
        gone = await withdrawn.fetchall() if withdrawn else []
    told = {"withdrawn": [card["kind"] for card in gone]}
    return row | told | {"stopped": [each["run_id"] for each in ended]}


def _values(run: NewRun, owner: str) -> dict[str, Any]:
    place = run.place or Place(None)
    return {
        **{name: getattr(run, name) for name in ("run_id", "thread_id", "customer_id")},
        **{name: getattr(run, name) for name in ("message_id", "content", "strategy")},
        **{name: getattr(run, name) for name in ("after_seconds", "webhook")},
        **{name: Jsonb(dict(getattr(run, name))) for name in ("extra", "request", "scope")},
        "metadata": Jsonb(dict(run.metadata)),
        "notice": None,
        "is_placed": run.place is not None,
        **{name: getattr(place, name) for name in ("after_turn", "asked_in")},
        **{name: getattr(place, name) for name in ("graph_thread", "seed")},
        "starts": run.starts and run.after_seconds is None,
        "owner": owner,
    }


async def queue_notice(
    connection: psycopg.AsyncConnection[DictRow],
    run_id: UUID,
    about: Mapping[str, Any],
    notice: Mapping[str, Any],
) -> None:
    """Queue a turn that no message asked for, at the end of its conversation; at most once.

    `about` names thread_id and scope. A conversation that is gone is told nothing, and one that a
    person has only when they hand it back.
    """
    counted = await connection.execute(
        "update threads set turns = turns + 1, updated_at = now() where thread_id = %s"
        " and not exists (select 1 from runs where run_id = %s) returning turns",
        [about["thread_id"], run_id],
    )
    if await counted.fetchone() is None:
        return
    told = NewRun(
        run_id=run_id,
        thread_id=about["thread_id"],
        customer_id="",
        message_id="",
        content=None,
        extra={},
        strategy="enqueue",
        request={"stream_mode": ["values", "messages-tuple"], "stream_resumable": True},
        scope=about["scope"],
        metadata={},
    )
    values = _values(told, "") | {"customer_id": None, "notice": Jsonb(dict(notice))}
    await connection.execute(INSERT, values)
    await connection.execute(WAKE, values)
