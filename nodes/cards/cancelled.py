"""The card that cancels a whole order: free in time, else for a fee (O7)."""

from collections.abc import Mapping
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
    rows, refund = _rows(order), _refund(order)
    if refund:
        rows.append(("refund", order.invoice.total))
    card = a_card("order_cancel", _title(order), rows, invoice=order.number, **refund)
    write = deleted_invoice(order.invoice.invoice_id)
    number = await context.actions.next_number()
    return Draft("order_cancel", card, (write,), number, lapses=terms.until)


async def _charged(
    order: Placed, fee: Fee, terms: CancelTerms, account: Mapping[str, str], context: Context
) -> Draft:
    """The order's invoice keeps nothing but the fee."""
    totals, shown = totals_of([fee.amount], gst_percent(context.now().date())), goods_of([], [fee])
    rows, refund = _rows(order), _refund(order)
    rows += [("fee", fee.amount), ("new_total", totals.total)]
    if refund:
        rows.append(("refund", order.invoice.total - totals.total))
    card = a_card("order_cancel", _title(order), [*rows, approval(STAFF)], invoice=order.number)
    card |= shown | figures_of(totals) | refund | {"fee": money(fee.amount)}
    write = changed_invoice(
        order.invoice.invoice_id,
        {
            "Reference": f"Cancelled: {order.invoice.reference or order.number}",
            "LineItems": lines_of(shown["fees"], account),
        },
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


def _refund(order: Placed) -> dict[str, Any]:
    """When somebody who pays before delivery has the money back; empty for everybody else."""
    days = load_rules().cancellation
    span = f"{days.refund_days_min}-{days.refund_days_max}"
    return {"refund_days": span} if order.card["prepay"] else {}
