"""What people and the sweeper do with cards: approve, decline, finish, chase, tell."""

from datetime import datetime, timedelta
from uuid import NAMESPACE_OID, UUID, uuid5

from psycopg.rows import DictRow

from tools.actions.selected import COLUMNS, WAITING
from tools.actions.trail import OnEnd, audit, close_ticket, nobody
from tools.database import Pool, fetch_all, fetch_one
from tools.errors import OperationRefused
from tools.intake import queue_notice

APPROVAL_DAYS = 7  # after that nobody has agreed, and the card lapses
FIRST_RETRY_SECONDS = 5
LONGEST_RETRY_SECONDS = 300
MOST = 20  # cards in one sweep
NOT_UNDER_WAY = "This card does not wait for Xero (any more): see what became of it."

_NO_ACTIVE_RUN = (
    "not exists (select 1 from runs r where r.thread_id = a.thread_id"
    " and r.status in ('queued', 'running') and r.due_at is null)"
)


class ApprovalDesk:
    """Cards as staff and background work see them, whoever their customer is.

    `on_end` is told of each that ends here.
    """

    def __init__(self, pool: Pool, on_end: OnEnd = nobody) -> None:
        self._pool = pool
        self._on_end = on_end

    async def decide(
        self, action_id: UUID, who: str, *, approved: bool, reason: str
    ) -> DictRow | None:
        """Record a person's decision; None when the card does not wait for one any more.

        The ticket is closed with it, and the waiting run is queued again.
        """
        async with self._pool.connection() as connection, connection.transaction():
            decided = await connection.execute(
                "update actions set status = case when %(yes)s then 'approved' else 'declined' end,"
                " error = case when %(yes)s then error else nullif(%(reason)s, '') end,"
                " decided_by = %(who)s, decided_at = now(), updated_at = now(),"
                f" to_tell = not %(yes)s where action_id = %(id)s and {WAITING}"
                f" returning {COLUMNS}",
                {"yes": approved, "reason": reason, "who": who, "id": action_id},
            )
            row = await decided.fetchone()
            if row:
                event = "approved" if approved else "not_approved"
                await audit(connection, who, event, action_id, reason)
                await close_ticket(connection, row["run_id"])
        if row and not approved:
            self._on_end(row["kind"], "declined")
        await self.resume_decided()
        return row

    async def resume_decided(self) -> None:
        """Queue the runs whose decision has come; they may have paused only after it."""
        async with self._pool.connection() as connection:
            await connection.execute(
                "update runs r set status = 'queued', attempts = 0, strikes = 0,"
                " updated_at = now(),"
                " resume = jsonb_build_object('approved', a.status <> 'declined'"
                "  and a.status <> 'cancelled' and a.status <> 'expired')"
                " from actions a where a.run_id = r.run_id and r.status = 'interrupted'"
                " and a.decided_at is not null and exists (select 1 from messages m"
                "  where m.run_id = r.run_id and m.role = 'ai')"
            )
            # A decision may come before the turn has opened its ticket.
            await connection.execute(
                "update tickets t set status = 'closed', closed_at = now() from actions a"
                " where t.status = 'open'"
                " and t.reason = 'approval' and t.task_key = a.run_id || ':hand_off'"
                " and a.decided_at is not null"
            )

    async def unfinished(self) -> list[DictRow]:
        """Confirmed cards that no run works on, and whose next try is due."""
        return await fetch_all(
            self._pool,
            "update actions a set tries = tries + 1, try_after = now() + interval '1 second'"
            f" * least({FIRST_RETRY_SECONDS} * power(2, least(tries, 10)), {LONGEST_RETRY_SECONDS})"
            " where action_id in (select action_id from actions a where (a.status = 'approved'"
            "  or a.status = 'confirmed' and a.approval_level is null) and a.try_after < now()"
            f"  and a.updated_at < now() - interval '{FIRST_RETRY_SECONDS} seconds'"
            f"  and {_NO_ACTIVE_RUN} order by a.updated_at for update skip locked limit {MOST})"
            f" returning {COLUMNS}",
        )

    async def look_again(self, action_id: UUID, who: str) -> None:
        """Let the next sweep try a card whose write is not known to stand, instead of a later one.

        Each try looks the document up first, so pressing often writes nothing twice. Raises
        OperationRefused for a card that has ended, or waits for somebody else than Xero.
        """
        async with self._pool.connection() as connection, connection.transaction():
            found = await connection.execute(
                "update actions set try_after = now() where action_id = %s and (status = 'approved'"
                " or status = 'confirmed' and approval_level is null) returning 1",
                [action_id],
            )
            if await found.fetchone() is None:
                raise OperationRefused(NOT_UNDER_WAY)
            await audit(connection, who, "tried_again", action_id, "")

    async def expire(self, now: datetime) -> None:
        """End cards that nobody answered in time, and those no person decided about."""
        async with self._pool.connection() as connection, connection.transaction():
            ended = await connection.execute(
                "update actions set status = 'expired', updated_at = now(),"
                " error = coalesce(error, 'no answer in time')"
                " where status in ('proposed', 'prepared') and expires_at < %s"
                " returning action_id, kind",
                [now],
            )
            lapsed = await connection.execute(
                "update actions set status = 'expired', error = 'nobody decided', to_tell = true,"
                " decided_at = now(), updated_at = now()"
                f" where {WAITING} and confirmed_at < %s returning action_id, run_id, kind",
                [now - timedelta(days=APPROVAL_DAYS)],
            )
            undecided = await lapsed.fetchall()
            rows = [*await ended.fetchall(), *undecided]
            for row in rows:
                await audit(connection, "assistant", "expired", row["action_id"], "")
            for row in undecided:
                await close_ticket(connection, row["run_id"])
        for row in rows:
            self._on_end(row["kind"], "expired")

    async def silent_unusual(self, since: datetime) -> list[DictRow]:
        """Unusual orders that were shown before `since` and not answered (O8)."""
        return await fetch_all(
            self._pool,
            f"select {COLUMNS} from actions where status = 'proposed' and chased_at is null"
            " and kind = 'order' and (card->>'unusual')::boolean and created_at < %s"
            " and thread_id is not null",
            [since],
        )

    async def chased(self, action_id: UUID) -> None:
        """A ticket for the silent order is open."""
        await fetch_one(
            self._pool,
            "update actions set chased_at = now() where action_id = %s returning 1",
            [action_id],
        )

    async def tell_next(self) -> bool:
        """Queue one turn that tells a customer how their card ended; False when none is left."""
        async with self._pool.connection() as connection, connection.transaction():
            found = await connection.execute(
                f"select {COLUMNS} from actions where to_tell order by updated_at"
                " for update skip locked limit 1"
            )
            row = await found.fetchone()
            if row is None:
                return False
            notice = {"kind": "action", "action_id": str(row["action_id"])}
            run_id = uuid5(NAMESPACE_OID, f"{row['action_id']}:{row['status']}")
            await queue_notice(connection, run_id, row, notice)
            await connection.execute(
                "update actions set to_tell = false where action_id = %s", [row["action_id"]]
            )
        return True
