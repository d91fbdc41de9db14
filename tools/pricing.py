"""What an order costs, by the rules of the house."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from tools.catalogue import Product, load_catalogue
from tools.delivery import remote_fee
from tools.orders import OrderLine
from tools.rules import gst_percent, load_rules

CENT = Decimal("0.01")


@dataclass(frozen=True)
class AccountStanding:
    """What an account has bought so far; amounts in SGD before GST."""

    segment: str
    average_order: Decimal | None
    completed_orders: int
    on_hold: bool


@dataclass(frozen=True)
class PricedLine:
    """One line with its price; `packs` of `pack` hold `pieces`."""

    code: str
    name: str
    pieces: int
    packs: int
    pack: str
    unit_price: Decimal
    amount: Decimal


@dataclass(frozen=True)
class Fee:
    """A charge beside the goods, before GST."""

    label: str
    amount: Decimal


@dataclass(frozen=True)
class PricedOrder:
    """An order at today's prices. `flags` name the rules that need attention."""

    lines: tuple[PricedLine, ...]
    fees: tuple[Fee, ...]
    subtotal: Decimal
    gst: Decimal
    gst_percent: Decimal
    total: Decimal
    flags: frozenset[str]


def price_order(
    lines: Sequence[OrderLine],
    prices: Mapping[str, Decimal],
    on: date,
    account: AccountStanding,
    address: str = "",
) -> PricedOrder:
    """Price resolved lines: each line and its tax rounded half up to the cent, then summed."""
    percent = gst_percent(on)
    merged: dict[str, int] = {}
    for line in lines:
        if line.code:
            merged[line.code] = merged.get(line.code, 0) + line.pieces
    products = {p.code: p for p in load_catalogue().products}
    priced = tuple(_priced(products[c], n, prices[c]) for c, n in merged.items())
    fees = _fees(address)
    amounts = [*(line.amount for line in priced), *(fee.amount for fee in fees)]
    subtotal = sum(amounts, Decimal(0))
    gst = sum((_cents(amount * percent / 100) for amount in amounts), Decimal(0))
    return PricedOrder(
        lines=priced,
        fees=fees,
        subtotal=subtotal,
        gst=gst,
        gst_percent=percent,
        total=subtotal + gst,
        flags=_flags(subtotal, sum(merged.values()), account),
    )


def cancellation_fee(total: Decimal, hours_before_delivery: float) -> Fee:
    """What cancelling costs, by the hours left until delivery; negative hours mean refused."""
    rules = load_rules().cancellation
    if hours_before_delivery >= rules.free_hours:
        percent = Decimal(0)
    elif hours_before_delivery >= rules.late_hours:
        percent = rules.late_percent
    elif hours_before_delivery >= 0:
        percent = rules.last_percent
    else:
        percent = rules.refused_percent
    return Fee(f"Cancellation {percent:f}%", _cents(total * percent / 100))


def _fees(address: str) -> tuple[Fee, ...]:
    fee = remote_fee(address)
    return (Fee("Delivery to a remote area", fee),) if fee else ()


def _flags(subtotal: Decimal, pieces: int, account: AccountStanding) -> frozenset[str]:
    ordering, payment = load_rules().ordering, load_rules().payment
    is_new = account.completed_orders < payment.credit_after_orders
    average = account.average_order or Decimal(0)
    usual = average * ordering.unusual_percent / 100
    is_unusual = (
        subtotal > ordering.unusual_any
        or (is_new and subtotal > ordering.unusual_new_customer)
        or (not is_new and subtotal > usual)
    )
    found = {
        "on_hold": account.on_hold,
        "needs_quote": pieces >= ordering.quote_from_pieces,
        "below_minimum": is_new and subtotal < ordering.minimum_new_customer,
        "prepay": is_new,
        "unusual": is_unusual,
    }
    return frozenset(flag for flag, holds in found.items() if holds)


def _priced(product: Product, pieces: int, price: Decimal) -> PricedLine:
    return PricedLine(
        code=product.code,
        name=product.name,
        pieces=pieces,
        packs=pieces // product.pack_size,
        pack=product.pack,
        unit_price=price,
        amount=_cents(price * pieces),
    )


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)
