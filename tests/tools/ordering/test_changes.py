import json
from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.ordering.catalogue import load_catalogue
from tools.ordering.changes import amend, dump, from_lines, load, split
from tools.ordering.orders import OrderRequest, Outlet, parse_order
from tools.ordering.records import Bought

RECEIVED = datetime(2026, 3, 2, 10, tzinfo=ZoneInfo("Asia/Singapore"))  # a Monday
THURSDAY, SATURDAY = date(2026, 3, 5), date(2026, 3, 7)
SMALL, MEDIUM, XL = "CNP-014-FB-01", "CNP-015-FB-01", "CNP-016-FB-01"
TRAY, LID = "TRI-001-TR-01", "TRI-002-LD-01"
TAMPINES = Outlet(
    "o1", "Forno Tampines", "3 Sample Avenue 9", "520034", "Mei", "8000 0012", "b", "Tampines"
)
BEDOK = Outlet("o2", "Forno Bedok", "9 Model Road", "460009", "Siti", "8000 0099", "b", "Bedok")
OUTLETS = (TAMPINES, BEDOK)
ONE = "200 12in for tampines"
THREE = "450 single trays, 200 lids and 100 XL for tampines"


def order(text: str) -> OrderRequest:
    return parse_order(text, load_catalogue(), OUTLETS, RECEIVED)


def change(request: OrderRequest, text: str) -> OrderRequest:
    amended = amend(request, text, load_catalogue(), OUTLETS, RECEIVED)
    assert amended is not None
    return amended


def goods(request: OrderRequest) -> list[tuple[str | None, int]]:
    return [(x.code, x.pieces) for x in request.lines]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("make it 300", [(MEDIUM, 300)]),
        ("can you make it 3 bundles?", [(MEDIUM, 300)]),
        ("what about 300 instead", [(MEDIUM, 300)]),
        ("no wait, the 10 inch", [(SMALL, 200)]),
        ("actually the XL", [(XL, 200)]),
        ("sorry i meant 14 inch not 12", [(XL, 200)]),
        ("change the 12 inch to XL", [(XL, 200)]),
        ("10 inch instead of 12 inch", [(SMALL, 200)]),
        ("make it 300 xl instead", [(XL, 300)]),
        ("another 100", [(MEDIUM, 300)]),
        ("add 100 more", [(MEDIUM, 300)]),
        ("add 100 12in", [(MEDIUM, 300)]),
        ("add 200 lids", [(MEDIUM, 200), (LID, 200)]),
        ("add 200 lids and 2 bundles of xl", [(MEDIUM, 200), (LID, 200), (XL, 100)]),
        ("and 2 cartons of 1-ply napkins too", [(MEDIUM, 200), ("NAP-1P", 10_000)]),
        ("drop the 12 inch", []),
        ("without lids", [(MEDIUM, 200)]),
        ("改成300个", [(MEDIUM, 300)]),
        ("再加200个盖子", [(MEDIUM, 200), (LID, 200)]),
        ("不要12寸", []),
        ("jadi 300", [(MEDIUM, 300)]),
        ("tambah 200 penutup", [(MEDIUM, 200), (LID, 200)]),
        ("buang kotak 12 inci", []),
        ("300 ஆக மாற்று", [(MEDIUM, 300)]),
        ("200 மூடி சேர்க்கவும்", [(MEDIUM, 200), (LID, 200)]),
    ],
)
def test_an_order_of_one_line_changes(text: str, lines: list[tuple[str, int]]) -> None:
    changed = change(order(ONE), text)
    assert goods(changed) == lines
    assert {x.problem for x in changed.lines} <= {None}
    assert changed.outlet == TAMPINES


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("make the trays 600 instead", [(TRAY, 600), (LID, 200), (XL, 100)]),
        ("make the trays 450 instead", [(TRAY, 450), (LID, 200), (XL, 100)]),
        ("no wait, the 12 inch", [(TRAY, 450), (LID, 200), (MEDIUM, 100)]),
        ("not the xl, the 10 inch", [(TRAY, 450), (LID, 200), (SMALL, 100)]),
        ("remove the xl", [(TRAY, 450), (LID, 200)]),
        ("drop the lids and the xl", [(TRAY, 450)]),
        ("no lids please", [(TRAY, 450), (XL, 100)]),
        ("remove 50 xl", [(TRAY, 450), (LID, 200), (XL, 50)]),
        ("drop the XL to 50", [(TRAY, 450), (LID, 200), (XL, 50)]),
        ("lids 400 and XL 150", [(TRAY, 450), (LID, 400), (XL, 150)]),
        ("drop the xl and add 100 12in", [(TRAY, 450), (LID, 200), (MEDIUM, 100)]),
        ("drop the liners", [(TRAY, 450), (LID, 200), (XL, 100)]),
        ("make all of them 600", [(TRAY, 600), (LID, 600), (XL, 600)]),
        ("replace the lids with 250 large bags", [(TRAY, 450), ("BAG-L", 250), (XL, 100)]),
        ("把盖子改成600个", [(TRAY, 450), (LID, 600), (XL, 100)]),
        ("penutup jadi 600", [(TRAY, 450), (LID, 600), (XL, 100)]),
        ("மூடி வேண்டாம்", [(TRAY, 450), (XL, 100)]),
    ],
)
def test_the_line_that_is_named_changes(text: str, lines: list[tuple[str, int]]) -> None:
    assert goods(change(order(THREE), text)) == lines


def test_a_number_that_fits_several_lines_is_asked_about() -> None:
    asked = change(order(THREE), "make it 300")
    assert goods(asked) == [(TRAY, 450), (LID, 200), (XL, 100), (None, 300)]
    assert asked.lines[-1].problem == "ambiguous"
    assert [p.code for p in asked.lines[-1].alternatives] == [TRAY, LID, XL]
    assert goods(change(asked, "the xl")) == [(TRAY, 450), (LID, 200), (XL, 300)]


def test_what_is_added_without_a_number_is_asked_about() -> None:
    changed = change(order(ONE), "add lids")
    assert (changed.lines[1].code, changed.lines[1].problem) == (LID, "no_quantity")


def test_an_added_product_that_is_not_clear_is_asked_about() -> None:
    changed = change(order(ONE), "and 2 cartons of napkins too")
    assert (changed.lines[1].problem, changed.lines[1].packs) == ("ambiguous", 2)


@pytest.mark.parametrize(
    ("text", "day", "window"),
    [
        ("yes but deliver Saturday", SATURDAY, None),
        ("can deliver on sat afternoon?", SATURDAY, "afternoon"),
        ("not thursday, saturday pls", SATURDAY, None),
        ("afternoon instead", None, "afternoon"),
        ("周六下午送", SATURDAY, "afternoon"),
        ("hantar hari Sabtu petang", SATURDAY, "afternoon"),
    ],
)
def test_the_day_and_slot_change(text: str, day: date | None, window: str | None) -> None:
    changed = change(order(ONE), text)
    assert (changed.wanted_day, changed.wanted_window) == (day, window)
    assert goods(changed) == [(MEDIUM, 200)]


@pytest.mark.parametrize(
    "text",
    ["change to the Bedok outlet", "bedok instead of tampines", "tukar ke Bedok", "改送勿洛"],
)
def test_another_outlet_brings_its_own_contact(text: str) -> None:
    changed = change(order(ONE), text)
    assert (changed.outlet, changed.contact, changed.mobile) == (BEDOK, "Siti", "8000 0099")
    assert changed.address == "9 Model Road"


def test_a_contact_that_the_customer_named_stays() -> None:
    changed = change(order(ONE + ", contact Ravi 9000 0034"), "change to the Bedok outlet")
    assert (changed.contact, changed.mobile) == ("Ravi", "9000 0034")


def test_both_outlets_get_the_goods() -> None:
    parts = split(change(order("200 12in"), "both outlets"))
    assert [(p.outlet, goods(p)) for p in parts] == [
        (TAMPINES, [(MEDIUM, 200)]),
        (BEDOK, [(MEDIUM, 200)]),
    ]


def test_a_single_line_goes_elsewhere_or_later() -> None:
    moved = change(order(THREE), "send the XL to bedok")
    assert [x.outlet for x in moved.lines] == [None, None, BEDOK]
    later = change(order(THREE), "deliver the lids on saturday")
    assert [x.day for x in later.lines] == [None, SATURDAY, None]
    assert later.wanted_day is None


@pytest.mark.parametrize(
    ("asked", "answer", "lines"),
    [
        ("lids for tampines", "400 pieces", [(LID, 400)]),
        ("lids for tampines", "2 cartons", [(LID, 400)]),
        ("lids for tampines", "400", [(LID, 400)]),
        ("250 bags for tampines", "the kraft one, large", [("BAG-L", 250)]),
        ("250 bags for tampines", "small", [("BAG-S", 250)]),
        ("3 bundles of pizza boxes, tampines", "the 12 inch", [(MEDIUM, 300)]),
        ("i need pizza boxes, tampines", "200 12 inch", [(MEDIUM, 200)]),
        ("150 12in for tampines", "yes", [(MEDIUM, 200)]),
        ("150 12in for tampines", "ok round up", [(MEDIUM, 200)]),
        ("150 12in for tampines", "round down please", [(MEDIUM, 100)]),
        ("150 12in for tampines", "300 then", [(MEDIUM, 300)]),
        ("150 12in for tampines", "好的", [(MEDIUM, 200)]),
        ("150 12in for tampines", "boleh", [(MEDIUM, 200)]),
        ("150 12in for tampines", "சரி", [(MEDIUM, 200)]),
    ],
)
def test_answers_to_our_questions(asked: str, answer: str, lines: list[tuple[str, int]]) -> None:
    request = order(asked)
    assert any(x.problem for x in request.lines)
    answered = change(request, answer)
    assert goods(answered) == lines
    assert [x.problem for x in answered.lines] == [None]


def test_a_number_that_is_no_whole_pack_is_asked_about_even_after_a_yes() -> None:
    answered = change(order("150 12in for tampines"), "ok make it 250")
    assert goods(answered) == [(MEDIUM, 250)]
    assert answered.lines[0].problem == "not_whole_packs"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("lids 400, xl 100, bags large", [(LID, 400), (XL, 100), ("BAG-L", 250)]),
        ("400 and 100", [(LID, 400), (XL, 100), (None, 250)]),
        ("400 each", [(LID, 400), (XL, 400), (None, 250)]),
        ("400 lids", [(LID, 400), (XL, 0), (None, 250)]),
        ("large bags", [(LID, 0), (XL, 0), ("BAG-L", 250)]),
    ],
)
def test_answers_to_several_questions(text: str, lines: list[tuple[str | None, int]]) -> None:
    request = order("lids, xl and 250 bags")
    assert goods(request) == [(LID, 0), (XL, 0), (None, 250)]
    assert goods(change(request, text)) == lines


def test_goods_that_we_do_not_know_can_be_dropped() -> None:
    request = order("300 sushi boats, 200 12in")
    assert goods(change(request, "forget the sushi boats")) == [(MEDIUM, 200)]


def test_more_of_what_is_ordered_without_a_number_is_asked_about() -> None:
    changed = change(order(ONE), "add 12in")
    assert [x.problem for x in changed.lines] == [None, "no_quantity"]
    assert goods(change(changed, "100")) == [(MEDIUM, 200), (MEDIUM, 100)]


def test_a_question_that_begins_with_can_is_no_yes() -> None:
    changed = change(order("150 12in for tampines"), "can deliver on saturday?")
    assert (changed.wanted_day, changed.lines[0].problem) == (SATURDAY, "not_whole_packs")


def test_the_outlet_that_was_open() -> None:
    assert change(order("200 12in"), "tampines").outlet == TAMPINES


@pytest.mark.parametrize(
    "text",
    [
        *("", "hello", "yes", "thanks", "cancel", "cancel it", "how much is that?", "ok thanks"),
        *("when will it come on saturday?", "200 boxes were crushed", "do you have lids?"),
        *("what do i owe", "一共多少钱", "berapa harga", "எவ்வளவு", "i want to speak to a person"),
        *("is the 12 inch box oven safe?", "can you add our logo?", "what's my balance for bedok"),
    ],
)
def test_what_is_no_change(text: str) -> None:
    assert amend(order(ONE), text, load_catalogue(), OUTLETS, RECEIVED) is None


@pytest.mark.parametrize(
    "text",
    [
        *(ONE, THREE, "200 bags", "lids and 3 bundles of pizza boxes", "300 sushi boats", ""),
        "150 12in for tampines on thursday and 300 XL for bedok on saturday, urgent",
    ],
)
def test_an_open_order_can_be_kept_as_json(text: str) -> None:
    request = order(text)
    kept = json.loads(json.dumps(dump(request)))
    assert load(kept, OUTLETS, load_catalogue()) == request


def test_an_outlet_that_is_no_longer_the_customers_is_open() -> None:
    kept = dump(order(ONE))
    assert load(kept, (BEDOK,), load_catalogue()).outlet is None


def test_an_earlier_order_is_read_against_the_catalogue() -> None:
    lines = from_lines([Bought(MEDIUM, 200), Bought(LID, 150), Bought("OLD-1", 5)])
    assert [(x.code, x.pieces, x.problem) for x in lines] == [
        (MEDIUM, 200, None),
        (LID, 150, "not_whole_packs"),
        (None, 5, "unknown_product"),
    ]


def test_a_repeat_with_a_change() -> None:
    request = replace(order("tampines"), lines=from_lines([Bought(MEDIUM, 200)]))
    changed = change(request, "same as last month but add 100 XL and no lids")
    assert goods(changed) == [(MEDIUM, 200), (XL, 100)]


@pytest.mark.parametrize(
    ("before", "text", "lines"),
    [
        (ONE, "actually half of it", [(MEDIUM, 100)]),
        (ONE, "make it half", [(MEDIUM, 100)]),
        ("400 10in and 200 12in, tampines", "half of the 10 inch", [(SMALL, 200), (MEDIUM, 200)]),
        ("400 10in and 200 12in, tampines", "double it", [(SMALL, 800), (MEDIUM, 400)]),
        (ONE, "no, 100 is enough", [(MEDIUM, 100)]),
        (ONE, "100 will do", [(MEDIUM, 100)]),
        ("300 12in 200 10in tampines", "and another 100 of the 12", [(MEDIUM, 400), (SMALL, 200)]),
        (
            "1200 small bags and 500 large bags, tampines",
            "too many leh. make the bags 1000",
            [("BAG-S", 1000), ("BAG-L", 500)],
        ),
    ],
)
def test_a_change_in_other_words(
    before: str, text: str, lines: list[tuple[str | None, int]]
) -> None:
    assert goods(change(order(before), text)) == lines


@pytest.mark.parametrize("text", ["no thanks, too late for us", "we have enough lids", "too late"])
def test_what_only_sounds_like_a_change(text: str) -> None:
    assert amend(order(ONE), text, load_catalogue(), OUTLETS, RECEIVED) is None


words = st.sampled_from(
    [
        *("make it", "add", "drop", "no", "300", "the", "trays", "12 inch", "xl", "lids", "and"),
        *(",", "instead", "of", "to", "bedok", "tampines", "saturday", "both outlets", "yes"),
        *("2 cartons", "改成", "tambah", "not", "half a", "each", "?"),
    ]
)


@settings(deadline=None)
@given(st.sampled_from([ONE, THREE, "200 bags", ""]), st.lists(words).map(" ".join))
def test_any_message_leaves_an_order_that_can_be_kept(text: str, message: str) -> None:
    changed = amend(order(text), message, load_catalogue(), OUTLETS, RECEIVED)
    if changed is None:
        return
    assert load(dump(changed), OUTLETS, load_catalogue()) == changed
    for line in changed.lines:
        product = load_catalogue().get(line.code) if line.code else None
        assert line.problem or (product and line.pieces and not line.pieces % product.pack_size)
