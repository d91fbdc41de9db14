from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.sandbox.xero.money import TaxMode, cents, price_line, rounded_unit, total_of

D = Decimal


@pytest.mark.parametrize(
    ("quantity", "unit", "amount", "tax"),
    [
        ("500", "0.65", "325.00", "29.25"),
        ("500", "0.4875", "243.75", "21.94"),
        ("1", "0.055", "0.06", "0.01"),
        ("3", "0", "0.00", "0.00"),
    ],
)
def test_a_line_is_rounded_half_up(quantity: str, unit: str, amount: str, tax: str) -> None:
    line = price_line(D(quantity), D(unit), D(0), D(9), "exclusive")

    assert (line.amount, line.tax) == (D(amount), D(tax))


def test_tax_is_rounded_per_line_before_the_sum() -> None:
    lines = [price_line(D(1), D("0.50"), D(0), D(9), "exclusive")] * 3

    # 0.045 is 0.05 on each line; 9% of the sum would be 0.14.
    assert total_of(lines, "exclusive").tax == D("0.15")


def test_an_inclusive_price_contains_its_tax() -> None:
    lines = [price_line(D(1), D("109.00"), D(0), D(9), "inclusive")]
    totals = total_of(lines, "inclusive")

    assert (totals.subtotal, totals.tax, totals.total) == (D("100.00"), D("9.00"), D("109.00"))


def test_a_discount_comes_off_before_tax() -> None:
    line = price_line(D(10), D("10"), D(25), D(9), "exclusive")

    assert (line.amount, line.tax) == (D("75.00"), D("6.75"))


def test_a_unit_price_keeps_two_or_four_places() -> None:
    assert rounded_unit(D("0.4875"), 2) == D("0.49")
    assert rounded_unit(D("0.48755"), 4) == D("0.4876")


@given(
    st.lists(st.decimals(0, 10_000, places=4), min_size=1, max_size=5),
    st.sampled_from(["exclusive", "inclusive", "notax"]),
)
def test_a_total_is_its_subtotal_and_its_tax(units: list[Decimal], mode: TaxMode) -> None:
    totals = total_of([price_line(D(7), unit, D(0), D(9), mode) for unit in units], mode)

    assert totals.total == totals.subtotal + totals.tax
    assert totals.total == cents(totals.total)
