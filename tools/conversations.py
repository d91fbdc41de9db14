"""The append-only conversation: threads and their messages in Postgres."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb
from typing_extensions import TypedDict

from tools.database import Pool, fetch_all, fetch_one

# A turn reads this many earlier messages, and a stream shows this many: both stay constant in time.
HISTORY = 10
WINDOW = 50

MESSAGE = "m.message_id, m.run_id::text, m.role, m.content, m.extra, m.created_at"
THREAD = """
select thread_id, customer_id, metadata, turns, created_at, updated_at,
  coalesce((select case r.status when 'failed' then 'error' when 'interrupted' then 'interrupted'
      when 'succeeded' then 'idle' when 'cancelled' then 'idle' else 'busy' end
    from runs r where r.thread_id = threads.thread_id order by r.turn desc limit 1), 'idle') status
from threads"""


class Message(TypedDict):
    """One message as it is stored. `extra` holds citations, cards and the like."""

    message_id: str
    run_id: str
    role: str
    content: str
    extra: dict[str, Any]
    created_at: datetime


class Conversations:
    """Threads and messages. Every look-up names the customer: a foreign thread does not exist."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def create(
        self, thread_id: UUID, customer_id: str, metadata: Mapping[str, Any]
    ) -> DictRow | None:
        """Create a thread; None when the id is taken."""
        return await fetch_one(
            self._pool,
            "insert into threads (thread_id, customer_id, metadata) values (%s, %s, %s)"
            " on conflict do nothing returning thread_id, customer_id, metadata, turns, created_at,"
            " updated_at, 'idle' as status",
            [thread_id, customer_id, Jsonb(dict(metadata))],
        )

    async def get(self, thread_id: UUID, customer_id: str) -> DictRow | None:
        """The customer's own thread, else None."""
        return await fetch_one(
            self._pool,
            THREAD + " where thread_id = %s and customer_id = %s",
            [thread_id, customer_id],
        )

    async def search(
        self, customer_id: str, metadata: Mapping[str, Any], limit: int, offset: int
    ) -> list[DictRow]:
        """The customer's threads whose metadata contain `metadata`, latest first."""
        return await fetch_all(
            self._pool,
            THREAD + " where customer_id = %s and metadata @> %s"
            " order by updated_at desc limit %s offset %s",
            [customer_id, Jsonb(dict(metadata)), limit, offset],
        )

    async def update(
        self, thread_id: UUID, customer_id: str, metadata: Mapping[str, Any]
    ) -> DictRow | None:
        """Merge `metadata` into the thread's."""
        await fetch_one(
            self._pool,
            "update threads set metadata = metadata || %s, updated_at = now()"
            " where thread_id = %s and customer_id = %s returning thread_id",
            [Jsonb(dict(metadata)), thread_id, customer_id],
        )
        return await self.get(thread_id, customer_id)

    async def delete(self, thread_id: UUID, customer_id: str) -> bool:
        """Delete a thread without a run, ticket or write under way, checkpoints and all."""
        async with self._pool.connection() as connection, connection.transaction():
            deleted = await connection.execute(
                "delete from threads t where thread_id = %s and customer_id = %s"
                " and not exists (select 1 from runs r where r.thread_id = t.thread_id"
                " and r.status in ('queued', 'running'))"
                " and not exists (select 1 from tickets k where k.thread_id = t.thread_id"
                " and k.status = 'open')"
                " and not exists (select 1 from actions a where a.thread_id = t.thread_id"
                " and a.status in ('confirmed', 'approved'))",
                [thread_id, customer_id],
            )
            if not deleted.rowcount:
                return False
            for table in ("checkpoints", "checkpoint_blobs", "checkpoint_writes"):
                await connection.execute(
                    f"delete from {table} where thread_id like %s",
                    [f"{thread_id}:%"],
                )
            return True

    async def window(
        self, thread_id: UUID, limit: int = WINDOW, *, through_turn: int | None = None
    ) -> list[Message]:
        """The last `limit` messages in the order of their turns, oldest first."""
        rows = await fetch_all(
            self._pool,
            f"select {MESSAGE} from messages m join runs r using (run_id) where r.thread_id = %s"
            " and r.turn <= coalesce(%s, r.turn) order by r.turn desc, m.seq desc limit %s",
            [thread_id, through_turn, limit],
        )
        return [_message(row) for row in reversed(rows)]

    async def asked(self, run_id: UUID) -> Message | None:
        """The customer's message that a run answers; None where the run tells something unasked."""
        row = await fetch_one(
            self._pool,
            f"select {MESSAGE} from messages m where run_id = %s and role = 'human'",
            [run_id],
        )
        return _message(row) if row else None


def _message(row: DictRow) -> Message:
    return cast(Message, row)
