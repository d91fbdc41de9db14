"""A person takes a conversation over, and hands it back. The assistant is silent in between.

Everything that could still be said locks the thread first, or names a run that is under way. So
what the transaction of a take-over ends stores nothing, and what comes after it is not worked on.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4, uuid5

from psycopg.rows import DictRow

from tools.actions.trail import OnEnd, audit, nobody
from tools.audit import note
from tools.database import Pool, fetch_one
from tools.errors import OperationRefused
from tools.intake import COLUMNS, queue_notice
from tools.operators.person_turns import (
    Connection,
    Event,
    Person,
    Words,
    add_turn,
    found,
    last_of,
    line,
    locked,
)
from tools.operators.tickets import assign_in, close_in

NOBODY = "Nobody has this conversation: the assistant answers it. Take it over first."
WITHDRAWN = "a colleague has the conversation"

HAS_IT = """
update threads set person = jsonb_build_object('staff_id', %(staff_id)s::text,
  'name', %(name)s::text, 'since', now()) where thread_id = %(thread_id)s"""

# All but cards that a person has decided about: those only write, and say nothing.
END_RUNS = f"""
update runs set status = 'cancelled', cancel = coalesce(cancel, 'interrupt'), owner = null,
  answered_by = null, for_person = true, updated_at = clock_timestamp()
where thread_id = %s and status in ('queued', 'running') and due_at is null and resume is null
returning {COLUMNS}"""

STOP_WORK = "select pg_notify('tria_runs', 'cancel:' || run_id) from unnest(%s::uuid[]) run_id"

# What a person and a customer agree on, no yes to an earlier card must write a second time.
WITHDRAW = """
update actions set status = 'cancelled', error = %s, updated_at = now()
where thread_id = %s and status = 'proposed' returning action_id, kind"""

STATE = """
select t.thread_id, t.customer_id, t.person, t.assigned_to,
  (select count(*) from runs n where n.thread_id = t.thread_id and n.status = 'queued'
    and n.due_at is not null and n.notice is not null) as waiting_news,
  (select r.scope from runs r where r.thread_id = t.thread_id and r.due_at is null
    order by r.turn desc limit 1) as scope,
  extract(epoch from now() - (t.person ->> 'since')::timestamptz)::float as seconds
from threads t where t.thread_id = %s"""

Runs = Sequence[DictRow]
BeforeCommit = Callable[[Runs], Awaitable[None]]


@dataclass(frozen=True)
class Change:
    """What a press did: the turn that tells the customer, and the runs that ended for it.

    Without a turn it was done before.
    """

    turn: DictRow | None = None
    ended: Runs = ()
    closed: int = 0


async def nothing_first(_: Runs) -> None:
    """Nothing is to be done before the take-over is final."""


class Takeovers:
    """Who has a conversation. No timer ever takes one away from a person.

    `on_end` is told of each card that ends with a change.
    """

    def __init__(self, pool: Pool, on_end: OnEnd = nobody) -> None:
        self._pool = pool
        self._on_end = on_end

    async def state(self, thread_id: UUID) -> DictRow | None:
        """Who has the conversation, who looks after it, and how many news wait for its end."""
        return await fetch_one(self._pool, STATE, [thread_id])

    async def take_over(
        self, thread_id: UUID, person: Person, before_commit: BeforeCommit = nothing_first
    ) -> Change:
        """Give the conversation to a person and end what the assistant is doing in it.

        `before_commit` gets the runs that end, while whoever works on them can store nothing.
        """
        async with self._pool.connection() as connection, connection.transaction():
            thread = await locked(connection, thread_id)
            has = thread["person"]
            if has and has["staff_id"] == person.staff_id:
                return Change()
            if has and not person.leads:
                raise OperationRefused(theirs(has))
            last = await last_of(connection, thread_id)
            await connection.execute(
                HAS_IT,
                {"thread_id": thread_id, "staff_id": person.staff_id, "name": person.name},
            )
            await assign_in(connection, thread_id, person.staff_id)
            ended = await self._silence(connection, thread_id)
            withdrawn = await _withdraw(connection, thread_id)
            words = _told("joined", last, person, uuid4())
            turn = await add_turn(connection, thread_id, last, person, words)
            detail = {"runs": len(ended), "from": has and has["staff_id"]}
            event = "conversation.taken_over"
            await note(connection, person.staff_id, event, str(thread_id), detail)
            await before_commit(ended)
        self._tell(withdrawn)
        return Change(turn, ended)

    async def hand_back(
        self, thread_id: UUID, person: Person, once: UUID, resolution: str = ""
    ) -> Change:
        """Let the assistant answer again; with a resolution the tickets are closed too."""
        run_id = uuid5(once, f"hand back:{thread_id}")
        async with self._pool.connection() as connection, connection.transaction():
            thread = await locked(connection, thread_id)
            if await found(connection, run_id):
                return Change()
            check_has(thread["person"], person, may_lead=True)
            last = await last_of(connection, thread_id)
            await connection.execute(
                "update threads set person = null where thread_id = %s", [thread_id]
            )
            # One that the assistant had just made when it fell silent was never shown.
            withdrawn = await _withdraw(connection, thread_id)
            words = _told("left", last, person, run_id)
            turn = await add_turn(connection, thread_id, last, person, words)
            closed = 0
            if resolution:
                closed = await close_in(connection, thread_id, resolution, person)
                await assign_in(connection, thread_id, None)
            detail = {"run_id": str(run_id), "tickets": closed}
            event = "conversation.handed_back"
            await note(connection, person.staff_id, event, str(thread_id), detail)
        self._tell(withdrawn)
        return Change(turn, closed=closed)

    def _tell(self, withdrawn: Sequence[DictRow]) -> None:
        for card in withdrawn:
            self._on_end(card["kind"], "cancelled")

    async def _silence(self, connection: Connection, thread_id: UUID) -> list[DictRow]:
        """End what is under way and what waits. News is told after the hand-back, as a new run."""
        ended = await (await connection.execute(END_RUNS, [thread_id])).fetchall()
        await connection.execute(STOP_WORK, [[run["run_id"] for run in ended]])
        for run in ended:
            if run["notice"]:
                await queue_notice(connection, uuid5(run["run_id"], "again"), run, run["notice"])
        return ended


def check_has(has: dict[str, Any] | None, person: Person, *, may_lead: bool = False) -> None:
    """Raise OperationRefused unless that person has the conversation, or may speak for who does."""
    if has is None:
        raise OperationRefused(NOBODY)
    if has["staff_id"] != person.staff_id and not (may_lead and person.leads):
        raise OperationRefused(theirs(has))


def theirs(has: dict[str, Any]) -> str:
    """Why somebody else cannot write, and what to do."""
    return (
        f"{has['name']} has this conversation: ask them to hand it back, or a supervisor to take"
        " it over."
    )


def _told(event: Event, last: DictRow, person: Person, run_id: UUID) -> Words:
    language = str(last["focus"].get("language", "en"))
    return Words(run_id, line(event, language, person.name), event)


async def _withdraw(connection: Connection, thread_id: UUID) -> list[DictRow]:
    withdrawn = await (await connection.execute(WITHDRAW, [WITHDRAWN, thread_id])).fetchall()
    for row in withdrawn:
        await audit(connection, "assistant", "cancelled", row["action_id"], WITHDRAWN)
    return withdrawn
