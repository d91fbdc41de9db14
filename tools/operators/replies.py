"""What a person writes to a customer."""

from uuid import UUID, uuid5

from tools.audit import note
from tools.database import Pool
from tools.errors import OperationRefused
from tools.operators.person_turns import Person, Words, add_turn, found, last_of, locked
from tools.operators.takeover import Change, check_has
from tools.operators.tickets import answered_in

LONGEST = 10_000  # characters


class Replies:
    """Turns of the person who has the conversation."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def reply(self, thread_id: UUID, content: str, person: Person, once: UUID) -> Change:
        """Store what the customer is to read; pressed twice it is said once."""
        text = content.strip()
        if not text or len(text) > LONGEST:
            raise OperationRefused(f"Write something, of {LONGEST:,} characters at most.")
        run_id = uuid5(once, f"reply:{thread_id}")
        async with self._pool.connection() as connection, connection.transaction():
            thread = await locked(connection, thread_id)
            if await found(connection, run_id):
                return Change()
            check_has(thread["person"], person)
            last = await last_of(connection, thread_id)
            turn = await add_turn(connection, thread_id, last, person, Words(run_id, text))
            await answered_in(connection, thread_id)
            detail = {"run_id": str(run_id)}
            event = "conversation.replied"
            await note(connection, person.staff_id, event, str(thread_id), detail)
        return Change(turn)
