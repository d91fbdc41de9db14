"""The card that a customer says yes to, and the bytes that this yes will send."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from tools.ordering.delivery import SlotChoice
from tools.ordering.pricing import PricedOrder
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
            for x in order.lines
        ],
        "fees": [{"label": fee.label, "amount": f"{fee.amount:.2f}"} for fee in order.fees],
        "subtotal": f"{order.subtotal:.2f}",
        "gst": f"{order.gst:.2f}",
        "gst_percent": f"{order.gst_percent:f}",
        "total": f"{order.total:.2f}",
        "currency": load_rules().company.currency,
        "delivery": _delivery(slot),
        "outlet": _outlet(outlet, request),
        "prepay": "prepay" in order.flags,
        "unusual": "unusual" in order.flags,
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
    delivery, outlet = card["delivery"], card["outlet"]
    net = timedelta(days=load_rules().payment.net_days)
    due = date.fromisoformat(delivery["day"]) if card["prepay"] else today + net
    return new_invoice(
        number,
        {
            "Contact": {"ContactID": contact_id},
            "Reference": f"{outlet['name']}, {delivery['day']} {delivery['window_text']}",
            "Date": today.isoformat(),
            "DueDate": due.isoformat(),
            "LineItems": lines_of([*card["lines"], *card["fees"]], account),
        },
    )


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
