"""How long a finished turn's checkpoints are kept: some days for time travel, then they go.

The conversation itself is in the messages table and stays.
"""

from tools.database import Pool

BATCH = 100  # turns of one transaction
BATCHES = 5  # of one sweep, which other work waits for

# Over for long, and its checkpoints neither shared with a turn that is not, nor what a turn that is
# queued or under way may begin from.
# Each status has a small index of its own.
PRUNABLE = """
r.pruned_at is null and r.status in ('succeeded', 'failed', 'cancelled')
and r.updated_at < now() - %(days)s * interval '1 day'
and not exists (select 1 from runs o where o.thread_id = r.thread_id and o.status = 'queued')
and not exists (select 1 from runs o where o.thread_id = r.thread_id and o.status = 'running')
and not exists (select 1 from runs o where o.graph_thread = r.graph_thread
  and (o.status = 'interrupted' or o.updated_at >= now() - %(days)s * interval '1 day'))"""

# A new turn counts its thread up, so none comes between this and the end of the transaction.
LOCK = f"""
select thread_id from threads where thread_id in
  (select r.thread_id from runs r where {PRUNABLE} order by r.updated_at limit %(batch)s)
for no key update skip locked"""

MARK = f"""
update runs set pruned_at = now(), trace = null where run_id in
  (select r.run_id from runs r where r.thread_id = any(%(threads)s) and {PRUNABLE}
   order by r.updated_at limit %(batch)s)
returning graph_thread"""


class Retention:
    """Deletes checkpoints in small batches. Every replica may; none does another's work again."""

    def __init__(self, pool: Pool, days: int) -> None:
        self._pool = pool
        self._days = days

    async def prune(self) -> int:
        """Delete what is due, as far as one sweep goes; of how many turns."""
        total = 0
        for _ in range(BATCHES):
            total += (pruned := await self._prune_batch())
            if pruned < BATCH:
                break
        return total

    async def _prune_batch(self) -> int:
        limits = {"days": self._days, "batch": BATCH}
        async with self._pool.connection() as connection, connection.transaction():
            locked = await (await connection.execute(LOCK, limits)).fetchall()
            threads = {"threads": [row["thread_id"] for row in locked]}
            marked = await (await connection.execute(MARK, limits | threads)).fetchall()
            gone = sorted({row["graph_thread"] for row in marked})
            for table in ("checkpoints", "checkpoint_blobs", "checkpoint_writes"):
                await connection.execute(f"delete from {table} where thread_id = any(%s)", [gone])
        return len(marked)
