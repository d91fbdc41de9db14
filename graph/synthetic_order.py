"""What the synthetic customer orders, and what its card must say."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from tools.ordering.catalogue import Product
from tools.rules import gst_percent, load_rules
from tools.xero.seller import Listed

CENT = Decimal("0.01")


class StepFailed(Exception):
    """What a step found is not what a customer must find; says what, without any content."""


@dataclass(frozen=True)
class Wish:
    """What is ordered, at today's price for a piece."""

    product: Product
    packs: int
    price: Decimal

    @property
    def pieces(self) -> int:
        """How many that is."""
        return self.packs * self.product.pack_size

    @property
    def amount(self) -> Decimal:
        """What they cost before GST."""
        return _cents(self.price * self.pieces)


def wish_of(products: Iterable[Product], prices: Mapping[str, Listed]) -> Wish:
    """The least of something that a new customer may order without anybody having to look."""
    ordering = load_rules().ordering
    for product in products:
        listed = prices.get(product.code)
        if not listed or listed.price <= 0:
            continue
        a_pack = listed.price * product.pack_size
        wish = Wish(product, math.ceil(ordering.minimum_new_customer / a_pack), listed.price)
        is_there = listed.on_hand is None or listed.on_hand >= wish.pieces
        is_small = wish.pieces < ordering.quote_from_pieces
        if is_there and is_small and wish.amount <= ordering.unusual_new_customer:
            return wish
    raise StepFailed("nothing in the price list can be ordered")


def check_card(card: Mapping[str, Any], wish: Wish, today: date) -> None:
    """Raise StepFailed unless the card's total follows from its goods, price list and tax."""
    lines = card["lines"]
    if [(line["code"], line["pieces"]) for line in lines] != [(wish.product.code, wish.pieces)]:
        raise StepFailed("the card holds other goods")
    amounts = [Decimal(entry["amount"]) for entry in (*lines, *card["fees"])]
    if amounts[0] != wish.amount:
        raise StepFailed("the card's price is not that of the price list")
    tax = sum((_cents(a * gst_percent(today) / 100) for a in amounts), Decimal(0))
    if Decimal(card["total"]) != sum(amounts, Decimal(0)) + tax:
        raise StepFailed("the card's total is wrong")


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)
