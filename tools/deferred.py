"""What happens later: runs that were put off, threads that go, whom to tell of an ended run."""

import psycopg
from psycopg.rows import DictRow

from tools.conversations import delete_quiet
from tools.database import Pool, fetch_all, fetch_one
from tools.intake import COLUMNS, WAKE

MOST = 20  # of a kind in one sweep
LEASE_SECONDS = 60  # for one attempt at telling
MOST_TRIES = 8
FIRST_RETRY_SECONDS = 2

# One that is due; its thread, locked; then the run, as the thread's last turn by then. Where a
# person has the conversation, news waits until they hand it back, and the rest is theirs to answer.
DUE = """
select run_id, thread_id from runs r where due_at <= now() and status = 'queued'
  and (notice is null or not exists (select 1 from threads t
    where t.thread_id = r.thread_id and t.person is not null))
order by due_at limit 1"""
COUNT = """
update threads set turns = turns + 1, updated_at = now() where thread_id = %(thread_id)s"""
RIPEN = """
update runs r set due_at = null, turn = t.turns, after_turn = last_turn(t.thread_id),
  graph_thread = t.thread_id || ':' || t.turns, for_person = t.person is not null,
  status = case when t.person is null then 'queued' else 'succeeded' end
from threads t where r.run_id = %(run_id)s and r.due_at is not null and r.status = 'queued'
  and t.thread_id = r.thread_id and (r.notice is null or t.person is null) returning r.run_id"""

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
        for _ in range(MOST):
            async with self._pool.connection() as connection, connection.transaction() as ripening:
                due = await (await connection.execute(DUE)).fetchone()
                if due is None:
                    return
                await connection.execute(COUNT, due)
                if not (await connection.execute(RIPEN, due)).rowcount:
                    raise psycopg.Rollback(ripening)  # another process was quicker
                await connection.execute(WAKE, due)

    async def drop_temporary(self) -> None:
        """Delete threads of stateless runs whose time is over, unless something is under way."""
        found = await fetch_all(
            self._pool,
            "select thread_id from threads where temporary_until < now() order by random()"
            f" limit {MOST}",
        )
        for row in found:
            async with self._pool.connection() as connection, connection.transaction():
                await delete_quiet(connection, row["thread_id"], None)

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
