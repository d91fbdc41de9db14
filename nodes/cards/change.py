"""Change a placed order that nobody has processed yet: goods, day, slot, outlet (O6)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from nodes.cards.asking import UNUSUAL_LEVEL, has_reads, in_stock, price, questions_about
from nodes.cards.cancelled import cancelled
from nodes.cards.draft import Draft, account_of
from nodes.cards.facts import fact, for_a_person, refusal
from nodes.cards.placed import Placed, placed_order, received_at
from nodes.cards.shape import Row, a_card
from nodes.replies import note
from nodes.state import Fact, State
from tools.context import Context
from tools.ordering.card import agreed_in, card_of, note_keys, slot_text
from tools.ordering.changes import amend
from tools.ordering.delivery import SlotChoice, resolve_slot
from tools.ordering.finishes import finish_of
from tools.ordering.pricing import PricedOrder, counted_of
from tools.ordering.records import Bought, from_lines, split
from tools.ordering.types import OrderRequest, Outlet
from tools.rules import load_rules
from tools.xero.writes import changed_invoice


async def change(state: State, context: Context) -> Draft | list[Fact]:
    """The order as the message changes it, at today's prices."""
    if refused := refusal(context, "order_change"):
        return refused
    if not has_reads(state):
        return []
    order = await placed_order(state, context, "order_change")
    return await changed(order, state, context) if isinstance(order, Placed) else order


async def changed(order: Placed, state: State, context: Context) -> Draft | list[Fact]:
    """The card of the changed order, or why there is none."""
    if reason := _closed(order, received_at(state)):
        return for_a_person(reason)
    before, after = await wished(order, state, context)
    if before is None:
        return for_a_person("order_change")
    if after is not None and not after.lines:
        return await cancelled(order, state, context)
    return await _amended(order, before, after or before, state, context)


async def wished(
    order: Placed, state: State, context: Context
) -> tuple[OrderRequest | None, OrderRequest | None]:
    """The order as it stands in the books and as the message changes it.

    The first is None when its outlet is no longer the customer's, the second without a change.
    """
    outlets = await context.outlets.of_contacts(context.caller.contact_ids)
    before = _as_agreed(order, outlets, context)
    if before is None:
        return None, None
    text = state["screened"]["text"]
    return before, amend(before, text, context.catalogue, outlets, received_at(state))


def _closed(order: Placed, received: datetime) -> str | None:
    """Why only a person can change the order; None while it is open."""
    if order.kind == "quote_accept":
        return "order_change"  # its prices are not those of the list
    if order.invoice.total != Decimal(order.card["total"]):
        return "order_change"  # the office has changed it since
    return "change_after_cutoff" if received >= _last_change(order) else None


def _last_change(order: Placed) -> datetime:
    return order.slot.begins - timedelta(hours=load_rules().ordering.last_change_hours)


def _as_agreed(order: Placed, outlets: Sequence[Outlet], context: Context) -> OrderRequest | None:
    shown, slot = order.card["outlet"], order.slot
    outlet = next((o for o in outlets if o.outlet_id == shown["outlet_id"]), None)
    goods = [
        Bought(line.item_code, int(line.quantity), finish_of(line.description))
        for line in order.invoice.line_items
        if line.item_code and line.quantity
    ]
    if outlet is None:
        return None
    return OrderRequest(
        lines=from_lines(goods, context.catalogue),
        outlet=outlet,
        wanted_day=slot.day,
        wanted_window=slot.window,
        contact=shown["contact_person"],
        mobile=shown["mobile"],
        address=outlet.address,
    )


async def _amended(
    order: Placed, before: OrderRequest, after: OrderRequest, state: State, context: Context
) -> Draft | list[Fact]:
    """The card of the changed order, a question about it, or the rule that needs a person."""
    parts = split(after)
    request = _in_stock(parts[0], before, state, context)
    if len(parts) > 1 or _is_moved_too_late(order, before, request, received_at(state)):
        return for_a_person("order_change")
    if request == before:
        request = replace(request, outlet=None)  # asks what is to be changed
    if questions := questions_about(request, (), context):
        return fact("order_questions", **questions, number=order.number)
    priced = price(request, state)
    if not isinstance(priced, PricedOrder):
        return [priced]
    return await _drafted(order, request, priced, state, context)


async def _drafted(
    order: Placed, request: OrderRequest, priced: PricedOrder, state: State, context: Context
) -> Draft:
    invoice, language = order.invoice, state["screened"]["language"]
    slot = _slot(order, request, priced, received_at(state))
    card = card_of(priced, request, slot)
    rows: list[Row] = [
        ("invoice", order.number),
        ("amount", invoice.total),
        ("new_total", priced.total),
        ("outlet", card["outlet"]["name"]),
        ("slot", slot_text(card)),
    ]
    card |= a_card("order_change", f"Change {order.number}", rows, invoice=order.number) | {
        "lines": card["lines"],
        "fees": card["fees"],
        "bill_to": order.card.get("bill_to", context.caller.company),
        "notes": [note(key, language) for key in note_keys(priced, slot)],
        "waiting": 0,
    }
    written = agreed_in(
        card, today=invoice.date or context.now().date(), account=account_of(state, context)
    )
    is_larger = "unusual" in priced.flags and priced.total > invoice.total
    return Draft(
        "order_change",
        card,
        (changed_invoice(invoice.invoice_id, written, total=invoice.total),),
        await context.actions.next_number(),
        UNUSUAL_LEVEL if is_larger else None,
        _last_change(order),
    )


def _in_stock(
    after: OrderRequest, before: OrderRequest, state: State, context: Context
) -> OrderRequest:
    """What was agreed is ours to find; what is new must be there."""
    checked = zip(after.lines, in_stock(after, state, context).lines, strict=True)
    return replace(after, lines=tuple(x if x in before.lines else new for x, new in checked))


def _is_moved_too_late(
    order: Placed, before: OrderRequest, after: OrderRequest, received: datetime
) -> bool:
    """Whether another outlet comes too late (D4), or is one that somebody else pays for."""
    if after.outlet is None or before.outlet is None or after.outlet == before.outlet:
        return False
    limit = timedelta(hours=load_rules().delivery.address_change_hours)
    is_late = received > order.slot.begins - limit
    return is_late or after.outlet.bill_to != before.outlet.bill_to


def _slot(
    order: Placed, request: OrderRequest, priced: PricedOrder, received: datetime
) -> SlotChoice:
    """The slot that was agreed, unless another is asked for or so much more needs longer."""
    limit = load_rules().delivery.large_order_pieces
    had = counted_of((line["code"], line["pieces"]) for line in order.card["lines"])
    is_kept = (request.wanted_day, request.wanted_window) == (order.slot.day, order.slot.window)
    if is_kept and not had <= limit < priced.counted:
        return SlotChoice(order.slot, asked_for=order.card["delivery"]["asked_for"])
    return resolve_slot(received, priced.counted, request.wanted_day, request.wanted_window)
