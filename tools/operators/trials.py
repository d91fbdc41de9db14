"""The trials table: what was tried with a turn, and what would have come of it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from tools.audit import note
from tools.database import Pool, fetch_all, fetch_one
from tools.operators.repairs import STANDING

COLUMNS = (
    "trial_id, run_id, thread_id, staff_id, wanted, outcome, error, created_at, done_at,"
    " extract(epoch from now() - created_at)::float as age_s"
)
# The turn with the last thing that the customer said.
LAST_ASKED = f"""
{STANDING.removesuffix(" where r.run_id = %s")} where r.run_id = (
  select m.run_id from messages m join runs o using (run_id)
  where m.thread_id = %s and m.role = 'human' and o.due_at is null
  order by o.turn desc, m.seq desc limit 1)"""


class Trials:
    """Begun, ended, and read again by any process."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def begin(self, run: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
        """Keep that a trial begins, and in the audit who forks; False where it had begun before."""
        wanted = known["wanted"]
        values = {**known, "wanted": Jsonb(dict(wanted)), "run_id": run["run_id"]}
        async with self._pool.connection() as connection, connection.transaction():
            begun = await connection.execute(
                "insert into trials (trial_id, run_id, thread_id, staff_id, wanted)"
                " values (%(trial_id)s, %(run_id)s, %(thread_id)s, %(staff_id)s, %(wanted)s)"
                " on conflict (trial_id) do nothing",
                {**values, "thread_id": run["thread_id"]},
            )
            if begun.rowcount:
                detail = {
                    "trial": str(known["trial_id"]),
                    "prompts": sorted(wanted["prompts"]),
                    "keys": sorted(wanted["values"]),
                    "model": wanted["model"],
                }
                await note(connection, known["staff_id"], "run.forked", str(run["run_id"]), detail)
        return bool(begun.rowcount)

    async def end(self, trial_id: UUID, outcome: Mapping[str, Any]) -> None:
        """Keep what came of it."""
        await self._ended(trial_id, Jsonb(dict(outcome)), None)

    async def fail(self, trial_id: UUID, error: str) -> None:
        """Keep that it raised, as a turn would have."""
        await self._ended(trial_id, None, error)

    async def forget(self, trial_id: UUID) -> None:
        """Drop a trial that could not be played."""
        async with self._pool.connection() as connection:
            await connection.execute("delete from trials where trial_id = %s", [trial_id])

    async def get(self, trial_id: UUID) -> DictRow | None:
        """One trial."""
        return await fetch_one(
            self._pool, f"select {COLUMNS} from trials where trial_id = %s", [trial_id]
        )

    async def of_run(self, run_id: UUID) -> list[DictRow]:
        """A turn's trials, the latest first."""
        return await fetch_all(
            self._pool,
            f"select {COLUMNS} from trials where run_id = %s order by created_at desc",
            [run_id],
        )

    async def last_asked(self, thread_id: UUID) -> DictRow | None:
        """The turn with the last thing that the customer said; None where there is none."""
        return await fetch_one(self._pool, LAST_ASKED, [thread_id])

    async def _ended(self, trial_id: UUID, outcome: Jsonb | None, error: str | None) -> None:
        async with self._pool.connection() as connection:
            await connection.execute(
                "update trials set outcome = %s, error = %s, done_at = now() where trial_id = %s",
                [outcome, error, trial_id],
            )
