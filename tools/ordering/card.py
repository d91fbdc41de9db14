"""The card that a customer says yes to, and the bytes that this yes will send."""

from collections.abc import Mapping, Sequence
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any

from tools.ordering.delivery import Slot, SlotChoice
from tools.ordering.pricing import Fee, PricedLine, PricedOrder, Totals
from tools.ordering.types import OrderRequest, Outlet
from tools.rules import load_rules
from tools.xero.writes import Write, lines_of, new_invoice


def card_of(order: PricedOrder, request: OrderRequest, slot: SlotChoice) -> dict[str, Any]:
    """Everything the customer agrees to. `notes` are keys of the wording of replies."""
    outlet = request.outlet
    assert outlet is not None  # noqa: S101 (an order without an outlet is asked about)
    return {
        "kind": "order",
        "title": f"Order for {outlet.name}",
        **goods_of(order.lines, order.fees),
        **figures_of(Totals(order.subtotal, order.gst, order.gst_percent)),
        "delivery": _delivery(slot),
        "outlet": _outlet(outlet, request),
        "prepay": "prepay" in order.flags,
        "unusual": "unusual" in order.flags,
    }


def goods_of(lines: Sequence[PricedLine], fees: Sequence[Fee] = ()) -> dict[str, Any]:
    """Goods and charges as a card shows them."""
    return {
        "lines": [
            {
                "code": x.code,
                "name": x.name,
                "pieces": x.pieces,
                "packs": x.packs,
                "pack": x.pack,
                "unit_price": _unit_price(x.unit_price),
                "amount": f"{x.amount:.2f}",
            }
            for x in lines
        ],
        "fees": [{"label": fee.label, "amount": f"{fee.amount:.2f}"} for fee in fees],
    }


def figures_of(totals: Totals) -> dict[str, Any]:
    """What a document comes to."""
    return {
        "subtotal": f"{totals.subtotal:.2f}",
        "gst": f"{totals.gst:.2f}",
        "gst_percent": f"{totals.percent:f}",
        "total": f"{totals.total:.2f}",
        "currency": load_rules().company.currency,
    }


def note_keys(order: PricedOrder, slot: SlotChoice) -> list[str]:
    """What the customer must know beside the figures, as keys of `replies/*/notes.toml`."""
    keys = ["other_day"] if not slot.asked_for and slot.reason else []
    return keys + [f for f in ("unusual", "fewer_liners", "prepay") if f in order.flags]


def order_write(
    card: Mapping[str, Any],
    *,
    contact_id: str,
    number: str,
    today: date,
    account: Mapping[str, str],
) -> Write:
    """The draft invoice that a yes to this card writes. New customers pay before delivery (P3)."""
    return new_invoice(
        number,
        {
            "Contact": {"ContactID": contact_id},
            "Date": today.isoformat(),
            **agreed_in(card, today=today, account=account),
        },
    )


def agreed_in(
    card: Mapping[str, Any], *, today: date, account: Mapping[str, str]
) -> dict[str, Any]:
    """What of an order's invoice follows from its card, and changes with it."""
    net = timedelta(days=load_rules().payment.net_days)
    due = date.fromisoformat(card["delivery"]["day"]) if card["prepay"] else today + net
    source = [f"Quote {card['quote']}"] if card.get("quote") else []
    return {
        "Reference": ", ".join([*source, card["outlet"]["name"], slot_text(card)]),
        "DueDate": due.isoformat(),
        "LineItems": lines_of([*card["lines"], *card["fees"]], account),
    }


def slot_text(card: Mapping[str, Any]) -> str:
    """Day and time of an order's delivery."""
    return f"{card['delivery']['day']} {card['delivery']['window_text']}"


def slot_of(card: Mapping[str, Any]) -> Slot:
    """The delivery slot that an order's card promises."""
    start, end = map(time.fromisoformat, card["delivery"]["window_text"].split("-"))
    day = date.fromisoformat(card["delivery"]["day"])
    return Slot(day, card["delivery"]["window"], start, end)


def _unit_price(price: Decimal) -> str:
    """At least two decimals, and the third and fourth where Xero has them."""
    return f"{price.normalize():f}" if price != price.quantize(Decimal("0.01")) else f"{price:.2f}"


def _delivery(slot: SlotChoice) -> dict[str, Any]:
    return {
        "day": slot.slot.day.isoformat(),
        "day_text": f"{slot.slot.day:%a %-d %b %Y}",
        "window": slot.slot.window,
        "window_text": f"{slot.slot.start:%H:%M}-{slot.slot.end:%H:%M}",
        "asked_for": slot.asked_for,
    }


def _outlet(outlet: Outlet, request: OrderRequest) -> dict[str, str]:
    """The known outlet; a contact person and mobile that the order names go before the usual."""
    return {
        "outlet_id": outlet.outlet_id,
        "name": outlet.name,
        "address": f"{outlet.address}, S({outlet.postal_code})",
        "contact_person": request.contact or outlet.contact_person,
        "mobile": request.mobile or outlet.mobile,
    }
