"""Tickets of a conversation: who looks after them, when they were answered, how they ended."""

from uuid import UUID

from psycopg.rows import DictRow

from tools.audit import note
from tools.database import Pool, fetch_all
from tools.errors import OperationRefused
from tools.operators.person_turns import Connection, Person, locked

NOT_YOURS = "Only a supervisor may assign a conversation to somebody else."

OF_THREAD = """
select ticket_id, task_key, reason, levels, packet, deadline, status, created_at, assigned_to,
  answered_at, closed_at, closed_by, resolution,
  extract(epoch from deadline - now())::float as seconds_left
from tickets where thread_id = %s order by status = 'closed', deadline, ticket_id"""

ANSWERED = """
update tickets set answered_at = now()
where thread_id = %s and status = 'open' and answered_at is null"""

# A ticket that asks for a decision ends with the decision.
CLOSE = """
update tickets set status = 'closed', closed_at = now(), closed_by = %(who)s,
  resolution = %(resolution)s, answered_at = coalesce(answered_at, now())
where thread_id = %(thread_id)s and status = 'open' and reason <> 'approval' returning ticket_id"""

ASSIGN = "update threads set assigned_to = %(to)s where thread_id = %(thread_id)s"
ASSIGN_TICKETS = """
update tickets set assigned_to = %(to)s where thread_id = %(thread_id)s and status = 'open'"""


class ThreadTickets:
    """The tickets of one conversation, as the people see them who answer it."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def of_thread(self, thread_id: UUID) -> list[DictRow]:
        """Every ticket, the open ones first, the most urgent of them before the others."""
        return await fetch_all(self._pool, OF_THREAD, [thread_id])

    async def assign(self, thread_id: UUID, to: str | None, person: Person) -> None:
        """Say who looks after the conversation; nobody for None. Agents speak for themselves."""
        async with self._pool.connection() as connection, connection.transaction():
            to = (to or "").strip() or None
            thread = await locked(connection, thread_id)
            mine = (None, person.staff_id)
            if not person.leads and (to not in mine or thread["assigned_to"] not in mine):
                raise OperationRefused(NOT_YOURS)
            if thread["assigned_to"] == to:
                return
            await assign_in(connection, thread_id, to)
            event = "conversation.assigned"
            await note(connection, person.staff_id, event, str(thread_id), {"to": to})

    async def close(self, thread_id: UUID, resolution: str, person: Person) -> int:
        """Close the open tickets, and say how it ended; how many there were."""
        if not (ending := resolution.strip()):
            raise OperationRefused("Say how it ended: the resolution is empty.")
        async with self._pool.connection() as connection, connection.transaction():
            await locked(connection, thread_id)
            closed = await close_in(connection, thread_id, ending, person)
        if not closed:
            raise OperationRefused("No ticket of this conversation is open.")
        return closed


async def assign_in(connection: Connection, thread_id: UUID, to: str | None) -> None:
    """The conversation and its open tickets are that person's."""
    values = {"thread_id": thread_id, "to": to}
    await connection.execute(ASSIGN, values)
    await connection.execute(ASSIGN_TICKETS, values)


async def answered_in(connection: Connection, thread_id: UUID) -> None:
    """A person has written: nobody waits for the first word any more."""
    await connection.execute(ANSWERED, [thread_id])


async def close_in(connection: Connection, thread_id: UUID, resolution: str, person: Person) -> int:
    """Close the open tickets in a transaction that is under way."""
    values = {"thread_id": thread_id, "who": person.staff_id, "resolution": resolution}
    closed = await (await connection.execute(CLOSE, values)).fetchall()
    for row in closed:
        detail = {"ticket": row["ticket_id"]}
        await note(connection, person.staff_id, "ticket.closed", str(thread_id), detail)
    return len(closed)
