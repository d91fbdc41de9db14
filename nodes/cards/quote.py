"""Offer a quantity that is sold by quote (P2): a draft that the office sends."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from nodes.cards.asking import at_list_prices, has_reads, questions_about
from nodes.cards.draft import Draft, account_of
from nodes.cards.facts import fact, for_a_person, refusal
from nodes.cards.placed import received_at
from nodes.cards.shape import a_card, items
from nodes.replies import note
from nodes.state import Fact, State, intents_of
from tools.context import Context
from tools.ordering.card import figures_of, goods_of
from tools.ordering.edits import accepted
from tools.ordering.orders import parse_order
from tools.ordering.pricing import LINERS, PricedOrder, Totals, cents
from tools.ordering.quoting import end_of, valid_until
from tools.ordering.types import OrderRequest, Outlet
from tools.rules import load_rules
from tools.xero.writes import lines_of, new_quote

PRINTED = re.compile(
    r"\b(?:logos?|artwork|branded|(?:re)?print\w*|\w*cetak\w*)\b|印|标志|商标|அச்சி|லோகோ",
    re.IGNORECASE,
)


async def quote(state: State, context: Context) -> Draft | list[Fact]:
    """Goods at list prices that hold to the end of the month; printed goods are for a person."""
    if refused := refusal(context, "quote"):
        return refused
    if "custom_print" in intents_of(state) or PRINTED.search(state["screened"]["text"]):
        return for_a_person("quote")
    if not has_reads(state):
        return []
    outlets = await context.outlets.of_contacts(context.caller.contact_ids)
    request = _read(state, outlets, context)
    if small := _too_small(request, context):
        return small
    contact_id = _payer(request, context)
    if questions := _questions(request, contact_id, outlets, context):
        return fact("order_questions", **questions)
    priced = at_list_prices(request, state)
    if not isinstance(priced, PricedOrder):
        return [priced]
    if any(line.unit_price != cents(line.unit_price) for line in priced.lines):
        return for_a_person("quote")  # Xero's quotes keep two decimals of a price
    return await _drafted(priced, contact_id or "", state, context)


def _read(state: State, outlets: Sequence[Outlet], context: Context) -> OrderRequest:
    """What is asked for. The card shows each product, so the only one that fits will do."""
    text, catalogue = state["screened"]["text"], context.catalogue
    request = parse_order(text, catalogue, outlets, received_at(state))
    lines = (accepted(x, catalogue) if x.problem == "ambiguous" else x for x in request.lines)
    return replace(request, lines=tuple(lines))


def _too_small(request: OrderRequest, context: Context) -> list[Fact]:
    """Fewer pieces than a quote is made for; liners count for none."""
    least = load_rules().ordering.quote_from_pieces
    products = [context.catalogue.get(line.code or "") for line in request.lines]
    counted = [
        line.pieces
        for line, product in zip(request.lines, products, strict=True)
        if product is None or product.family != LINERS
    ]
    if not counted or 0 in counted or sum(counted) >= least:
        return []
    return fact("quote_too_small", from_pieces=least, pieces=sum(counted))


def _payer(request: OrderRequest, context: Context) -> str | None:
    """Whose quote it is: the payer of the outlets that are named, or the only one there is."""
    named = [request.outlet, *(line.outlet for line in request.lines)]
    payers = {outlet.bill_to for outlet in named if outlet} or set(context.caller.contact_ids)
    return payers.pop() if len(payers) == 1 else None


def _questions(
    request: OrderRequest, contact_id: str | None, outlets: Sequence[Outlet], context: Context
) -> dict[str, Any]:
    """What is not clear yet; the outlet matters only where it decides who pays."""
    asked = questions_about(replace(request, outlet=None), outlets, context)
    if contact_id:
        asked["outlets"] = []
    is_clear = request.lines and contact_id and not asked["lines"]
    return {} if is_clear else asked


async def _drafted(priced: PricedOrder, contact_id: str, state: State, context: Context) -> Draft:
    today = context.now().date()
    expires, account = valid_until(today), account_of(state, context)
    shown = goods_of(priced.lines, priced.fees)
    figures = figures_of(Totals(priced.subtotal, priced.gst, priced.gst_percent))
    card = a_card("quote", f"Quote for {context.caller.company}", [("expires", expires)])
    card |= shown | figures
    if "fewer_liners" in priced.flags:
        card["notes"] = [note("fewer_liners", state["screened"]["language"])]
    number = await context.actions.next_number()
    write = new_quote(
        number,
        {
            "Contact": {"ContactID": contact_id},
            "Date": today.isoformat(),
            "ExpiryDate": expires.isoformat(),
            "Title": "Quotation",
            "Summary": items(priced.lines)[1],
            "LineItems": lines_of([*shown["lines"], *shown["fees"]], account),
        },
    )
    return Draft("quote", card, (write,), number, lapses=end_of(expires))
