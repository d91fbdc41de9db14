"""An order that waits for a person, with other quantities, lines or delivery.

Prices, tax and totals are computed anew. Raises OperationRefused with what to do instead.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from nodes.cards.asking import UNUSUAL_LEVEL
from nodes.cards.draft import Draft
from nodes.cards.wish import Reworked, Wish
from nodes.replies import note
from tools.context import Context
from tools.errors import OperationRefused
from tools.ordering.card import card_of, note_keys, order_write
from tools.ordering.delivery import SlotChoice, resolve_slot
from tools.ordering.finishes import finish_of
from tools.ordering.pricing import PricedOrder, price_order
from tools.ordering.records import Bought, dump, from_lines
from tools.ordering.types import OrderLine, OrderRequest, Outlet

IN_THE_WAY = {
    "on_hold": "The account is on hold, so nothing can be ordered on it.",
    "needs_quote": "So many pieces are sold by quote: decline this and send one.",
    "below_minimum": "That is below the minimum order of a new customer.",
}


async def reordered(
    action: Mapping[str, Any], wish: Wish, context: Context, language: str
) -> Reworked:
    """The order as it is wished."""
    card = action["card"]
    outlet = await _outlet(card, context)
    lines = await _lines(card, wish, context)
    priced = await _priced(lines, outlet, context)
    shown = card["delivery"]
    request = OrderRequest(
        lines=lines,
        outlet=outlet,
        wanted_day=wish.day or date.fromisoformat(shown["day"]),
        wanted_window=wish.window or shown["window"],
        contact=card["outlet"]["contact_person"],
        mobile=card["outlet"]["mobile"],
        address=outlet.address,
    )
    slot = _slot(request, priced, context)
    keys = [key for key in note_keys(priced, slot) if key != "unusual"]  # somebody has looked at it
    changed = card_of(priced, request, slot) | {
        "bill_to": card.get("bill_to", context.caller.company),
        "notes": [note(key, language) for key in keys],
        "waiting": 0,
    }
    number = await context.actions.next_number()
    write = order_write(
        changed,
        contact_id=outlet.bill_to,
        number=number,
        today=context.now().date(),
        account=await _account(priced.gst_percent, context),
    )
    level = UNUSUAL_LEVEL if "unusual" in priced.flags else None
    order = {"current": dump(request), "waiting": []}
    return Reworked(Draft("order", changed, (write,), number, level), order)


async def _outlet(card: Mapping[str, Any], context: Context) -> Outlet:
    outlets = await context.outlets.of_contacts(context.caller.contact_ids)
    wanted = card["outlet"]["outlet_id"]
    if outlet := next((o for o in outlets if o.outlet_id == wanted), None):
        return outlet
    raise OperationRefused("The outlet is no longer the customer's: decline this order.")


async def _lines(card: Mapping[str, Any], wish: Wish, context: Context) -> tuple[OrderLine, ...]:
    """The lines with their pieces, in whole packs and no more of them than there are."""
    goods = [
        Bought(line["code"], pieces, finish_of(line["name"]))
        for n, line in enumerate(card["lines"])
        if (pieces := wish.pieces.get(n, line["pieces"])) > 0
    ]
    if not goods:
        raise OperationRefused("Nothing is left of the order: decline it instead.")
    before = {line["code"]: line["pieces"] for line in card["lines"]}
    listed = await context.accounts.price_list(fresh=True)
    lines = from_lines(goods, context.catalogue)
    for line in lines:
        if line.problem:
            raise OperationRefused(_problem(line))
        on_hand = listed[line.code].on_hand if line.code in listed else None
        if on_hand is not None and before.get(line.code or "", 0) < line.pieces > on_hand:
            raise OperationRefused(f"Of {line.phrase} there are {on_hand:f} pieces left.")
    return lines


def _problem(line: OrderLine) -> str:
    if line.problem == "not_whole_packs":
        return f"{line.phrase} comes in whole packs: {line.suggested_pieces} pieces would do."
    return f"{line.phrase} cannot be ordered like this: decline the order instead."


async def _priced(lines: tuple[OrderLine, ...], outlet: Outlet, context: Context) -> PricedOrder:
    listed = await context.accounts.price_list()
    if any(line.code not in listed for line in lines):
        raise OperationRefused("One of the products is not in the price list any more.")
    priced = price_order(
        lines,
        {code: item.price for code, item in listed.items()},
        context.now().date(),
        await context.accounts.standing(fresh=True),
        f"{outlet.address} {outlet.area}",
    )
    for flag, why in IN_THE_WAY.items():
        if flag in priced.flags:
            raise OperationRefused(why)
    return priced


def _slot(request: OrderRequest, priced: PricedOrder, context: Context) -> SlotChoice:
    found = resolve_slot(context.now(), priced.counted, request.wanted_day, request.wanted_window)
    if found.slot.day != request.wanted_day:
        raise OperationRefused(
            "That day is not possible. The next one for so many pieces is"
            f" {found.slot.day:%A %-d %B %Y}."
        )
    return found


async def _account(percent: Decimal, context: Context) -> dict[str, str]:
    return {
        "AccountCode": context.sales_account,
        "TaxType": await context.accounts.sales_tax(percent),
    }
