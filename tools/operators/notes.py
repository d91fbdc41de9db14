"""What colleagues tell each other about a conversation. No customer ever sees it."""

from uuid import UUID, uuid5

from psycopg.rows import DictRow

from tools.audit import note
from tools.database import Pool, fetch_all
from tools.errors import OperationRefused
from tools.operators.person_turns import Person, locked

ADD = """
insert into notes (note_id, thread_id, author, name, content) values (%s, %s, %s, %s, %s)
on conflict do nothing returning note_id"""
OF_THREAD = """
select note_id, author, name, content, created_at from notes where thread_id = %s
order by created_at"""


class Notes:
    """The notes table. Rows are only added."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def add(self, thread_id: UUID, content: str, person: Person, once: UUID) -> UUID:
        """Keep a note; pressed twice it is kept once."""
        if not (text := content.strip()):
            raise OperationRefused("Write something first: the note is empty.")
        note_id = uuid5(once, f"note:{thread_id}")
        async with self._pool.connection() as connection, connection.transaction():
            await locked(connection, thread_id)
            kept = await connection.execute(
                ADD, [note_id, thread_id, person.staff_id, person.name, text]
            )
            if kept.rowcount:
                event, detail = "conversation.noted", {"note_id": str(note_id)}
                await note(connection, person.staff_id, event, str(thread_id), detail)
        return note_id

    async def of_thread(self, thread_id: UUID) -> list[DictRow]:
        """Every note, oldest first."""
        return await fetch_all(self._pool, OF_THREAD, [thread_id])
