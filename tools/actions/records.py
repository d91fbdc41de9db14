"""What operators read about cards: who waits for whom, what went wrong, and what was done."""

from collections.abc import Sequence
from typing import Any, Literal
from uuid import UUID

from psycopg.rows import DictRow

from tools.actions.selected import COLUMNS, WAITING
from tools.database import Pool, fetch_all

TROUBLE_DAYS = 7
EARLIER = 5  # cards of the same customer

Filter = Literal[
    "prepared",
    "proposed",
    "confirmed",
    "approved",
    "committed",
    "declined",
    "expired",
    "cancelled",
    "failed",
    "trouble",
]

_TICKET = (
    "(select ticket_id from tickets where task_key = actions.run_id || ':hand_off'"
    " and status = 'open') as ticket_id"
)
# Given up in the last days, or tried more than once and still not done.
_TROUBLE = (
    f"status = 'failed' and updated_at > now() - interval '{TROUBLE_DAYS} days'"
    " or status in ('confirmed', 'approved') and tries > 0"
)


class ActionRecords:
    """Reads of the actions, their writes and their trail, whoever their customer is."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def waiting(self, limit: int = 100) -> list[DictRow]:
        """Cards that wait for a person, the oldest first, with the ticket that asks for it."""
        return await self._cards(WAITING, {"limit": limit}, "confirmed_at")

    async def cards(self, wanted: Filter | None, limit: int) -> list[DictRow]:
        """Cards, the one that changed last first."""
        condition = _TROUBLE if wanted == "trouble" else "status = coalesce(%(status)s, status)"
        values = {"status": wanted, "limit": limit}
        return await self._cards(condition, values, "updated_at desc")

    async def card(self, action_id: UUID) -> DictRow | None:
        """One card of any customer."""
        found = await self._cards("action_id = %(id)s", {"id": action_id, "limit": 1}, "action_id")
        return found[0] if found else None

    async def writes(self, action_id: UUID) -> list[DictRow]:
        """How far its writes got. What they say stays out."""
        return await fetch_all(
            self._pool,
            "select position, operation, status, epoch, sent_at, failed_at, document_id"
            " from action_writes where action_id = %s order by position",
            [action_id],
        )

    async def trail(self, action_id: UUID) -> list[DictRow]:
        """Who did what to it, in order."""
        return await fetch_all(
            self._pool,
            "select at, actor, event, detail->>'note' as note from audit where subject = %s"
            " order by audit_id",
            [str(action_id)],
        )

    async def trails(self, action_ids: Sequence[UUID]) -> dict[UUID, list[DictRow]]:
        """The same for several cards at once."""
        rows = await fetch_all(
            self._pool,
            "select subject, at, actor, event, detail->>'note' as note from audit"
            " where subject = any(%s) order by audit_id",
            [[str(each) for each in action_ids]],
        )
        return {i: [row for row in rows if row["subject"] == str(i)] for i in action_ids}

    async def earlier(self, action_ids: Sequence[UUID]) -> dict[UUID, list[DictRow]]:
        """What the customers of these cards agreed to before, latest first, a few of each."""
        rows = await fetch_all(
            self._pool,
            "select n.action_id as beside, e.* from actions n cross join lateral"
            " (select action_id, thread_id, kind, status, card, document_number, error,"
            "  decided_by, updated_at from actions o where o.customer_id = n.customer_id"
            "  and o.action_id <> n.action_id and o.confirmed_at is not null"
            f"  order by o.updated_at desc limit {EARLIER}) e where n.action_id = any(%s)"
            " order by e.updated_at desc",
            [list(action_ids)],
        )
        return {i: [row for row in rows if row["beside"] == i] for i in action_ids}

    async def _cards(self, condition: str, values: dict[str, Any], order: str) -> list[DictRow]:
        return await fetch_all(
            self._pool,
            f"select {COLUMNS}, tries, {_TICKET} from actions where {condition}"
            f" order by {order} limit %(limit)s",
            values,
        )
