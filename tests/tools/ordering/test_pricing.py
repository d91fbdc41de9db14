from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.ordering.catalogue import load_catalogue
from tools.ordering.orders import OrderLine
from tools.ordering.pricing import AccountStanding, PricedOrder, counted_of, price_order

TODAY = date(2026, 11, 23)
PRODUCTS = {p.code: p for p in load_catalogue().products}
PAID_FOR = sorted(code for code, p in PRODUCTS.items() if p.family != "liner")
PRICES = {code: Decimal(p.list_price) for code, p in PRODUCTS.items()}
ESTABLISHED = AccountStanding("established", Decimal(640), 40, on_hold=False)
NEWCOMER = AccountStanding("new", None, 2, on_hold=False)
SMALL, MEDIUM, LARGE = "CNP-014-FB-01", "CNP-015-FB-01", "CNP-016-FB-01"


def a_line(code: str | None, pieces: int) -> OrderLine:
    return OrderLine(code, pieces, "as written", 1.0)


def priced(
    *lines: tuple[str, int],
    on: date = TODAY,
    account: AccountStanding = ESTABLISHED,
    address: str = "",
) -> PricedOrder:
    return price_order([a_line(*x) for x in lines], PRICES, on, account, address)


def test_the_worked_example() -> None:
    order = priced((SMALL, 600), (MEDIUM, 200), (LARGE, 400))
    assert [line.amount for line in order.lines] == [270, 130, 340]
    assert (order.subtotal, order.gst) == (Decimal("740.00"), Decimal("66.60"))
    assert order.total == Decimal("806.60")
    assert order.flags == frozenset()


@pytest.mark.parametrize(
    ("on", "percent", "gst"),
    [(date(2022, 12, 31), 7, "9.10"), (date(2023, 6, 1), 8, "10.40"), (TODAY, 9, "11.70")],
)
def test_the_tax_is_that_of_the_day(on: date, percent: int, gst: str) -> None:
    order = priced((MEDIUM, 200), on=on)
    assert (order.gst_percent, order.gst) == (Decimal(percent), Decimal(gst))


# 5.4 case 25
def test_amounts_and_tax_are_rounded_half_up_line_by_line() -> None:
    prices = {SMALL: Decimal("0.495"), MEDIUM: Decimal("0.5")}
    order = price_order([a_line(SMALL, 1), a_line(MEDIUM, 1)], prices, TODAY, ESTABLISHED)
    assert [line.amount for line in order.lines] == [Decimal("0.50"), Decimal("0.50")]
    assert order.gst == Decimal("0.10")


def test_lines_of_one_product_are_one_line() -> None:
    [line] = priced((SMALL, 100), (SMALL, 200)).lines
    assert (line.pieces, line.packs, line.pack) == (300, 3, "bundle")


def test_white_boxes_cost_more_and_are_lines_of_their_own() -> None:
    white = OrderLine(MEDIUM, 200, "as written", 1.0, finish="white")
    order = price_order([white, a_line(MEDIUM, 100)], PRICES, TODAY, ESTABLISHED)
    assert [(line.name, line.unit_price, line.amount) for line in order.lines] == [
        ('12" medium pizza box, white', Decimal("0.6825"), Decimal("136.50")),
        ('12" medium pizza box', Decimal("0.65"), Decimal("65.00")),
    ]


def test_white_boxes_have_free_liners_too() -> None:
    white = OrderLine(MEDIUM, 200, "as written", 1.0, finish="white")
    order = price_order(
        [white, a_line("LIN-012", 200)], PRICES | {"LIN-012": Decimal(0)}, TODAY, ESTABLISHED
    )
    assert [line.pieces for line in order.lines] == [200, 200]
    assert order.total == Decimal("148.79")


def test_liners_count_for_no_pieces() -> None:
    assert counted_of([(SMALL, 2600), ("LIN-010", 2600)]) == 2600


def test_a_line_without_a_product_costs_nothing() -> None:
    order = price_order([a_line(None, 100), a_line(SMALL, 100)], PRICES, TODAY, ESTABLISHED)
    assert [line.code for line in order.lines] == [SMALL]


def test_the_price_is_the_one_given_and_not_the_catalogues() -> None:
    order = price_order([a_line(SMALL, 100)], {SMALL: Decimal("0.4321")}, TODAY, ESTABLISHED)
    assert order.subtotal == Decimal("43.21")


def test_a_remote_address_pays_its_taxed_fee() -> None:
    order = priced((MEDIUM, 200), address="1 Example Gateway, Sentosa")
    [fee] = order.fees
    assert fee.amount == 30
    assert (order.subtotal, order.gst) == (Decimal(160), Decimal("14.40"))


@given(st.lists(st.tuples(st.sampled_from(PAID_FOR), st.integers(1, 9999)), min_size=1, max_size=6))
def test_an_order_always_adds_up_to_the_cent(lines: list[tuple[str, int]]) -> None:
    order = priced(*lines)
    assert order.subtotal == sum(line.amount for line in order.lines)
    assert order.total == order.subtotal + order.gst
    assert order.total == round(order.total, 2)
    assert abs(order.gst - order.subtotal * 9 / 100) <= Decimal("0.005") * len(order.lines)
    assert sum(line.pieces for line in order.lines) == sum(pieces for _, pieces in lines)


@pytest.mark.parametrize(
    ("account", "pieces", "flags"),
    [
        (ESTABLISHED, 1900, set()),
        (ESTABLISHED, 2000, {"unusual"}),
        (ESTABLISHED, 10000, {"unusual", "needs_quote"}),
        (NEWCOMER, 300, {"prepay", "below_minimum"}),
        (NEWCOMER, 400, {"prepay"}),
        (NEWCOMER, 1600, {"prepay", "unusual"}),
        (AccountStanding("on hold", Decimal(640), 40, on_hold=True), 100, {"on_hold"}),
        (AccountStanding("major", Decimal(9000), 90, on_hold=False), 8000, {"unusual"}),
    ],
)
def test_what_needs_attention_is_flagged(
    account: AccountStanding, pieces: int, flags: set[str]
) -> None:
    assert priced((MEDIUM, pieces), account=account).flags == flags


def test_liners_are_free_for_boxes_of_their_size_and_count_for_nothing() -> None:
    alone = priced(("LIN-010", 500), ("CNP-015-FB-01", 300))
    assert [line.code for line in alone.lines] == ["CNP-015-FB-01"]
    assert "fewer_liners" in alone.flags
    with_boxes = priced(("CNP-014-FB-01", 9000), ("LIN-010", 9000))
    assert [line.pieces for line in with_boxes.lines] == [9000, 9000]
    assert with_boxes.subtotal == Decimal("4050.00")
    assert not with_boxes.flags & {"fewer_liners", "needs_quote"}
