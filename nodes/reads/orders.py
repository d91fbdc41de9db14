"""The customer's orders: where they stand, when they come, and what was ordered before."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from nodes.reads.asked import invoices_asked
from nodes.state import Fact, State
from tools.context import Context
from tools.errors import BackendRejected, BackendUnavailable, ForeignDocument
from tools.ordering.finishes import finish_of
from tools.ordering.past import order_of
from tools.xero.documents import Invoice
from tools.xero.facts import money, text
from tools.xero.scoped import OURS

RECENT, MOST_CANCELLED = 3, 50
PLACING = frozenset({"order", "quote_accept"})
# What an order's invoice says where it goes: "Forno Rosso Tampines, 2026-11-26 09:00-12:00".
REFERENCE = re.compile(
    r"(?P<outlet>.+), (?P<day>\d{4}-\d{2}-\d{2}) (?P<window>\d{2}:\d{2}-\d{2}:\d{2})"
)


async def read_orders(state: State, context: Context) -> list[Fact]:
    """The orders that are named, else the latest: day, slot and outlet, and how far they are."""
    named = invoices_asked(state)
    if named and not any(OURS.fullmatch(number) for number in named):
        return []
    in_books = {i.invoice_number or "": i for i in await context.accounts.past_orders()}
    if named:
        found = [await _order(number, in_books.get(number), context) for number in named]
        listed = [order for order in found if order]
    else:
        listed = await _latest(state, in_books, context)
    checked = [] if named else await _being_checked(state, context)
    if not listed and (named or checked):
        return checked
    return [*checked, Fact(kind="orders", source="actions", data={"listed": listed})]


async def _latest(
    state: State, in_books: Mapping[str, Invoice], context: Context
) -> list[dict[str, Any]]:
    """Those in force, and a cancelled one where it was spoken of or there is no other."""
    customer_id, focus = context.caller.customer_id, state["turn"].get("focus", {})
    latest = await context.actions.committed_of(customer_id, RECENT)
    gone = await context.actions.cancelled_of(customer_id, RECENT)
    spoken_of = [row for row in gone if row["document_number"] in focus.get("documents", [])]
    cancelled = spoken_of or ([] if latest else gone[:1])
    return [
        *(_placed(row, None) for row in cancelled),
        *(_placed(row, in_books.get(row["document_number"])) for row in latest),
    ]


async def _being_checked(state: State, context: Context) -> list[Fact]:
    """Says so where nobody knows yet whether the order of this conversation went through."""
    thread_id = UUID(state["turn"]["thread_id"])
    card = await context.actions.open_of(thread_id, context.caller.customer_id)
    if card is None or card["status"] == "proposed" or card["kind"] not in PLACING:
        return []
    return [Fact(kind="still_placing", source="actions", data={"is_asked": True})]


async def read_past_order(state: State, context: Context) -> list[Fact]:
    """What "the same as last month" was: item codes, pieces, and how the goods came."""
    past = order_of(await context.accounts.past_orders(), state["screened"]["text"], context.now())
    lines = [] if past is None else past.line_items
    data = {
        "number": past.invoice_number if past else None,
        "date": past.date.isoformat() if past and past.date else None,
        "lines": [
            [x.item_code, int(x.quantity), finish_of(x.description)]
            for x in lines
            if x.item_code and x.quantity
        ],
    }
    return [Fact(kind="past_order", source="xero:invoices", data=data)]


async def read_standing(_: State, context: Context) -> list[Fact]:
    """Segment, average order and credit hold."""
    standing = await context.accounts.standing()
    average = standing.average_order
    data = {
        "segment": standing.segment,
        "average_order": None if average is None else money(average),
        "completed_orders": standing.completed_orders,
        "on_hold": standing.on_hold,
    }
    return [Fact(kind="standing", source="xero:invoices", data=data)]


async def read_relationship(state: State, context: Context) -> list[Fact]:
    """Who it is that begins a conversation, for the words of the reply; nothing without Xero."""
    try:
        return await read_standing(state, context)
    except (BackendUnavailable, BackendRejected, ForeignDocument):
        return []


async def _order(number: str, invoice: Invoice | None, context: Context) -> dict[str, Any] | None:
    """As it was placed here; else as its invoice says."""
    row = await context.actions.numbered(number, context.caller.customer_id)
    if row:
        return _placed(row, invoice)
    gone = await context.actions.cancelled_of(context.caller.customer_id, MOST_CANCELLED)
    if cancelled := next((each for each in gone if each["document_number"] == number), None):
        return _placed(cancelled, None)
    return _referred(invoice) if invoice else None


def _placed(row: Mapping[str, Any], invoice: Invoice | None) -> dict[str, Any]:
    """An order that has left the books was cancelled."""
    card = row["card"]
    return {
        "number": row["document_number"],
        "outlet": card["outlet"]["name"],
        "total": money(invoice.total) if invoice else card["total"],
        "delivery": card["delivery"],
        "status": text(invoice.status).lower() if invoice else "cancelled",
        "has_delivery_order": invoice is not None,
    }


def _referred(invoice: Invoice) -> dict[str, Any] | None:
    found = REFERENCE.fullmatch(text(invoice.reference))
    if not found or not OURS.fullmatch(invoice.invoice_number or ""):
        return None
    day = date.fromisoformat(found["day"])
    return {
        "number": text(invoice.invoice_number),
        "outlet": found["outlet"],
        "total": money(invoice.total),
        "delivery": {"day": day.isoformat(), "window_text": found["window"]},
        "status": text(invoice.status).lower(),
        "has_delivery_order": False,
    }
