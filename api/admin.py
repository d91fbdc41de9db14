"""What staff decide, and what became of cards."""

import contextlib
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query
from psycopg.rows import DictRow
from pydantic import Field, model_validator

from api.approvals import card_of, change, decide_card, who_is
from api.dependencies import ClientsOf
from api.schemas import Body, Text
from api.staff import StaffMember
from api.tokens import Staff
from graph.changing import preview_change
from graph.clients import now
from graph.execution import DATABASE_ERRORS
from graph.inspection.conversation import personal_names
from graph.inspection.masking import hidden
from nodes.cards.wish import Wish
from tools.actions.dossier import urgency
from tools.actions.reasons import reason_of
from tools.actions.records import ActionRecords, Filter
from tools.rules import WindowName

router = APIRouter(prefix="/admin", tags=["console"])
ActionId = Annotated[UUID, Path(description="The card's id")]


class Decision(Body):
    """What a person says to a card that waits for one. Who declines says why."""

    decision: Literal["approve", "decline"]
    reason: Annotated[Text, Field(max_length=500)] = ""

    @model_validator(mode="after")
    def _declined_with_reason(self) -> "Decision":
        if self.decision == "decline" and not self.reason.strip():
            raise ValueError("say why it is declined: 'reason' is empty")
        return self


class Change(Body):
    """What of a card is to be different. Prices, tax and totals are computed.

    `pieces` are by the line's place on the card, from 0; none of them leaves the line out. `amount`
    is what a credit grants, or what a cancellation costs, before GST.
    """

    pieces: dict[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0, le=1_000_000)]] = Field(
        default_factory=dict
    )
    amount: Annotated[Decimal, Field(ge=0, max_digits=9, decimal_places=2)] | None = None
    day: date | None = None
    window: WindowName | None = None
    note: Annotated[Text, Field(max_length=500)] = ""
    dry_run: bool = False

    @property
    def wish(self) -> Wish:
        """The same, as the card is made of it."""
        return Wish(self.pieces, self.amount, self.day, self.window)


def records_of(clients: ClientsOf) -> ActionRecords:
    """What operators read."""
    return ActionRecords(clients.pool)


Records = Annotated[ActionRecords, Depends(records_of)]


@router.get("/approvals")
async def list_approvals(records: Records, staff: StaffMember) -> list[dict[str, Any]]:
    """Cards that wait for a person, the oldest first."""
    return [_shown(row, staff) for row in await records.waiting()]


@router.post("/approvals/{action_id}")
async def decide(
    action_id: ActionId, body: Decision, clients: ClientsOf, records: Records, staff: StaffMember
) -> dict[str, Any]:
    """Approve or decline a card. What was approved goes on at once, and the customer hears."""
    decided = await decide_card(
        action_id, clients, staff, approved=body.decision == "approve", reason=body.reason
    )
    with contextlib.suppress(*DATABASE_ERRORS):  # it is stored: the sweep takes its run
        await clients.executor.take(decided["thread_id"])
    return _shown(await card_of(action_id, records), staff)


@router.post("/approvals/{action_id}/change")
async def change_card(
    action_id: ActionId, body: Change, clients: ClientsOf, records: Records, staff: StaffMember
) -> dict[str, Any]:
    """Change a card: it ends, and the customer is asked for their yes to the other one.

    With `dry_run` the card is only shown as it would be.
    """
    row = await card_of(action_id, records)
    if body.dry_run:
        draft = await preview_change(clients, row, body.wish, staff.level)
        shown = hidden(draft.card, personal_names(row["scope"], ()))
        return {"action_id": None, "replaces": action_id, "card": shown}
    made = await change(row, body.wish, clients, staff, body.note)
    return _shown(await card_of(made, records), staff)


@router.get("/actions")
async def list_actions(
    records: Records,
    staff: StaffMember,
    status: Filter | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> list[dict[str, Any]]:
    """Cards, the one that changed last first. `trouble`: given up lately, or tried repeatedly."""
    return [_shown(row, staff) for row in await records.cards(status, limit)]


@router.get("/actions/{action_id}")
async def get_action(action_id: ActionId, records: Records, staff: StaffMember) -> dict[str, Any]:
    """One card with its writes and who did what to it."""
    row = await card_of(action_id, records)
    return _shown(row, staff) | {
        "writes": await records.writes(action_id),
        "trail": await records.trail(action_id),
    }


@router.post("/actions/{action_id}/again")
async def look_again(
    action_id: ActionId, clients: ClientsOf, records: Records, staff: StaffMember
) -> dict[str, Any]:
    """Try a card whose write is not known to stand now: looked up first, written at most once."""
    row = await card_of(action_id, records)
    await clients.desk.look_again(action_id, staff.staff_id)
    return _shown(row, staff)


def _shown(row: DictRow, staff: Staff) -> dict[str, Any]:
    level, scope = row["approval_level"], row["scope"]
    names = personal_names(scope, ())
    is_waiting = row["status"] == "confirmed" and level is not None
    why = _why(row) if is_waiting else {}
    changed: datetime = row["confirmed_at"] if is_waiting else row["updated_at"]
    return {
        "action_id": row["action_id"],
        "kind": row["kind"],
        "status": row["status"],
        "card": hidden(row["card"], names),
        "document_number": row["document_number"] if row["status"] == "committed" else None,
        "company": scope.get("company", ""),
        "customer": hidden(scope.get("name", ""), names),
        "customer_id": row["customer_id"],
        "thread_id": row["thread_id"],
        "ticket": f"T-{row['ticket_id']:06}" if row["ticket_id"] else None,
        "level": level,
        "who": who_is(level) if level else None,
        "may_decide": is_waiting and staff.level >= level,
        "since": changed,
        "age_s": int((now() - changed).total_seconds()),
        "tries": row["tries"],
        "error": row["error"],
        "decided_by": row["decided_by"],
        "decided_at": row["decided_at"],
        "agreed_by": row["agreed_by"],
        "replaces": row["replaces"],
        **why,
    }


def _why(row: DictRow) -> dict[str, Any]:
    """What a card that waits is decided by."""
    reason, (due, is_late, is_forgotten) = reason_of(row), urgency(row, now())
    return {
        "reason": reason.why,
        "rules": reason.figures,
        "section": reason.section,
        "decide_by": due,
        "is_late": is_late,
        "is_forgotten": is_forgotten,
        "escalated_at": row["escalated_at"],
    }
