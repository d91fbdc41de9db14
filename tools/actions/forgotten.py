"""Approvals that nobody gave in time: the next level hears of them, once."""

from collections.abc import Callable
from datetime import datetime, timedelta

from tools.actions.selected import WAITING
from tools.actions.trail import audit
from tools.database import Pool
from tools.ordering.delivery import business_deadline
from tools.rules import load_rules

HIGHEST = 4
BATCH = 50


class Forgotten:
    """Cards that have waited for a person for too long."""

    def __init__(self, pool: Pool, now: Callable[[], datetime]) -> None:
        self._pool = pool
        self._now = now

    async def escalate(self) -> None:
        """Pass their tickets on to the next level. Whoever may decide still may."""
        before = self._now() - timedelta(hours=load_rules().escalation.forgotten_hours)
        async with self._pool.connection() as connection, connection.transaction():
            found = await connection.execute(
                "update actions set escalated_at = now() where action_id in"
                f" (select action_id from actions where {WAITING} and escalated_at is null"
                "  and confirmed_at < %s order by confirmed_at limit %s for update skip locked)"
                " returning action_id, run_id, approval_level",
                [before, BATCH],
            )
            for row in await found.fetchall():
                level = min(row["approval_level"] + 1, HIGHEST)
                await connection.execute(
                    "update tickets set levels = array[%s::integer], deadline = %s"
                    " where task_key = %s and status = 'open'",
                    [level, self._deadline(level), f"{row['run_id']}:hand_off"],
                )
                await audit(
                    connection, "assistant", "escalated", row["action_id"], f"to level {level}"
                )

    def _deadline(self, level: int) -> datetime:
        minutes = load_rules().escalation.levels[level].first_reply_minutes
        return business_deadline(self._now(), minutes)
