"""Cancel a placed order: free in time, else for a fee that a person agrees to (O7)."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from nodes.cards.draft import Draft, account_of
from nodes.cards.facts import fact, for_a_person, refusal
from nodes.cards.placed import Placed, placed_order, received_at
from nodes.state import Fact, State, entities_named, facts_of
from tools.context import Context
from tools.escalation import STAFF
from tools.ordering.cancelling import CancelTerms, terms_at
from tools.ordering.card import figures_of, shown_fees, slot_text
from tools.ordering.pricing import Fee, totals_of
from tools.rules import gst_percent, load_rules
from tools.xero.scoped import is_our_draft
from tools.xero.writes import Write, changed_invoice, deleted_invoice, lines_of


async def cancel(state: State, context: Context) -> Draft | list[Fact]:
    """What only waits for a person is let go at once; what is in the books needs a yes."""
    if refused := refusal(context, "buyer"):
        return refused
    if told := await _waiting(state, context):
        return told
    order = await placed_order(state, context, "order_cancel")
    return await cancelled(order, state, context) if isinstance(order, Placed) else order


async def cancelled(order: Placed, state: State, context: Context) -> Draft | list[Fact]:
    """The card that cancels an order, for as long as it costs no more than it says."""
    terms = terms_at(received_at(state), order.slot.begins)
    if terms is None:
        return for_a_person("delivery_begun")
    fee = terms.fee(order.invoice.sub_total)
    if fee is None:
        return await _free(order, terms, context)
    if not facts_of(state, "sales_tax"):
        return []  # the read failed, and its fact says so
    return await _charged(order, fee, terms, account_of(state, context), context)


async def _free(order: Placed, terms: CancelTerms, context: Context) -> Draft:
    card = _card(order, order.invoice.total)
    write = deleted_invoice(order.invoice.invoice_id)
    number = await context.actions.next_number()
    return Draft("order_cancel", card, (write,), number, lapses=terms.until)


async def _charged(
    order: Placed, fee: Fee, terms: CancelTerms, account: dict[str, str], context: Context
) -> Draft:
    """The order's invoice keeps nothing but the fee."""
    totals = totals_of([fee.amount], gst_percent(context.now().date()))
    fees = shown_fees([fee])
    card = _card(order, order.invoice.total - totals.total) | figures_of(totals)
    card |= {"fees": fees, "fee": f"{fee.amount:.2f}"}
    who = load_rules().escalation.levels[STAFF].who
    card["rows"] += [
        ["fee", f"{fee.amount:.2f}"],
        ["new_total", f"{totals.total:.2f}"],
        ["approval", who],
    ]
    write = changed_invoice(
        order.invoice.invoice_id,
        {
            "Reference": f"Cancelled: {order.invoice.reference or order.number}",
            "LineItems": lines_of(fees, account),
        },
    )
    number = await context.actions.next_number()
    return Draft("order_cancel", card, (write,), number, STAFF, terms.until)


def _card(order: Placed, back: Decimal) -> dict[str, Any]:
    """What ends, and what somebody who pays before delivery gets back."""
    rules = load_rules()
    rows = [
        ["invoice", order.number],
        ["slot", slot_text(order.card)],
        ["amount", f"{order.invoice.total:.2f}"],
    ]
    card = {
        "kind": "order_cancel",
        "title": f"Cancel {order.number}",
        "invoice": order.number,
        "lines": [],
        "fees": [],
        "rows": rows,
        "currency": rules.company.currency,
        "notes": [],
    }
    if not order.card["prepay"]:
        return card
    days = rules.cancellation
    rows.append(["refund", f"{back:.2f}"])
    return card | {"refund_days": f"{days.refund_days_min}-{days.refund_days_max}"}
