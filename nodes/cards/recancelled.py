"""A cancellation that waits for a person, for a lower fee or none. Raises OperationRefused."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from nodes.cards.draft import Draft
from nodes.cards.shape import Row, a_card, money
from nodes.cards.wish import Reworked, Wish
from tools.context import Context
from tools.errors import OperationRefused
from tools.escalation import STAFF
from tools.ordering.card import figures_of, goods_of, slot_of
from tools.ordering.pricing import Fee, totals_of
from tools.rules import gst_percent, load_rules
from tools.xero.documents import Invoice
from tools.xero.scoped import is_our_draft
from tools.xero.writes import Write, changed_invoice, deleted_invoice, lines_of

KEPT = ("invoice", "slot", "amount")


async def recancelled(action: Mapping[str, Any], wish: Wish, context: Context) -> Reworked:
    """The cancellation at the fee that is wished; the order's invoice keeps nothing else."""
    card = action["card"]
    if not card.get("fee"):
        raise OperationRefused("Nothing is charged for this: approve the card, or decline it.")
    fee, asked = Decimal(card["fee"]), wish.amount
    if asked is None or asked >= fee:
        raise OperationRefused(f"Write a fee below the one that the rules ask, SGD {fee}.")
    invoice, begins = await _invoice(card, context), await _delivery(card, context)
    percent = gst_percent(context.now().date())
    fees = [Fee(card["fees"][0]["label"], asked)] if asked else []
    totals = totals_of([each.amount for each in fees], percent)
    figures = figures_of(totals) | {"fee": money(asked)} if fees else {}
    refund = invoice.amount_paid - totals.total
    rows: list[Row] = [(key, value) for key, value in card["rows"] if key in KEPT]
    rows += [("fee", asked), ("new_total", totals.total)] if fees else []
    rows += [("refund", refund)] if refund > 0 else []
    changed = a_card("order_cancel", card["title"], rows, invoice=card["invoice"])
    changed |= goods_of([], fees) | figures | _refund(refund)
    number = await context.actions.next_number()
    write = await _write(invoice, changed, percent, context)
    level = _level(fee - asked)
    return Reworked(Draft("order_cancel", changed, (write,), number, level, begins))


async def _invoice(card: Mapping[str, Any], context: Context) -> Invoice:
    """The order as it stands in the books, if it still is what the customer agreed about."""
    invoice = await context.accounts.invoice_by_number(card["invoice"])
    agreed = dict(card["rows"])["amount"]
    if invoice is None or not is_our_draft(invoice) or invoice.total != Decimal(agreed):
        raise OperationRefused("The order was changed in the books since: decline this card.")
    return invoice


async def _delivery(card: Mapping[str, Any], context: Context) -> datetime:
    """When the order's delivery begins: from then on nothing is cancelled."""
    order = await context.actions.numbered(card["invoice"], context.caller.customer_id)
    begins = slot_of(order["card"]).begins if order else context.now()
    if begins <= context.now():
        raise OperationRefused("The delivery has begun or is over: decline this card.")
    return begins


async def _write(
    invoice: Invoice, card: Mapping[str, Any], percent: Decimal, context: Context
) -> Write:
    if not card["fees"]:
        return deleted_invoice(invoice.invoice_id, total=invoice.total)
    account = {
        "AccountCode": context.sales_account,
        "TaxType": await context.accounts.sales_tax(percent),
    }
    document = {
        "Reference": f"Cancelled: {invoice.reference or card['invoice']}",
        "LineItems": lines_of(card["fees"], account),
    }
    return changed_invoice(invoice.invoice_id, document, total=invoice.total)


def _refund(amount: Decimal) -> dict[str, Any]:
    days = load_rules().cancellation
    span = f"{days.refund_days_min}-{days.refund_days_max}"
    return {"refund_days": span} if amount > 0 else {}


def _level(waived: Decimal) -> int:
    """Who may waive so much: the first level whose limit allows it."""
    levels = sorted(load_rules().escalation.levels.items())
    return next(n for n, x in levels if n >= STAFF and (x.waiver is None or x.waiver >= waived))
