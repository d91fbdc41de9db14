"""Ask for a credit for goods that arrived damaged: a draft that a person must agree to (Q1, Q9)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from nodes.cards.draft import Draft
from nodes.cards.facts import fact, for_a_person, refusal
from nodes.cards.placed import received_at
from nodes.cards.shape import Row, a_card, approval, items, money
from nodes.cards.waiting import noted_before
from nodes.cards.which import document_of, number_of
from nodes.state import Fact, State
from tools.context import Context
from tools.escalation import level_for_credit
from tools.ordering.card import figures_of, slot_of
from tools.ordering.card import goods_of as shown
from tools.ordering.crediting import (
    Claim,
    Missing,
    claim_of,
    damaged_of,
    described,
    goods_of,
    left_of,
)
from tools.ordering.lines import MOST_PIECES
from tools.ordering.pricing import PricedLine, totals_of
from tools.rules import gst_percent, load_rules
from tools.xero.documents import Invoice
from tools.xero.scoped import VISIBLE
from tools.xero.writes import lines_of, new_credit_note

REASON = "damaged"


async def credit(state: State, context: Context) -> Draft | list[Fact]:
    """At the price that was charged, for no more than was charged. A review, and no refund yet."""
    if refused := refusal(context, "credit"):
        return refused
    invoice = await document_of(state, context, context.accounts.invoice_by_number, [])
    if isinstance(invoice, list):
        anything = {p.code: MOST_PIECES for p in context.catalogue.products}
        claim = _read(state, anything, context)
        return _asking(["invoice", *claim.missing])
    number = number_of(invoice)
    if told := await noted_before(state, context, "credit", number):
        return told
    if invoice.status not in VISIBLE or await _is_late(number, state, context):
        return for_a_person("damage")
    notes = await context.books.credit_notes()
    goods = goods_of(invoice, notes, context.catalogue)
    claim = _read(state, {code: line.pieces for code, line in goods.items()}, context)
    if claim.missing:
        return _asking(claim.missing, invoice=number, **_sold(claim, goods))
    thread_id, customer_id = UUID(state["turn"]["thread_id"]), context.caller.customer_id
    others = await context.claims.made(customer_id, number, thread_id, context.now())
    if told := _claimed_before(claim, left_of(goods, others, notes), number):
        return told
    return await _drafted(invoice, damaged_of(claim, goods, context.catalogue), context)


async def still_fits(action: Mapping[str, Any], context: Context) -> bool:
    """Whether a card's goods can be credited beside all other claims that were agreed to.

    True for what is no credit. Of two yeses at once one sees the other if this is asked after
    they are stored.
    """
    if action["kind"] != "credit":
        return True
    found = await creditable(action, context)
    return found is not None and all(
        line["pieces"] <= found.left.get(line["code"], 0) for line in action["card"]["lines"]
    )


@dataclass(frozen=True)
class Creditable:
    """What of an invoice a card may claim: the goods as they were charged, and how many."""

    invoice: Invoice
    goods: Mapping[str, PricedLine]
    left: Mapping[str, int]


async def creditable(action: Mapping[str, Any], context: Context) -> Creditable | None:
    """What there is for a card beside all other claims; None where its invoice is gone."""
    number, mark = action["card"]["invoice"], action["document_number"]
    invoice = await context.books.invoice_numbered(number)
    if invoice is None:
        return None
    notes = [n for n in await context.books.credit_notes() if n.reference != mark]
    agreed = await context.claims.agreed(context.caller.customer_id, number)
    others = [claimed for claimed in agreed if claimed["action_id"] != action["action_id"]]
    goods = goods_of(invoice, notes, context.catalogue)
    return Creditable(invoice, goods, left_of(goods, others, notes))


def _claimed_before(claim: Claim, left: Mapping[str, int], number: str) -> list[Fact]:
    """Says so where another card claims the goods; empty while there are enough."""
    short = [left[code] for code, count in claim.pieces.items() if count > left[code]]
    if not short:
        return []
    if max(short) > 0:
        return _asking(["quantity"], invoice=number)
    return fact("already_noted", kind="credit", invoice=number)


def _sold(claim: Claim, goods: Mapping[str, PricedLine]) -> dict[str, Any]:
    """What there is of goods of which more are claimed."""
    short = [goods[code] for code, count in claim.pieces.items() if count > goods[code].pieces]
    return {"sold": {"name": short[0].name, "pieces": short[0].pieces}} if short else {}


def _asking(missing: Sequence[Missing], **known: Any) -> list[Fact]:
    hours = load_rules().quality.report_hours
    return fact("credit_needs_details", missing=list(missing), report_hours=hours, **known)


def _read(state: State, most: Mapping[str, int], context: Context) -> Claim:
    return claim_of(state["screened"]["text"], most, context.catalogue, received_at(state))


async def _is_late(number: str, state: State, context: Context) -> bool:
    """Whether it comes outside the time for reports, where the delivery is known (Q1)."""
    row = await context.actions.numbered(number, context.caller.customer_id)
    if row is None:
        return False
    slot, limit = slot_of(row["card"]), timedelta(hours=load_rules().quality.report_hours)
    return not slot.begins <= received_at(state) <= slot.ends + limit


async def _drafted(invoice: Invoice, damaged: Sequence[PricedLine], context: Context) -> Draft:
    percent = gst_percent(invoice.date or context.now().date())
    totals, number = totals_of([x.amount for x in damaged], percent), number_of(invoice)
    level = level_for_credit(totals.total, sum(line.pieces for line in damaged))
    rows: list[Row] = [
        ("invoice", number),
        items(damaged),
        ("reason", REASON),
        ("amount", totals.total),
        approval(level),
    ]
    card = a_card("credit", f"Credit for {number}", rows, invoice=number)
    card |= shown(damaged) | figures_of(totals) | {"amount": money(totals.total)}
    return await credited(card, invoice, damaged, context)


async def credited(
    card: dict[str, Any], invoice: Invoice, damaged: Sequence[PricedLine], context: Context
) -> Draft:
    """The draft of the credit note that a card about an invoice shows, fees and all."""
    percent = Decimal(card["gst_percent"])
    account = {
        "AccountCode": context.sales_account,
        "TaxType": await context.accounts.sales_tax(percent),
    }
    mark = await context.actions.next_number()
    named = [replace(line, name=described(invoice, line.name)) for line in damaged]
    write = new_credit_note(
        mark,
        {
            "Contact": {"ContactID": str(invoice.contact.contact_id)},
            "Date": context.now().date().isoformat(),
            "LineItems": lines_of([*shown(named)["lines"], *card["fees"]], account),
        },
    )
    pieces = sum(line.pieces for line in damaged)
    level = level_for_credit(Decimal(card["total"]), pieces)
    return Draft("credit", card, (write,), mark, level)
