from datetime import date, datetime
from decimal import Decimal
from timeit import timeit
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.ordering.catalogue import load_catalogue
from tools.ordering.changes import asks_repeat, split
from tools.ordering.orders import OrderRequest, Outlet, is_urgent, looks_like_order, parse_order
from tools.ordering.pricing import AccountStanding, price_order
from tools.ordering.signs import is_emergency

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
        ("the 12in boxes were crushed", False),
        ("no need to rush the 200 12in", False),
        ("what is the rush fee", False),
        ("加急，12寸200个", True),
        ("12寸200个，不急", False),
        ("200 kotak 12 inci, segera", True),
        ("200 kotak 12 inci, tak segera", False),
        ("அவசரம் 12 இன்ச் பெட்டி 200", True),
        ("do you do rush orders, what does it cost?", False),
        ("how much extra for same-day delivery of 300 boxes", False),
        ("is same-day delivery possible?", False),
        ("你们有加急服务吗？怎么收费", False),
        ("ada tempahan segera? berapa caj?", False),
        ("அவசர ஆர்டர் எடுப்பீர்களா? கட்டணம் எவ்வளவு?", False),
        ("before the lunch rush", False),
        ("how much for same day? need 300 today", True),
        ("我们急需200个盒子，多少钱", True),
        ("urgent, how much do we owe", True),
        ("URGENT where is my order?", True),
        ("running low on bags, need help asap", True),
    ],
)
def test_urgent_words(text: str, urgent: bool) -> None:  # noqa: FBT001
    assert read(text).urgent == urgent
    assert is_urgent(text) == urgent


@pytest.mark.parametrize(
    ("text", "emergency"),
    [
        ("EMERGENCY our store room flooded", True),
        ("紧急情况！仓库进水了", True),
        ("kecemasan! kedai banjir", True),
        ("urgent, need 200 12in", False),
        ("who answers emergencies on sunday?", False),
    ],
)
def test_an_emergency_is_more_than_haste(text: str, emergency: bool) -> None:  # noqa: FBT001
    assert is_emergency(text) == emergency


@pytest.mark.parametrize("text", ["今天的货迟到了三个小时", "等了两个小时", "三个月的账单"])
def test_a_time_is_no_quantity(text: str) -> None:
    assert not looks_like_order(text)


def shares(request: OrderRequest) -> list[tuple[str | None, int, str | None, date | None]]:
    """Each line with the outlet and day it goes to."""
    return [
        (x.code, x.pieces, part.outlet.name if part.outlet else None, part.wanted_day)
        for part in split(request)
        for x in part.lines
    ]


@pytest.mark.parametrize(
    "text",
    [
        "200 12in for tampines and 300 XL for simei",
        "tampines: 200 12in; simei: 300 XL",
        "Tampines:\n200 12in\n\nSimei:\n300 XL",
        "200 12in\nto tampines\n300 XL\nto simei",
        "for tampines 200 12in and for simei 300 XL",
        "please send 200 12in to tampines. Simei needs 300 XL.",
        "12寸200个送淡滨尼，14寸300个送四美",
        "200 kotak 12 inci untuk tampines dan 300 kotak 14 inci untuk simei",
        "item,qty,outlet\n12 inch box,200,Tampines\nXL box,300,Simei",
    ],
)
def test_each_line_goes_to_its_own_outlet(text: str) -> None:
    assert shares(read(text)) == [
        (MEDIUM, 200, "Forno Tampines", None),
        (XL, 300, "Forno Simei", None),
    ]


def test_goods_between_two_outlets_go_where_the_sentence_says() -> None:
    one, two, three = read("200 12in and 100 10in for tampines, 300 XL for simei").lines
    assert (one.outlet, two.outlet, three.outlet) == (TAMPINES, TAMPINES, EXAMPLE)


@pytest.mark.parametrize("text", ["200 12in to tampines and simei", "200 12in, tampines or simei"])
def test_two_outlets_for_one_line_are_asked_about(text: str) -> None:
    request = read(text)
    assert (request.outlet, set(request.outlet_candidates)) == (None, {TAMPINES, EXAMPLE})
    assert [x.outlet for x in request.lines] == [None]


def test_the_same_for_each_outlet() -> None:
    request = parse_order("200 12in for each outlet", load_catalogue(), OUTLETS, RECEIVED)
    assert [outlet for _, _, outlet, _ in shares(request)] == [o.name for o in OUTLETS]


def test_a_line_for_a_place_that_is_not_the_customers_is_open() -> None:
    first, second = split(read("200 12in for tampines and 300 XL for bedok outlet"))
    assert (first.outlet, second.outlet, second.outlet_candidates) == (TAMPINES, None, ())


@pytest.mark.parametrize(
    "text",
    ["150 single trays on thursday, 200 lids on saturday", "周四单格餐盒150个，周六盖子200个"],
)
def test_each_line_has_its_own_day(text: str) -> None:
    assert [day for *_, day in shares(read(text, TAMPINES))] == [
        date(2026, 3, 5),
        date(2026, 3, 7),
    ]


def test_a_day_that_is_over_is_not_the_day_of_delivery() -> None:
    text = "we ran out on monday, so 200 12in for thursday"
    assert read(text, TAMPINES).wanted_day == date(2026, 3, 5)


def test_a_part_takes_contact_and_address_of_its_own_outlet() -> None:
    siti = Outlet("o9", "Forno Bedok", "9 Model Road", "460009", "Siti", "8000 0099", "b", "Bedok")
    first, second = split(read("200 12in for tampines and 300 XL for bedok", TAMPINES, siti))
    assert (first.contact, first.address) == ("Mei", TAMPINES.address)
    assert (second.contact, second.mobile, second.address) == ("Siti", "8000 0099", "9 Model Road")


def test_an_order_for_one_outlet_and_day_stays_whole() -> None:
    request = read(FORM)
    assert split(request) == (request,)


@pytest.mark.parametrize(
    "text",
    [
        'Item\tQty\n10" Regular Box\t600\n12" Medium Box\t200\n14" XL Box\t400',
        "No\tItem\tQty\n1\t10 inch box\t600\n2\t12 inch box\t200\n3\tXL box\t400",
        'Code,Description,Qty,Unit price,Amount\nCNP-014,"10"" box",600,0.45,270.00\n'
        'CNP-015,"12"" box",200,0.65,130.00\nCNP-016,"14"" box",400,0.85,340.00',
        "| Item | Quantity | Unit |\n|---|---|---|\n| 10 inch | 6 | bundles |\n"
        "| 12 inch | 2 | bundles |\n| XL | 8 | bundles |",
        "品名|数量\n10寸披萨盒|600\n12寸披萨盒|200\n14寸披萨盒|400",
        "Item: 10 inch box\nQty: 600\nItem: 12 inch box\nQty: 200\nItem: XL box\nQty: 400",
        "• 10 inch box - 6 bundles\n• 12 inch box - 2 bundles\n• XL box - 8 bundles",
    ],
)
def test_tables_and_lists(text: str) -> None:
    lines = read(text, TAMPINES).lines
    assert [(x.code, x.pieces) for x in lines] == [(SMALL, 600), (MEDIUM, 200), (XL, 400)]
    assert {x.problem for x in lines} == {None}


def test_a_long_mail_with_talk_around_the_goods() -> None:
    text = """Dear team,

Hope you are well. Thanks for the quick delivery last Friday, our 3 chefs were very happy!
For the coming weekend we would like to order the following for our Tampines outlet:

  - 6 bundles of the 10 inch boxes
  - two hundred 12" medium boxes
  - 8 bundles of XL

Please deliver on Thursday morning, before 11am if possible. Ask for Siti at 9000 0034.

Best regards,
Siti Rahman
Forno Pte Ltd
"""
    request = read(text)
    assert [(x.code, x.pieces) for x in request.lines] == [(SMALL, 600), (MEDIUM, 200), (XL, 400)]
    assert {x.problem for x in request.lines} == {None}
    assert (request.outlet, request.wanted_day) == (TAMPINES, date(2026, 3, 5))
    assert (request.wanted_window, request.mobile) == ("morning", "9000 0034")


@pytest.mark.parametrize(
    "text",
    [
        *(FORM, CASUAL, "200 bags", "add 300 medium boxes", "need 200 12in, how much is that?"),
        "we are running short of boxes, send 300 medium boxes",
        "last time the boxes arrived late but ok, 200 12in again for thursday please",
        "could i get 5 ctn lids?",
        "再来200个12寸盒",
        "nak 200 kotak 12 inci",
        "12 இன்ச் பெட்டி 300 வேண்டும்",
    ],
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
        "cancel 2 of the 5 bundles of xl I ordered",
        "how much for 300 boxes",
        "300 boxes were crushed",
        "are 300 boxes enough for a month",
        "can i change my order from 200 to 300 medium boxes",
        "we only got 150 of the 200 lids",
        "i paid for 300 xl but got 200",
        "add 100 more boxes to my order TRIA-000012",
        "do you have 500 bagasse bowls",
        "can i get a quote for 12000 12 inch boxes",
        "300个12寸盒多少钱",
        "200个盒子压坏了",
        "取消200个12寸盒",
        "我订的300个盒子什么时候到",
        "berapa harga 300 kotak 12 inci",
        "200 kotak 12 inci rosak",
        "batalkan 200 kotak 12 inci",
        "12 இன்ச் பெட்டி 300 விலை எவ்வளவு",
        "200 பெட்டிகள் சேதம்",
        "200 பெட்டிகள் ரத்து செய்யவும்",
    ],
)
def test_other_talk_of_goods_does_not(text: str) -> None:
    assert not looks_like_order(text)


@pytest.mark.parametrize(
    "text",
    [
        *("same as last month", "the usual please", "repeat my last order", "same again pls"),
        *("same as last month but add 100 XL", "like last time pls", "usual", "reorder"),
        *("跟上次一样", "老样子", "上次的订单再来一份", "macam biasa", "sama macam bulan lepas"),
        "வழக்கம் போல",
    ],
)
def test_an_order_as_before(text: str) -> None:
    assert asks_repeat(text)


@pytest.mark.parametrize(
    "text",
    [
        *("same day delivery", "same problem as last month", "is it the usual price?", "200 12in"),
        *("the same boxes arrived crushed again", "i don't want the usual", "同一天送货"),
        "how do i repeat an order",
    ],
)
def test_other_talk_of_the_same_is_no_repeat(text: str) -> None:
    assert not asks_repeat(text)


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
