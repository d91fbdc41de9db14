"""Who looked at what they are not shown at once: written down before they see it."""

from uuid import UUID

from tools.audit import note
from tools.database import Pool

UNMASKED = "conversation.unmasked"
IS_THERE = "select 1 from threads where thread_id = %s for key share"


async def note_unmasked(pool: Pool, thread_id: UUID, actor: str, reason: str) -> bool:
    """Note that somebody sees personal data, and why; False where there is no conversation."""
    async with pool.connection() as connection, connection.transaction():
        if await (await connection.execute(IS_THERE, [thread_id])).fetchone() is None:
            return False
        await note(connection, actor, UNMASKED, str(thread_id), {"reason": reason})
    return True
