"""Turn an order in free text into an action card that the customer can say yes to."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

from langgraph.runtime import Runtime

from nodes.state import Fact, State, facts_of
from tools.actions import Proposal
from tools.context import Context
from tools.delivery import SlotChoice, resolve_slot
from tools.orders import OrderRequest, Outlet, parse_order
from tools.pricing import AccountStanding, PricedOrder, price_order
from tools.rules import load_rules
from tools.xero.documents import invoice_payload

CARD_HOURS = 24
# What a person must decide before a card may be shown.
FOR_A_PERSON = {"on_hold": "account_on_hold", "needs_quote": "quote", "urgent": "urgent_order"}


async def propose_action(state: State, runtime: Runtime[Context]) -> State:
    """Parse, resolve, price and store the order; or say what is missing. Writes nothing in Xero."""
    context = runtime.context
    standing, prices = facts_of(state, "standing"), facts_of(state, "prices")
    if not standing or not prices or not facts_of(state, "sales_tax"):
        return {}  # the reads failed, and their facts say so
    if await _is_placing(state, context):
        return {"facts": [_fact("still_placing", {})]}
    received = datetime.fromisoformat(state["turn"]["received_at"])
    outlets = await context.outlets.of_contacts(context.caller.contact_ids)
    request = parse_order(state["screened"]["text"], context.catalogue, outlets, received)
    outlet = request.outlet
    questions = _questions(request, outlet, outlets)
    if outlet is None or questions:
        return {"facts": [_fact("order_questions", questions)]}
    by_code = {code: Decimal(price) for code, price in prices[0]["by_code"].items()}
    if any(line.code not in by_code for line in request.lines):
        return {"facts": [_fact("needs_person", {"reason": "not_in_price_list"})]}
    order = price_order(
        request.lines,
        by_code,
        received.date(),
        _standing(standing[0]),
        f"{outlet.address} {outlet.area}",
    )
    if obstacle := _obstacle(order, request):
        return {"facts": [obstacle]}
    pieces = sum(line.pieces for line in order.lines)
    slot = resolve_slot(received, pieces, request.wanted_day, request.wanted_window)
    card = _card(order, outlet, slot) | {"bill_to": context.caller.company}
    return {"card": await _store(state, context, card, outlet.bill_to)}


async def _is_placing(state: State, context: Context) -> bool:
    """Whether a confirmed order of this conversation is not in the books yet."""
    thread_id = UUID(state["turn"]["thread_id"])
    card = await context.actions.open_of(thread_id, context.caller.customer_id)
    return card is not None and card["status"] == "confirmed"


def _questions(
    request: OrderRequest, outlet: Outlet | None, outlets: Sequence[Outlet]
) -> dict[str, Any]:
    """What must be asked before the order can be priced; empty when nothing."""
    unclear = [
        {
            "phrase": line.phrase,
            "problem": line.problem,
            "suggested_pieces": line.suggested_pieces,
            "alternatives": [p.name for p in line.alternatives],
        }
        for line in request.lines
        if line.problem
    ]
    if request.lines and not unclear and outlet:
        return {}
    candidates = request.outlet_candidates or outlets
    return {
        "lines": unclear,
        "has_lines": bool(request.lines),
        "outlets": [] if outlet else [o.name for o in candidates][:8],
    }


def _obstacle(order: PricedOrder, request: OrderRequest) -> Fact | None:
    """The rule that keeps this order from becoming a card."""
    if not order.lines:
        return _fact("order_questions", {"lines": [], "has_lines": False, "outlets": []})
    flags = set(order.flags) | ({"urgent"} if request.urgent else set())
    for flag, reason in FOR_A_PERSON.items():
        if flag in flags:
            return _fact("needs_person", {"reason": reason})
    if "below_minimum" not in flags:
        return None
    minimum = load_rules().ordering.minimum_new_customer
    return _fact("below_minimum", {"minimum": f"{minimum:.2f}"})


def _card(order: PricedOrder, outlet: Outlet, slot: SlotChoice) -> dict[str, Any]:
    return {
        "kind": "order",
        "title": f"Order for {outlet.name}",
        "lines": [
            {
                "code": x.code,
                "name": x.name,
                "pieces": x.pieces,
                "packs": x.packs,
                "pack": x.pack,
                "unit_price": f"{x.unit_price:f}",
                "amount": f"{x.amount:.2f}",
            }
            for x in order.lines
        ],
        "fees": [{"label": fee.label, "amount": f"{fee.amount:.2f}"} for fee in order.fees],
        "subtotal": f"{order.subtotal:.2f}",
        "gst": f"{order.gst:.2f}",
        "gst_percent": f"{order.gst_percent:f}",
        "total": f"{order.total:.2f}",
        "currency": "SGD",
        "delivery": {
            "day": slot.slot.day.isoformat(),
            "day_text": f"{slot.slot.day:%a %-d %b %Y}",
            "window": slot.slot.window,
            "window_text": f"{slot.slot.start:%H:%M}-{slot.slot.end:%H:%M}",
            "asked_for": slot.asked_for,
        },
        "outlet": {
            "outlet_id": outlet.outlet_id,
            "name": outlet.name,
            "address": f"{outlet.address}, S({outlet.postal_code})",
            "contact_person": outlet.contact_person,
            "mobile": outlet.mobile,
        },
        "notes": _notes(order, slot),
    }


def _notes(order: PricedOrder, slot: SlotChoice) -> list[str]:
    notes = []
    if not slot.asked_for and slot.reason:
        notes.append("The day you asked for is not possible; this is the next delivery slot.")
    if "unusual" in order.flags:
        notes.append("This order is larger than usual for you: please check the quantities.")
    if "fewer_liners" in order.flags:
        notes.append("Liners are free, one for each box of their size; I have left out the rest.")
    if "prepay" in order.flags:
        notes.append("As a new customer you pay before delivery, by PayNow or bank transfer.")
    return notes


async def _store(
    state: State, context: Context, card: dict[str, Any], contact_id: str
) -> dict[str, Any]:
    """Freeze the card and its bytes. A turn that runs again finds the card it stored before."""
    action_id = uuid5(UUID(state["turn"]["run_id"]), "action")
    number = await context.actions.next_number()
    await context.actions.propose(
        Proposal(
            action_id=action_id,
            thread_id=UUID(state["turn"]["thread_id"]),
            customer_id=context.caller.customer_id,
            kind="order",
            card=card,
            payload=_payload(state, context, card, {"ContactID": contact_id}, number),
            document_number=number,
            expires_at=context.now() + timedelta(hours=CARD_HOURS),
        )
    )
    stored = await context.actions.get(action_id, context.caller.customer_id)
    assert stored is not None  # noqa: S101 (stored just now)
    return {
        **stored["card"],
        "action_id": str(action_id),
        "hash": stored["hash"],
        "status": stored["status"],
        "document_number": None,
    }


def _payload(
    state: State, context: Context, card: dict[str, Any], contact: dict[str, str], number: str
) -> bytes:
    today = context.now().date()
    tax_type = facts_of(state, "sales_tax")[0]["tax_type"]
    account = {"AccountCode": context.sales_account, "TaxType": tax_type}
    goods = [
        {
            "ItemCode": x["code"],
            "Description": x["name"],
            "Quantity": x["pieces"],
            "UnitAmount": float(x["unit_price"]),
        }
        for x in card["lines"]
    ]
    fees = [
        {"Description": x["label"], "Quantity": 1, "UnitAmount": float(x["amount"])}
        for x in card["fees"]
    ]
    delivery, outlet = card["delivery"], card["outlet"]
    return invoice_payload(
        {
            "Contact": contact,
            "InvoiceNumber": number,
            "Reference": f"{outlet['name']}, {delivery['day']} {delivery['window_text']}",
            "Date": today.isoformat(),
            "DueDate": (today + timedelta(days=load_rules().payment.net_days)).isoformat(),
            "LineItems": [line | account for line in [*goods, *fees]],
        }
    )


def _standing(data: dict[str, Any]) -> AccountStanding:
    average = data["average_order"]
    return AccountStanding(
        segment=data["segment"],
        average_order=None if average is None else Decimal(average),
        completed_orders=data["completed_orders"],
        on_hold=data["on_hold"],
    )


def _fact(kind: str, data: dict[str, Any]) -> Fact:
    return Fact(kind=kind, source="orders", data=data)
