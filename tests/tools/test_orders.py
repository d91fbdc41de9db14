from datetime import date, datetime
from decimal import Decimal
from timeit import timeit
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.catalogue import load_catalogue
from tools.orders import OrderRequest, Outlet, looks_like_order, parse_order
from tools.pricing import AccountStanding, price_order

RECEIVED = datetime(2026, 3, 2, 10, tzinfo=ZoneInfo("Asia/Singapore"))  # a Monday
SMALL, MEDIUM, XL = "CNP-014-FB-01", "CNP-015-FB-01", "CNP-016-FB-01"


def an_outlet(outlet_id: str, name: str, address: str, postal_code: str, area: str) -> Outlet:
    return Outlet(outlet_id, name, address, postal_code, "Mei", "8000 0012", "bill-to-1", area)


EXAMPLE = an_outlet("o1", "Forno Simei", "12 Example Street 4, #01-06", "510012", "Simei")
TAMPINES = an_outlet("o2", "Forno Tampines", "3 Sample Avenue 9, #02-11", "520034", "Tampines")
EAST = an_outlet("o3", "Forno Tampines East", "77 Sample Avenue 2", "520077", "Tampines")
SUN_PLAZA = an_outlet("o4", "Forno Sun Plaza", "30 Model Drive", "750030", "Sembawang")
OUTLETS = (EXAMPLE, TAMPINES, SUN_PLAZA)
FORM = """Order form
Outlet: 12 Example Street 4, #01-06, S(510012)
Contact: Mei / 8000 0012
10" Regular Box (100/bundle): 600
12" Medium Box (100/bundle): 200
14" XL Box (50/bundle): 400
"""
CASUAL = (
    "hi can i have 6 bundles of ten inch, 2 bdl 12in and 400 pcs XL for thurs morning pls,"
    " tampines outlet"
)


def read(text: str, *outlets: Outlet) -> OrderRequest:
    return parse_order(text, load_catalogue(), outlets or OUTLETS, RECEIVED)


@pytest.mark.parametrize("text", [FORM, CASUAL, FORM.replace("\n", "\r\n")])
def test_the_pasted_form_and_the_casual_order(text: str) -> None:
    lines = read(text).lines
    assert [(x.code, x.pieces) for x in lines] == [(SMALL, 600), (MEDIUM, 200), (XL, 400)]
    assert {x.problem for x in lines} == {None}


def test_goods_on_a_labelled_line_are_not_lost() -> None:
    (line,) = read("Deliver to: Tampines, 200 medium boxes").lines
    assert (line.code, line.pieces) == (MEDIUM, 200)


@pytest.mark.parametrize(
    ("text", "outlet"),
    [
        (FORM, EXAMPLE),
        (CASUAL, TAMPINES),
        ("200 12in to 12 example street 4", EXAMPLE),
        ("200 12in, S510012", EXAMPLE),
        ("200 12in for forno simei", EXAMPLE),
        ("200 12in for sun plaza on sat", SUN_PLAZA),
    ],
)
def test_the_outlet_that_is_named(text: str, outlet: Outlet) -> None:
    request = read(text)
    assert (request.outlet, request.outlet_candidates) == (outlet, ())
    assert request.address.lower().startswith(outlet.address[:10].lower())


def test_several_outlets_fit() -> None:
    request = read("200 12in, tampines", EXAMPLE, TAMPINES, EAST)
    assert (request.outlet, request.outlet_candidates) == (None, (TAMPINES, EAST))


def test_the_more_exact_name_wins() -> None:
    assert read("200 12in, tampines east outlet", EXAMPLE, TAMPINES, EAST).outlet == EAST


def test_no_outlet_named() -> None:
    assert read("200 12in").outlet_candidates == OUTLETS
    assert read("200 12in", EXAMPLE).outlet == EXAMPLE


@pytest.mark.parametrize(
    "text", ["200 12in to Bedok outlet", "200 12in, S(600001)", "Outlet: Bedok\n200 12in"]
)
def test_a_place_that_is_not_the_customers(text: str) -> None:
    request = read(text, EXAMPLE)
    assert (request.outlet, request.outlet_candidates) == (None, ())


def test_day_window_contact_and_mobile() -> None:
    request = read(CASUAL + ". Contact: Siti 9000 0034")
    assert (request.wanted_day, request.wanted_window) == (date(2026, 3, 5), "morning")
    assert (request.contact, request.mobile) == ("Siti", "9000 0034")


def test_a_known_outlet_fills_the_blanks() -> None:
    request = read(CASUAL)
    assert (request.contact, request.mobile, request.address) == (
        "Mei",
        "8000 0012",
        TAMPINES.address,
    )


def test_an_outlets_name_is_no_weekday() -> None:
    assert read("200 12in for Sun Plaza").wanted_day is None


@pytest.mark.parametrize(
    ("text", "urgent"),
    [
        ("200 12in ASAP", True),
        ("urgently need 200 12in", True),
        ("200 12in same-day please", True),
        ("200 12in, not urgent", False),
        ("200 12in, no rush", False),
        ("200 brushed 12in", False),
    ],
)
def test_urgent_words(text: str, urgent: bool) -> None:  # noqa: FBT001
    assert read(text).urgent == urgent


@pytest.mark.parametrize(
    "text",
    [FORM, CASUAL, "200 bags", "add 300 medium boxes", "need 200 12in, how much is that?"],
)
def test_a_wish_for_goods_looks_like_an_order(text: str) -> None:
    assert looks_like_order(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "what do i owe",
        "i want to order pizza boxes",
        "how much are 500 medium boxes",
        "200 of the 12 inch boxes arrived damaged",
        "no need 200 medium boxes",
        "don't send the 200 medium boxes",
        "cancel my order of 200 12in boxes",
        "you were short 100 medium boxes",
        "INV-1042 shows 200 12in boxes, invoice is wrong",
        "how many 12 inch boxes are in a bundle of 100",
        "we are 3 people",
    ],
)
def test_other_talk_of_goods_does_not(text: str) -> None:
    assert not looks_like_order(text)


words = st.sampled_from(
    [
        *("200", "1,000", "2k", "0", "x", "half", "two hundred", "12in", '10"', "8x6", "bundles"),
        *("ctn", "of", "box", "lid", "liner", "white", "CNP-015", "and", "or", ",", "\n", "(", ":"),
        *("Outlet:", "Contact:", "-", "5/3", "31/2", "@", "$1.50", "9am", "thurs", "tampines"),
    ]
)


@settings(deadline=None)
@given(st.one_of(st.text(), st.lists(words).map(" ".join)))
def test_any_text_can_be_read(text: str) -> None:
    request = read(text)
    assert request == read(text)
    for line in request.lines:
        assert line.pieces >= 0
        product = load_catalogue().get(line.code) if line.code else None
        if line.problem is None:
            assert product
            assert line.pieces > 0
            assert line.pieces % product.pack_size == 0
    assert looks_like_order(text) in {True, False}


def test_reading_takes_under_five_milliseconds() -> None:
    read(FORM)
    assert min(timeit(lambda: read(FORM), number=1) for _ in range(20)) < 0.005


PRICES = {p.code: Decimal(p.list_price) for p in load_catalogue().products}
ESTABLISHED = AccountStanding("established", Decimal(600), 20, on_hold=False)


@pytest.mark.parametrize(
    ("text", "subtotal", "gst", "total"),
    [
        ("500 x CNP-015", "325.00", "29.25", "354.25"),
        (FORM, "740.00", "66.60", "806.60"),
        (CASUAL, "740.00", "66.60", "806.60"),
    ],
)
def test_what_a_written_order_costs(text: str, subtotal: str, gst: str, total: str) -> None:
    order = price_order(read(text).lines, PRICES, date(2026, 3, 2), ESTABLISHED)
    assert (order.subtotal, order.gst, order.total) == (
        Decimal(subtotal),
        Decimal(gst),
        Decimal(total),
    )
