"""Cards that wait for a person: approve, change or decline them, with what there is to know."""

import contextlib
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Form, HTTPException, Request, Response
from psycopg.rows import DictRow

from api.admin import ActionId, Records
from api.approvals import card_of, change, decide_card, who_is
from api.console.rendering import money, render, see
from api.console.session import Operator
from api.dependencies import ClientsOf
from api.tokens import Staff
from graph.changing import preview_change
from graph.clients import now
from graph.execution import DATABASE_ERRORS
from graph.inspection.conversation import personal_names
from graph.inspection.masking import hidden
from nodes.cards.reworked import CHANGEABLE
from nodes.cards.wish import Wish
from tools.actions.dossier import Dossier, dossiers
from tools.errors import OperationRefused
from tools.ordering.pricing import CENT
from tools.rules import WindowName, load_rules

router = APIRouter(include_in_schema=False)

MOST_PIECES = 1_000_000
LONGEST_NOTE = 500
LOOKED = "Xero is asked now. What stands there is not written again; the card below shows the end."
Words = Annotated[str, Form(max_length=LONGEST_NOTE)]


@dataclass(frozen=True)
class Typed:
    """What the form for a change says, as it was typed."""

    pieces: list[int]
    amount: str = ""
    day: str = ""
    window: str = ""
    note: str = ""


def typed(
    pieces: Annotated[list[int] | None, Form()] = None,
    amount: Annotated[str, Form(max_length=20)] = "",
    day: Annotated[str, Form(max_length=10)] = "",
    window: Annotated[str, Form(max_length=20)] = "",
    note: Words = "",
) -> Typed:
    """The fields of the form for a change."""
    return Typed(pieces or [], amount, day, window, note)


@router.get("/console/approvals")
async def approvals_page(request: Request, records: Records, staff: Operator) -> Response:
    """What waits, the oldest first."""
    found = await dossiers(records, await records.waiting(), now())
    return render(
        request,
        "approvals.html",
        staff=staff,
        waiting=[_shown(each, staff) for each in found],
        forgotten=sum(each.is_forgotten for each in found),
    )


@router.post("/console/approvals/{action_id}")
async def decide_page(  # noqa: PLR0913, PLR0917 (FastAPI fills them by their types)
    request: Request,
    action_id: ActionId,
    clients: ClientsOf,
    staff: Operator,
    decision: Annotated[Literal["approve", "decline"], Form()],
    reason: Words = "",
) -> Response:
    """Approve or decline. Whoever presses twice is told what they did the first time."""
    try:
        decided = await decide_card(
            action_id, clients, staff, approved=decision == "approve", reason=reason
        )
    except HTTPException as refused:
        if refused.status_code == HTTPStatus.NOT_FOUND:
            raise
        return see(request, "approvals", notice=str(refused.detail))
    with contextlib.suppress(*DATABASE_ERRORS):  # it is stored: the sweep takes its run
        await clients.executor.take(decided["thread_id"])
    done = "Approved" if decision == "approve" else "Declined"
    told = f"{done}: {decided['card'].get('title', decided['kind'])}. The customer is told."
    return see(request, "approvals", notice=told)


@router.post("/console/approvals/{action_id}/again")
async def look_again(
    request: Request, action_id: ActionId, clients: ClientsOf, records: Records, staff: Operator
) -> Response:
    """Look in Xero now whether a card's write stands there, instead of at the next try."""
    row = await card_of(action_id, records)
    await clients.desk.look_again(action_id, staff.staff_id)
    where = f"conversations/{row['thread_id']}" if row["thread_id"] else "xero"
    return see(request, where, notice=LOOKED)


@router.get("/console/approvals/{action_id}/change")
async def change_page(
    request: Request, action_id: ActionId, records: Records, staff: Operator
) -> Response:
    """What of a card can be changed."""
    row = await card_of(action_id, records)
    if row["status"] != "confirmed" or row["kind"] not in CHANGEABLE:
        return see(request, "approvals", notice="This card cannot be changed (any more).")
    return _change(request, row, staff, Typed([]))


@router.post("/console/approvals/{action_id}/change")
async def change_it(  # noqa: PLR0913, PLR0917 (FastAPI fills them by their types)
    request: Request,
    action_id: ActionId,
    clients: ClientsOf,
    records: Records,
    staff: Operator,
    asked: Annotated[Typed, Depends(typed)],
    step: Annotated[Literal["preview", "yes"], Form()] = "preview",
    seen: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Show what a card becomes; then end it and ask the customer about that one."""
    row = await card_of(action_id, records)
    try:
        wish = _wish(asked)
        if step == "yes" and row["status"] == "cancelled":  # pressed twice
            await change(row, wish, clients, staff, asked.note)
            return see(request, "approvals", notice=_told(row))
        draft = await preview_change(clients, row, wish, staff.level)
        if step == "yes" and seen == _seen(draft.card):
            await change(row, wish, clients, staff, asked.note)
            return see(request, "approvals", notice=_told(row))
    except OperationRefused as refused:
        return _change(request, row, staff, asked, problem=str(refused))
    problem = "The figures have changed since: please look again." if step == "yes" else ""
    return _change(request, row, staff, asked, problem=problem, changed=draft.card)


def _change(request: Request, row: DictRow, staff: Staff, asked: Typed, **values: Any) -> Response:
    changed: dict[str, Any] | None = values.pop("changed", None)
    names = personal_names(row["scope"], ())
    level = load_rules().escalation.levels[min(staff.level, 4)]
    limit = level.waiver if row["kind"] == "order_cancel" else level.credit
    return render(
        request,
        "approval_change.html",
        staff=staff,
        status=409 if values.get("problem") else 200,
        row=row,
        card=hidden(row["card"], names),
        company=row["scope"].get("company", ""),
        typed=asked,
        changed=changed and hidden(changed, names),
        seen=_seen(changed) if changed else "",
        limit="without bound" if limit is None else money(limit),
        windows=[window.name for window in load_rules().delivery.windows],
        **values,
    )


def _seen(card: dict[str, Any]) -> str:
    """What was shown to whoever says yes to it."""
    delivery = card.get("delivery") or {}
    return f"{card.get('total')} {delivery.get('day', '')} {delivery.get('window', '')}".strip()


def _told(row: DictRow) -> str:
    title = row["card"].get("title", row["kind"])
    return f"Changed: {title}. The customer is asked for their yes to it."


def _wish(asked: Typed) -> Wish:
    """What was typed as values; raises OperationRefused for what is none."""
    if any(not 0 <= count <= MOST_PIECES for count in asked.pieces):
        raise OperationRefused(f"Write pieces as a number from 0 to {MOST_PIECES:,}.")
    windows: dict[str, WindowName] = {w.name: w.name for w in load_rules().delivery.windows}
    return Wish(
        pieces=dict(enumerate(asked.pieces)),
        amount=_amount(asked.amount),
        day=_day(asked.day),
        window=windows.get(asked.window),
    )


def _amount(text: str) -> Decimal | None:
    if not text.strip():
        return None
    try:
        amount = Decimal(text.strip().replace(",", ""))
        if amount.is_finite() and amount >= 0 and amount == amount.quantize(CENT):
            return amount
    except InvalidOperation:
        pass
    raise OperationRefused("Write the amount with at most two decimals, such as 120.50.")


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise OperationRefused("Write the day like 2026-12-01.") from None


def _shown(each: Dossier, staff: Staff) -> dict[str, Any]:
    row = each.action
    may_decide = staff.level >= row["approval_level"]
    return {
        "action": row,
        "card": hidden(row["card"], personal_names(row["scope"], ())),
        "company": row["scope"].get("company", row["customer_id"]),
        "who": who_is(row["approval_level"]),
        "ticket": f"T-{row['ticket_id']:06}" if row["ticket_id"] else None,
        "age": (now() - row["confirmed_at"]).total_seconds(),
        "may_decide": may_decide,
        "may_change": may_decide and row["kind"] in CHANGEABLE and row["thread_id"],
        **{name: getattr(each, name) for name in ("reason", "due", "is_late", "is_forgotten")},
        **{name: getattr(each, name) for name in ("trail", "earlier")},
    }
