"""What happens later: runs that were put off, threads that go, whom to tell of an ended run."""

from psycopg.rows import DictRow

from tools.database import Pool, fetch_all, fetch_one
from tools.intake import COLUMNS, WAKE

MOST = 20  # of a kind in one sweep
LEASE_SECONDS = 60  # for one attempt at telling
MOST_TRIES = 8
FIRST_RETRY_SECONDS = 2

RIPEN = """
with due as (select run_id, thread_id from runs where due_at <= now() and status = 'queued'
    order by due_at for update skip locked limit 1),
 counted as (update threads t set turns = turns + 1, updated_at = now() from due
    where t.thread_id = due.thread_id returning t.thread_id, t.turns)
update runs r set due_at = null, turn = counted.turns, after_turn = last_turn(r.thread_id),
  graph_thread = r.thread_id || ':' || counted.turns
from due join counted using (thread_id) where r.run_id = due.run_id returning r.run_id"""

UNDER_WAY = """
(exists (select 1 from runs r where r.thread_id = t.thread_id
    and r.status in ('queued', 'running', 'interrupted'))
 or exists (select 1 from tickets k where k.thread_id = t.thread_id and k.status = 'open')
 or exists (select 1 from actions a where a.thread_id = t.thread_id
    and a.status in ('confirmed', 'approved')))"""

TO_TELL = f"""
update runs set webhook_tries = webhook_tries + 1,
  webhook_after = now() + {LEASE_SECONDS} * interval '1 second'
where run_id in (select run_id from runs where webhook is not null and webhook_done_at is null
    and webhook_after <= now() and status in ('succeeded', 'failed', 'cancelled', 'interrupted')
    order by webhook_after for update skip locked limit {MOST})
returning {COLUMNS}, webhook_tries"""


class Deferred:
    """Steps that any replica may do, and one only."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def ripen(self) -> None:
        """Make runs part of their conversation whose time has come: as its last turn."""
        while await fetch_one(self._pool, RIPEN):
            async with self._pool.connection() as connection:
                await connection.execute(WAKE)

    async def drop_temporary(self) -> None:
        """Delete threads of stateless runs whose time is over, unless something is under way."""
        async with self._pool.connection() as connection, connection.transaction():
            found = await connection.execute(
                f"select thread_id from threads t where temporary_until < now() and not {UNDER_WAY}"
                f" for update skip locked limit {MOST}"
            )
            gone = [row["thread_id"] for row in await found.fetchall()]
            for table in ("checkpoints", "checkpoint_blobs", "checkpoint_writes"):
                await connection.execute(
                    f"delete from {table} c using runs r where r.thread_id = any(%s)"
                    " and c.thread_id = r.graph_thread",
                    [gone],
                )
            await connection.execute("delete from threads where thread_id = any(%s)", [gone])

    async def to_tell(self) -> list[DictRow]:
        """Runs that have ended and whose webhook is due, each for one attempt."""
        return await fetch_all(self._pool, TO_TELL)

    async def told(self, run: DictRow, *, is_delivered: bool) -> None:
        """How telling went: done, to be tried again later, or given up."""
        is_over = is_delivered or run["webhook_tries"] >= MOST_TRIES
        await fetch_one(
            self._pool,
            "update runs set webhook_done_at = case when %s then now() end,"
            " webhook_after = now() + %s * interval '1 second' where run_id = %s returning 1",
            [is_over, FIRST_RETRY_SECONDS * 2 ** run["webhook_tries"], run["run_id"]],
        )
