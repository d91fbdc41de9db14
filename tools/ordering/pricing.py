"""What an order costs, by the rules of the house."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from tools.ordering.catalogue import Product, load_catalogue
from tools.ordering.delivery import remote_fee
from tools.ordering.finishes import named_in, priced_in
from tools.ordering.orders import OrderLine
from tools.ordering.types import Finish
from tools.rules import gst_percent, load_rules

CENT = Decimal("0.01")
BOXES, LINERS = "pizza box", "liner"
Goods = tuple[Product, Finish]


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
    finish: Finish = ""


@dataclass(frozen=True)
class Fee:
    """A charge beside the goods, before GST."""

    label: str
    amount: Decimal


@dataclass(frozen=True)
class Totals:
    """What amounts add up to, and the tax on them."""

    subtotal: Decimal
    gst: Decimal
    percent: Decimal

    @property
    def total(self) -> Decimal:
        """What is to be paid."""
        return self.subtotal + self.gst


@dataclass(frozen=True)
class PricedOrder:
    """An order at today's prices. `flags` name the rules that need attention.

    `counted` are the pieces that the lead time and the limit for quotes count: liners are none.
    """

    lines: tuple[PricedLine, ...]
    fees: tuple[Fee, ...]
    subtotal: Decimal
    gst: Decimal
    gst_percent: Decimal
    total: Decimal
    counted: int
    flags: frozenset[str]


def price_order(
    lines: Sequence[OrderLine],
    prices: Mapping[str, Decimal],
    on: date,
    account: AccountStanding,
    address: str = "",
) -> PricedOrder:
    """Price resolved lines: each line and its tax rounded half up to the cent, then summed."""
    products = {p.code: p for p in load_catalogue().products}
    asked = Counter[Goods]()
    for line in lines:
        if line.code:
            asked[products[line.code], line.finish] += line.pieces
    pieces = _with_free_liners(asked)
    priced = tuple(
        priced_line(p, n, priced_in(prices[p.code], finish), finish)
        for (p, finish), n in pieces.items()
    )
    order = order_of(priced, _fees(address), gst_percent(on), account)
    fewer = {"fewer_liners"} if pieces != asked else set[str]()
    return replace(order, flags=order.flags | fewer)


def order_of(
    lines: tuple[PricedLine, ...],
    fees: tuple[Fee, ...],
    percent: Decimal,
    account: AccountStanding,
) -> PricedOrder:
    """An order of lines that have their prices."""
    goods = sum((line.amount for line in lines), Decimal(0))
    totals = totals_of([*(x.amount for x in lines), *(x.amount for x in fees)], percent)
    counted = counted_of((line.code, line.pieces) for line in lines)
    return PricedOrder(
        lines=lines,
        fees=fees,
        subtotal=totals.subtotal,
        gst=totals.gst,
        gst_percent=percent,
        total=totals.total,
        counted=counted,
        flags=_flags(goods, counted, account),
    )


def counted_of(lines: Iterable[tuple[str, int]]) -> int:
    """Pieces of item codes that the lead time and the limit for quotes count."""
    return sum(pieces for code, pieces in lines if not _is_liner(code))


def totals_of(amounts: Iterable[Decimal], percent: Decimal) -> Totals:
    """Lines added up as Xero does it: the tax of each is rounded half up, then summed."""
    kept = list(amounts)
    taxes = (cents(amount * percent / 100) for amount in kept)
    return Totals(sum(kept, Decimal(0)), sum(taxes, Decimal(0)), percent)


def _with_free_liners(asked: "Counter[Goods]") -> "Counter[Goods]":
    """Liners are free, one for each box of their size: more than that are not sent."""
    boxes = Counter[str]()
    for (product, _), pieces in asked.items():
        if product.family == BOXES:
            boxes[product.size] += pieces
    granted = {
        goods: min(n, boxes[goods[0].size]) if goods[0].family == LINERS else n
        for goods, n in asked.items()
    }
    return Counter({goods: n for goods, n in granted.items() if n})


def _is_liner(code: str) -> bool:
    product = load_catalogue().get(code)
    return product is not None and product.family == LINERS


def _fees(address: str) -> tuple[Fee, ...]:
    fee = remote_fee(address)
    return (Fee("Delivery to a remote area", fee),) if fee else ()


def _flags(goods: Decimal, pieces: int, account: AccountStanding) -> frozenset[str]:
    ordering, payment = load_rules().ordering, load_rules().payment
    is_new = account.completed_orders < payment.credit_after_orders
    average = account.average_order or Decimal(0)
    usual = average * ordering.unusual_percent / 100
    is_unusual = (
        goods > ordering.unusual_any
        or (is_new and goods > ordering.unusual_new_customer)
        or (not is_new and goods > usual)
    )
    found = {
        "on_hold": account.on_hold,
        "needs_quote": pieces >= ordering.quote_from_pieces,
        "below_minimum": is_new and goods < ordering.minimum_new_customer,
        "prepay": is_new,
        "unusual": is_unusual,
    }
    return frozenset(flag for flag, holds in found.items() if holds)


def priced_line(product: Product, pieces: int, price: Decimal, finish: Finish = "") -> PricedLine:
    """So many pieces of a product at that price for one."""
    return PricedLine(
        code=product.code,
        name=named_in(product.name, finish),
        pieces=pieces,
        packs=pieces // product.pack_size,
        pack=product.pack,
        unit_price=price,
        amount=cents(price * pieces),
        finish=finish,
    )


def cents(amount: Decimal) -> Decimal:
    """Rounded half up, as everywhere in the books."""
    return amount.quantize(CENT, ROUND_HALF_UP)
