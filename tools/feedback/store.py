"""What customers say of answers and conversations. Their words are shown to staff, never logged."""

from dataclasses import dataclass
from uuid import UUID

from psycopg.rows import DictRow

from tools.database import Pool, fetch_all
from tools.feedback.resolution import OnResolved, nobody, settle

COLUMNS = "message_id, score, is_solved, comment, created_at, updated_at"

# Of answers alone: one's own words cannot be rated.
GIVE = f"""
insert into feedback (thread_id, customer_id, message_id, score, is_solved, comment)
select t.thread_id, t.customer_id, %(message_id)s, %(score)s, %(is_solved)s, %(comment)s
from threads t where t.thread_id = %(thread_id)s and t.customer_id = %(customer_id)s
  and (%(message_id)s::text is null or exists (select 1 from messages m
    where m.thread_id = t.thread_id and m.message_id = %(message_id)s and m.role <> 'human'))
on conflict (thread_id, (coalesce(message_id, ''))) do update set score = excluded.score,
  is_solved = excluded.is_solved, comment = excluded.comment, updated_at = now()
returning {COLUMNS}"""


@dataclass(frozen=True)
class Opinion:
    """A thumb about one answer (-1 or 1), or a survey about the conversation (1 to 5, solved)."""

    message_id: str | None
    score: int | None
    is_solved: bool | None
    comment: str


class Feedback:
    """The feedback table, as customers see it. `on_resolved` is told what it settles."""

    def __init__(self, pool: Pool, on_resolved: OnResolved = nobody) -> None:
        self._pool = pool
        self._on_resolved = on_resolved

    async def give(self, thread_id: UUID, customer_id: str, opinion: Opinion) -> DictRow | None:
        """Keep it, instead of what was said of the same before; None for what is not theirs."""
        values = {
            "thread_id": thread_id,
            "customer_id": customer_id,
            "message_id": opinion.message_id,
            "score": opinion.score,
            "is_solved": opinion.is_solved,
            "comment": opinion.comment,
        }
        async with self._pool.connection() as connection, connection.transaction():
            row = await (await connection.execute(GIVE, values)).fetchone()
            settled = await settle(connection, thread_id) if row else []
        for resolution in settled:
            self._on_resolved(resolution)
        return row

    async def of_customer(self, thread_id: UUID, customer_id: str) -> list[DictRow]:
        """What the customer has said in one conversation."""
        return await fetch_all(
            self._pool,
            f"select {COLUMNS} from feedback where thread_id = %s and customer_id = %s"
            " order by created_at",
            [thread_id, customer_id],
        )
