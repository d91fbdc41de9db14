from datetime import date, datetime
from decimal import Decimal
from timeit import timeit
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.catalogue import load_catalogue
from tools.orders import OrderRequest, Outlet, looks_like_order, parse_order
from tools.pricing import AccountStanding, PricedOrder, cancellation_fee, price_order

RECEIVED = datetime(2026, 3, 2, 10, tzinfo=ZoneInfo("Asia/Singapore"))  # a Monday
SMALL, MEDIUM, XL = "CNP-014-FB-01", "CNP-015-FB-01", "CNP-016-FB-01"
TRAY, LID = "TRI-001-TR-01", "TRI-002-LD-01"


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
THREE_BOXES = [(SMALL, 600), (MEDIUM, 200), (XL, 400)]


def read(text: str, *outlets: Outlet) -> OrderRequest:
    return parse_order(text, load_catalogue(), outlets or OUTLETS, RECEIVED)


WRITTEN: list[tuple[str, list[tuple[str, int]]]] = [
    (FORM, THREE_BOXES),
    (CASUAL, THREE_BOXES),
    (FORM.replace("\n", "\r\n"), THREE_BOXES),
    ("300 x CNP-015-FB-01", [(MEDIUM, 300)]),
    ("CNP-014 x 600, cnp015 x 200 & CNP-016: 400", THREE_BOXES),
    ("600x CNP-014\n200x CNP-015\n400x CNP-016", THREE_BOXES),
    ("two hundred 12 inch boxes and 5 cartons of tray lids", [(MEDIUM, 200), (LID, 1000)]),
    ("make it 3 bundles of medium pizza boxes", [(MEDIUM, 300)]),
    ('12" box x 200', [(MEDIUM, 200)]),
    ("12\u201d box \u00d7 200", [(MEDIUM, 200)]),
    ('600x10" box', [(SMALL, 600)]),
    ("50x14in", [(XL, 50)]),
    ("pls send 100 10in n 50 xl", [(SMALL, 100), (XL, 50)]),
    ("100 10in 50 xl", [(SMALL, 100), (XL, 50)]),
    ("10in 100 xl 50", [(SMALL, 100), (XL, 50)]),
    ("1,000 pcs of regular boxes", [(SMALL, 1000)]),
    ("2k medium boxes", [(MEDIUM, 2000)]),
    ("1.5k ten-inch boxes", [(SMALL, 1500)]),
    ("- 200 medium boxes\n- 100 ten inch\n* 3 ctn lids", [(MEDIUM, 200), (SMALL, 100), (LID, 600)]),
    ("1. 12 inch box x 200\n2. XL - 100", [(MEDIUM, 200), (XL, 100)]),
    ('10" box\n600\n12" box\n200', [(SMALL, 600), (MEDIUM, 200)]),
    ("10 inch box, 600 pcs", [(SMALL, 600)]),
    ("600 pcs, 10 inch box", [(SMALL, 600)]),
    ("need 10in: 2 bundles; 12in: 1 bundle", [(SMALL, 200), (MEDIUM, 100)]),
    ("6 medium box bundles", [(MEDIUM, 600)]),
    ("a bundle of XL and another bundle of 12 inch", [(XL, 50), (MEDIUM, 100)]),
    ("600 pcs (6 bundles) of 10 inch", [(SMALL, 600)]),
    ("3 bundles of 100 medium boxes", [(MEDIUM, 300)]),
    ("10 regular box: 600", [(SMALL, 600)]),
    ('CNP-014-FB-01 | 10" Regular Box | 600 | 0.45 | 270.00', [(SMALL, 600)]),
    ("200 medium boxes @ $0.65", [(MEDIUM, 200)]),
    ("five hundred and fifty xl boxes", [(XL, 550)]),
    ("a thousand 12-inch boxes", [(MEDIUM, 1000)]),
    ("5 hundred medium boxes", [(MEDIUM, 500)]),
    ("25 dozen medium boxes", [(MEDIUM, 300)]),
    ("1 ctn 1-ply napkins, 2 packs bagasse bowls", [("NAP-1P", 5000), ("BGS-BOWL6", 100)]),
    ("250 small kraft bags plus 500 big bags", [("BAG-S", 250), ("BAG-L", 500)]),
    ("150 single trays with 3 ctn of lids", [(TRAY, 150), (LID, 600)]),
    ("150 single trays, 3 ctn of 3-comp trays", [(TRAY, 150), ("TRI-003-TR-03", 300)]),
    (
        "BGS-TRAY86 x 100, CUT-W 500, BAG-M 250",
        [("BGS-TRAY86", 100), ("CUT-W", 500), ("BAG-M", 250)],
    ),
    ('100 8x6" bagasse trays and 50 9" plates', [("BGS-TRAY86", 100), ("BGS-PLATE9", 50)]),
    ("600 ten inch, 600 liners 10 inch", [(SMALL, 600), ("LIN-010", 600)]),
    ("200 meduim boxs urgent", [(MEDIUM, 200)]),
    (
        "order 200 12in to 12 Example Street 4 #01-06 S510012 by 5 March, call 8000 0012",
        [(MEDIUM, 200)],
    ),
    ("200 12in boxes at 9am on 5/3, PO by mail to mei@forno.tria.example", [(MEDIUM, 200)]),
    ("2. 200 medium boxes\nsee you at 2", [(MEDIUM, 200)]),
    ("thanks for the boxes last time! 200 12in", [(MEDIUM, 200)]),
    ('Order\n10" Box: 600\n12" Box:\n14" Box: 0', [(SMALL, 600)]),
    ("Delivery to: Tampines, 200 medium boxes", [(MEDIUM, 200)]),
    ("Kindly arrange 3 bundles (300 pcs) 12 inch medium box", [(MEDIUM, 300)]),
    ("can top up 2 more bundles of 14in for sat delivery?", [(XL, 100)]),
    ("Same as last month but add 100 XL", [(XL, 100)]),
    ("PO 4532: 200 x 12 inch box, see INV-1042", [(MEDIUM, 200)]),
    ("saya nak 200 kotak 12 inci dan 100 kotak 10 inci", [(MEDIUM, 200), (SMALL, 100)]),
    ("1 carton 1ply, 10 bundles regular", [("NAP-1P", 5000), (SMALL, 1000)]),
    ("Same as last month", []),
    ("hello, what are your hours?", []),
    ("", []),
]


@pytest.mark.parametrize(("text", "lines"), WRITTEN)
def test_what_is_ordered(text: str, lines: list[tuple[str, int]]) -> None:
    assert [(x.code, x.pieces) for x in read(text).lines] == lines


@pytest.mark.parametrize("text", [text for text, _ in WRITTEN])
def test_clear_lines_have_no_problem(text: str) -> None:
    assert {x.problem for x in read(text).lines} <= {None}


@pytest.mark.parametrize(
    ("text", "problem", "code", "pieces", "packs", "suggested"),
    [
        ("200 bags", "ambiguous", None, 200, 0, 0),
        ("3 bundles of pizza boxes", "ambiguous", None, 0, 3, 0),
        ("i want to order pizza boxes", "ambiguous", None, 0, 0, 0),
        ("200-300 boxes", "ambiguous", None, 0, 0, 0),
        ("500 white 12 inch boxes", "ambiguous", None, 500, 0, 0),
        ("200 medium boxes with our logo", "ambiguous", None, 200, 0, 0),
        ("half a bundle of xl", "ambiguous", None, 0, 1, 0),
        ("300 sushi boats", "unknown_product", None, 300, 0, 0),
        ("200 x CNP-017", "unknown_product", None, 200, 0, 0),
        ("100 12 inch bags", "unknown_product", None, 100, 0, 0),
        ("make it 300", "unknown_product", None, 300, 0, 0),
        ("3 bundles pls", "unknown_product", None, 0, 3, 0),
        ("can i have 12 inch boxes", "no_quantity", MEDIUM, 0, 0, 0),
        ("200 or 300 medium boxes", "no_quantity", MEDIUM, 0, 0, 0),
        ("5 cartons of 150 lids", "no_quantity", LID, 0, 0, 0),
        ("1/2 carton of lids", "no_quantity", LID, 0, 0, 0),
        ("2.5 medium boxes", "no_quantity", MEDIUM, 0, 0, 0),
        ("999999999 medium boxes", "no_quantity", MEDIUM, 0, 0, 0),
        ("150 medium boxes", "not_whole_packs", MEDIUM, 150, 0, 200),
        ("2 medium boxes", "not_whole_packs", MEDIUM, 2, 0, 100),
        ("1.5 cartons of lids", "not_whole_packs", LID, 300, 0, 400),
        ("420 XL", "not_whole_packs", XL, 420, 0, 450),
    ],
)
def test_what_must_be_asked(
    text: str, problem: str, code: str | None, pieces: int, packs: int, suggested: int
) -> None:
    (line,) = read(text).lines
    assert (line.problem, line.code, line.pieces) == (problem, code, pieces)
    assert (line.packs, line.suggested_pieces) == (packs, suggested)


def test_a_clear_line_beside_one_without_quantity() -> None:
    first, second = read("200 medium boxes and lids").lines
    assert (first.code, first.problem) == (MEDIUM, None)
    assert (second.code, second.problem) == (LID, "no_quantity")


def test_the_phrase_stays_as_written() -> None:
    assert read("pls send 2 Bdl  of 12in, 150 XL").lines[0].phrase == "2 Bdl of 12in"


def test_alternatives_are_products_to_choose_from() -> None:
    (line,) = read("200 bags").lines
    assert [p.code for p in line.alternatives] == ["BAG-S", "BAG-M", "BAG-L"]


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
NEWCOMER = AccountStanding("new", None, 0, on_hold=False)


def priced(text: str, account: AccountStanding = ESTABLISHED) -> PricedOrder:
    return price_order(read(text).lines, PRICES, date(2026, 3, 2), account)


@pytest.mark.parametrize(
    ("text", "subtotal", "gst", "total"),
    [
        ("500 x CNP-015", "325.00", "29.25", "354.25"),
        (FORM, "740.00", "66.60", "806.60"),
        (CASUAL, "740.00", "66.60", "806.60"),
    ],
)
def test_what_an_order_costs(text: str, subtotal: str, gst: str, total: str) -> None:
    order = priced(text)
    assert (order.subtotal, order.gst, order.total) == (
        Decimal(subtotal),
        Decimal(gst),
        Decimal(total),
    )


@pytest.mark.parametrize(
    ("text", "account", "flags"),
    [
        ("500 x CNP-015", ESTABLISHED, set()),
        ("2000 x CNP-015", ESTABLISHED, {"unusual"}),
        ("10000 x BAG-S", ESTABLISHED, {"needs_quote"}),
        ("200 x CNP-015", NEWCOMER, {"below_minimum", "prepay"}),
        ("500 x CNP-015", NEWCOMER, {"prepay"}),
        ("2000 x CNP-015", NEWCOMER, {"unusual", "prepay"}),
    ],
)
def test_what_needs_attention(text: str, account: AccountStanding, flags: set[str]) -> None:
    assert priced(text, account).flags == flags


@pytest.mark.parametrize(
    ("hours", "amount"),
    [(48, "0.00"), (24, "0.00"), (23.9, "88.56"), (12, "88.56"), (11.9, "177.13"), (0.5, "177.13")],
)
def test_what_a_cancellation_costs(hours: float, amount: str) -> None:
    assert cancellation_fee(Decimal("354.25"), hours).amount == Decimal(amount)
