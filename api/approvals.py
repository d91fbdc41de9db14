"""A person's decision about a card, however it comes in."""

import contextlib
from uuid import UUID

from fastapi import HTTPException
from psycopg.rows import DictRow

from api.errors import not_found
from api.tokens import Staff
from graph.changing import change_card
from graph.clients import Clients
from graph.execution import DATABASE_ERRORS
from nodes.cards.wish import Wish
from tools.actions.records import ActionRecords
from tools.actions.replacing import Agreed
from tools.rules import load_rules


async def decide_card(
    action_id: UUID, clients: Clients, staff: Staff, *, approved: bool, reason: str
) -> DictRow:
    """Approve or decline a card that waits; 403 below its level, 409 when it waits no more."""
    row = await card_of(action_id, ActionRecords(clients.pool))
    level = row["approval_level"]
    if level is None:
        raise HTTPException(409, "This card needs nobody's approval.")
    if staff.level < level:
        raise HTTPException(
            403, f"This needs level {level} ({who_is(level)}), and you are level {staff.level}."
        )
    if not approved and not reason.strip():
        raise HTTPException(422, "Say why it is declined: 'reason' is empty.")
    decided = await clients.desk.decide(
        action_id, staff.staff_id, approved=approved, reason=reason.strip()
    )
    if decided is None:
        raise HTTPException(409, _over(await card_of(action_id, ActionRecords(clients.pool))))
    return decided


async def change(action: DictRow, wish: Wish, clients: Clients, staff: Staff, note: str) -> UUID:
    """Change a card that waits; the customer is asked for their yes to the other one: its id."""
    agreed = Agreed(staff.staff_id, staff.level, note.strip())
    made = await change_card(clients, action, wish, agreed)
    with contextlib.suppress(*DATABASE_ERRORS):  # it is stored: the sweep takes its turn
        await clients.executor.take(action["thread_id"])
    return made


async def card_of(action_id: UUID, records: ActionRecords) -> DictRow:
    """The card, else 404."""
    row = await records.card(action_id)
    if row is None:
        raise not_found("Action", action_id)
    return row


def who_is(level: int) -> str:
    """Who decides at a level."""
    return load_rules().escalation.levels[level].who


def _over(row: DictRow) -> str:
    """Why there is nothing to decide any more."""
    by = f" by {row['decided_by']}" if row["decided_by"] else ""
    return f"This card does not wait any more: it is {row['status']}{by}."
