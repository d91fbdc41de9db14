from datetime import date
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from tools.ordering.catalogue import load_catalogue
from tools.ordering.pricing import AccountStanding
from tools.ordering.quoting import end_of, order_of_quote, valid_until
from tools.xero.documents import Quote

TODAY = date(2026, 11, 23)
USUAL = AccountStanding("established", Decimal(600), 40, on_hold=False)
NEW = AccountStanding("new", None, 0, on_hold=False)


def a_line(code: str | None, quantity: str, price: str, **more: Any) -> dict[str, Any]:
    amount = Decimal(quantity) * Decimal(price)
    line = {"ItemCode": code, "Description": "a line", "Quantity": Decimal(quantity)}
    return line | {"UnitAmount": Decimal(price), "LineAmount": amount} | more


def a_quote(*lines: dict[str, Any], total: str) -> Quote:
    return Quote.model_validate(
        {
            "QuoteID": str(uuid4()),
            "QuoteNumber": "QU-1001",
            "Contact": {"ContactID": str(uuid4())},
            "Status": "SENT",
            "LineItems": list(lines),
            "Total": Decimal(total),
        }
    )


@pytest.mark.parametrize(
    ("day", "last"),
    [
        (date(2026, 11, 1), date(2026, 11, 30)),
        (date(2026, 11, 30), date(2026, 11, 30)),
        (date(2026, 12, 5), date(2026, 12, 31)),
        (date(2028, 2, 3), date(2028, 2, 29)),
    ],
)
def test_prices_hold_to_the_end_of_the_month(day: date, last: date) -> None:
    assert valid_until(day) == last


def test_a_day_ends_at_midnight_in_singapore() -> None:
    assert end_of(date(2026, 11, 30)).isoformat() == "2026-12-01T00:00:00+08:00"


def test_goods_and_charges_of_a_quote_become_an_order() -> None:
    quote = a_quote(
        a_line("CNP-015-FB-01", "20000", "0.60"), a_line(None, "1", "30.00"), total="13112.70"
    )
    order = order_of_quote(quote, load_catalogue(), TODAY, USUAL)
    assert order
    assert [(x.code, x.pieces, x.packs, x.unit_price) for x in order.lines] == [
        ("CNP-015-FB-01", 20000, 200, Decimal("0.60"))
    ]
    assert [(fee.label, fee.amount) for fee in order.fees] == [("a line", Decimal("30.00"))]
    assert (order.gst, order.total, order.counted) == (
        Decimal("1082.70"),
        Decimal("13112.70"),
        20000,
    )
    assert "prepay" not in order.flags


def test_a_new_customer_pays_first() -> None:
    quote = a_quote(a_line("CNP-015-FB-01", "20000", "0.60"), total="13080.00")
    order = order_of_quote(quote, load_catalogue(), TODAY, NEW)
    assert order
    assert "prepay" in order.flags


@pytest.mark.parametrize(
    ("line", "total"),
    [
        (a_line("CNP-015-FB-01", "20000", "0.60"), "13080.01"),
        (a_line("CNP-015-FB-01", "20000", "0.60", LineAmount=Decimal("10800.00")), "11772.00"),
        (a_line("CNP-015-FB-01", "0.5", "0.60"), "0.33"),
        (a_line("NO-SUCH", "20000", "0.60"), "13080.00"),
        (a_line(None, "1", "30.00"), "32.70"),
        (a_line("CNP-015-FB-01", "20000", "0.60", Quantity=None), "13080.00"),
    ],
)
def test_what_our_arithmetic_does_not_explain_is_no_order(line: dict[str, Any], total: str) -> None:
    assert order_of_quote(a_quote(line, total=total), load_catalogue(), TODAY, USUAL) is None
