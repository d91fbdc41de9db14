"""What staff read of feedback."""

from uuid import UUID

from psycopg.rows import DictRow

from tools.database import Pool, fetch_all
from tools.feedback.store import COLUMNS


class FeedbackRecords:
    """Reads of the feedback table, whoever it is from. Comments hold what customers wrote: mask."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def of_thread(self, thread_id: UUID) -> list[DictRow]:
        """All of one conversation, oldest first; `message_id` is None for its survey."""
        return await fetch_all(
            self._pool,
            f"select {COLUMNS} from feedback where thread_id = %s order by created_at",
            [thread_id],
        )
