"""Xero's arithmetic: each line rounded half up to the cent, its tax too, then summed."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

CENT = Decimal("0.01")
TaxMode = Literal["exclusive", "inclusive", "notax"]


@dataclass(frozen=True)
class PricedLine:
    """A line's amount as printed and the tax in or on it, both SGD."""

    amount: Decimal
    tax: Decimal


@dataclass(frozen=True)
class Totals:
    """A document's sums, SGD."""

    subtotal: Decimal
    tax: Decimal
    total: Decimal


def cents(amount: Decimal) -> Decimal:
    """Half up to the cent."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def rounded_unit(price: Decimal, places: int) -> Decimal:
    """A unit price at 2 or 4 decimal places, as `unitdp` asks."""
    return price.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def price_line(
    quantity: Decimal, unit: Decimal, discount: Decimal, percent: Decimal, mode: TaxMode
) -> PricedLine:
    """Amount and tax of one line; `discount` and `percent` are whole per cents."""
    amount = cents(quantity * unit * (100 - discount) / 100)
    match mode:
        case "exclusive":
            return PricedLine(amount, cents(amount * percent / 100))
        case "inclusive":
            return PricedLine(amount, cents(amount * percent / (100 + percent)))
        case "notax":
            return PricedLine(amount, Decimal("0.00"))


def total_of(lines: Sequence[PricedLine], mode: TaxMode) -> Totals:
    """Subtotal without tax, tax, and what is to be paid."""
    amount = sum((line.amount for line in lines), Decimal("0.00"))
    tax = sum((line.tax for line in lines), Decimal("0.00"))
    if mode == "inclusive":
        return Totals(amount - tax, tax, amount)
    return Totals(amount, tax, amount + tax)
