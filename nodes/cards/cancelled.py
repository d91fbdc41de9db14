"""The card that cancels a whole order: free in time, else for a fee (O7)."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from nodes.cards.draft import Draft, account_of
from nodes.cards.facts import for_a_person
from nodes.cards.placed import Placed, received_at
from nodes.cards.shape import Row, a_card, approval, money
from nodes.state import Fact, State, facts_of
from tools.context import Context
from tools.escalation import STAFF
from tools.ordering.cancelling import CancelTerms, terms_at
from tools.ordering.card import figures_of, goods_of, slot_text
from tools.ordering.pricing import Fee, totals_of
from tools.rules import gst_percent, load_rules
from tools.xero.writes import changed_invoice, deleted_invoice, lines_of


async def cancelled(order: Placed, state: State, context: Context) -> Draft | list[Fact]:
    """The card that cancels an order, open for as long as that costs no more than it says."""
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
    rows, paid = _rows(order), order.invoice.amount_paid
    level = STAFF if paid else None  # somebody has to pay it back
    if level:
        rows += [("refund", paid), approval(level)]
    card = a_card("order_cancel", _title(order), rows, invoice=order.number, **_refund(paid))
    write = deleted_invoice(order.invoice.invoice_id, total=order.invoice.total)
    number = await context.actions.next_number()
    return Draft("order_cancel", card, (write,), number, level, terms.until)


async def _charged(
    order: Placed, fee: Fee, terms: CancelTerms, account: Mapping[str, str], context: Context
) -> Draft:
    """The order's invoice keeps nothing but the fee."""
    totals, shown = totals_of([fee.amount], gst_percent(context.now().date())), goods_of([], [fee])
    rows, refund = _rows(order), order.invoice.amount_paid - totals.total
    rows += [("fee", fee.amount), ("new_total", totals.total)]
    if refund > 0:
        rows.append(("refund", refund))
    card = a_card("order_cancel", _title(order), [*rows, approval(STAFF)], invoice=order.number)
    card |= shown | figures_of(totals) | _refund(refund) | {"fee": money(fee.amount)}
    write = changed_invoice(
        order.invoice.invoice_id,
        {
            "Reference": f"Cancelled: {order.invoice.reference or order.number}",
            "LineItems": lines_of(shown["fees"], account),
        },
        total=order.invoice.total,
    )
    number = await context.actions.next_number()
    return Draft("order_cancel", card, (write,), number, STAFF, terms.until)


def _title(order: Placed) -> str:
    return f"Cancel {order.number}"


def _rows(order: Placed) -> list[Row]:
    return [
        ("invoice", order.number),
        ("slot", slot_text(order.card)),
        ("amount", order.invoice.total),
    ]


def _refund(amount: Decimal) -> dict[str, Any]:
    """When money that the books know of is back; nothing is promised of any other."""
    days = load_rules().cancellation
    span = f"{days.refund_days_min}-{days.refund_days_max}"
    return {"refund_days": span} if amount > 0 else {}
