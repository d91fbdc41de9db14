"""Accept a quote that was sent: an order at its prices, and the yes to the quote."""

from uuid import UUID

from nodes.cards.asking import has_reads, questions_about, standing_of
from nodes.cards.draft import Draft, account_of
from nodes.cards.facts import fact, for_a_person, refusal
from nodes.cards.placed import received_at
from nodes.cards.shape import Row, a_card
from nodes.cards.which import document_of, number_of, which
from nodes.replies import note
from nodes.state import Fact, State
from tools.context import Context
from tools.ordering.card import card_of, note_keys, order_write, slot_text
from tools.ordering.delivery import resolve_slot
from tools.ordering.orders import parse_order
from tools.ordering.pricing import PricedOrder
from tools.ordering.quoting import end_of, order_of_quote
from tools.ordering.types import OrderRequest
from tools.xero.documents import Quote
from tools.xero.writes import accepted_quote


async def accept(state: State, context: Context) -> Draft | list[Fact]:
    """The quote named, spoken of, or the only one that can still be accepted."""
    if refused := refusal(context, "quote_accept"):
        return refused
    if not has_reads(state):
        return []
    sent = [q for q in await context.accounts.quotes() if _is_open(q, context)]
    quote = await document_of(state, context, context.accounts.quote_by_number, sent)
    if isinstance(quote, list):
        return which("quote_accept", quote)
    if not _is_open(quote, context):
        return _not_open(quote)
    return await _ordered(quote, state, context)


def _is_open(quote: Quote, context: Context) -> bool:
    last = quote.expiry_date
    return quote.status == "SENT" and (last is None or context.now().date() <= last)


def _not_open(quote: Quote) -> list[Fact]:
    expiry = quote.expiry_date.isoformat() if quote.expiry_date else ""
    number, status = number_of(quote), quote.status.lower()
    return fact("quote_not_open", number=number, status=status, expiry=expiry)


async def _ordered(quote: Quote, state: State, context: Context) -> Draft | list[Fact]:
    """The quote's goods for an outlet of the contact that it was made to."""
    standing = standing_of(state)
    if standing.on_hold:
        return for_a_person("account_on_hold")
    priced = order_of_quote(quote, context.catalogue, context.now().date(), standing)
    if priced is None:
        return for_a_person("quote_accept")
    outlets = [
        outlet
        for outlet in await context.outlets.of_contacts(context.caller.contact_ids)
        if UUID(outlet.bill_to) == quote.contact.contact_id
    ]
    text = state["screened"]["text"]
    request = parse_order(text, context.catalogue, outlets, received_at(state))
    if request.outlet is None:
        asked = questions_about(request, outlets, context)
        clear = [{"name": line.name, "pieces": line.pieces} for line in priced.lines]
        return fact("order_questions", **{**asked, "lines": [], "clear": clear})
    return await _drafted(quote, priced, request, state, context)


async def _drafted(
    quote: Quote, priced: PricedOrder, request: OrderRequest, state: State, context: Context
) -> Draft:
    slot = resolve_slot(
        received_at(state), priced.counted, request.wanted_day, request.wanted_window
    )
    number, language = await context.actions.next_number(), state["screened"]["language"]
    card = card_of(priced, request, slot)
    rows: list[Row] = [
        ("quote", number_of(quote)),
        ("outlet", card["outlet"]["name"]),
        ("slot", slot_text(card)),
    ]
    card |= a_card("quote_accept", f"Accept quote {number_of(quote)}", rows) | {
        "lines": card["lines"],
        "fees": card["fees"],
        "quote": number_of(quote),
        "bill_to": context.caller.company,
        "notes": [note(key, language) for key in note_keys(priced, slot) if key != "unusual"],
        "waiting": 0,
    }
    contact_id, today = quote.contact.contact_id, context.now().date()
    order = order_write(
        card,
        contact_id=str(contact_id),
        number=number,
        today=today,
        account=account_of(state, context),
    )
    yes = accepted_quote(quote.quote_id, contact_id, quote.date or today, quote.total)
    last = end_of(quote.expiry_date) if quote.expiry_date else None
    return Draft("quote_accept", card, (order, yes), number, lapses=last)
