from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from tools.ordering.catalogue import load_catalogue
from tools.ordering.changes import amend, dump, load
from tools.ordering.finishes import finish_of, named_in
from tools.ordering.orders import OrderRequest, Outlet, parse_order

RECEIVED = datetime(2026, 3, 2, 10, tzinfo=ZoneInfo("Asia/Singapore"))
SMALL, MEDIUM = "CNP-014-FB-01", "CNP-015-FB-01"
OUTLETS = (
    Outlet(
        "o1", "Forno Tampines", "3 Sample Avenue 9", "520034", "Mei", "8000 0012", "b", "Tampines"
    ),
)
BOTH = [(MEDIUM, "white"), (SMALL, "white")]


def order(text: str) -> OrderRequest:
    return parse_order(text, load_catalogue(), OUTLETS, RECEIVED)


def finishes(request: OrderRequest | None) -> list[tuple[str | None, str]]:
    assert request is not None
    return [(x.code, x.finish) for x in request.lines]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("200 WHITE 12 inch boxes", [(MEDIUM, "white")]),
        ("200 12 inch boxes in white", [(MEDIUM, "white")]),
        ("200 12 inch boxes, white", [(MEDIUM, "white")]),
        ("200 12 inch, 100 white 10 inch", [(MEDIUM, ""), (SMALL, "white")]),
        ("200 12 inch (white), 100 10 inch", [(MEDIUM, "white"), (SMALL, "")]),
        ("200 12 inch, 100 10 inch, all white", BOTH),
        ("white boxes: 200 12 inch and 100 10 inch", BOTH),
        ("要200个白色12寸盒子", [(MEDIUM, "white")]),
        ("200 kotak putih 12 inci", [(MEDIUM, "white")]),
        ("200 வெள்ளை 12 அங்குல பெட்டி", [(MEDIUM, "white")]),
        ("200 12 inch boxes to White Sands", [(MEDIUM, "")]),
    ],
)
def test_boxes_are_asked_for_in_white(text: str, expected: list[tuple[str, str]]) -> None:
    assert finishes(order(text)) == expected


def test_what_does_not_come_in_white_is_asked_about() -> None:
    [line] = order("250 white small bags").lines
    assert (line.problem, line.finish) == ("ambiguous", "")


def test_white_boxes_without_a_size_stay_white_while_it_is_asked() -> None:
    request = order("200 white boxes")
    assert request.lines[0].problem == "ambiguous"
    amended = amend(request, "12 inch", load_catalogue(), OUTLETS, RECEIVED)
    assert finishes(amended) == [(MEDIUM, "white")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("make them white", [(MEDIUM, "white"), (SMALL, "white"), ("BAG-S", "")]),
        ("make the 12 inch white", [(MEDIUM, "white"), (SMALL, ""), ("BAG-S", "")]),
        ("make it 300 white 12 inch", [(MEDIUM, "white"), (SMALL, ""), ("BAG-S", "")]),
        (
            "add 100 white 12 inch",
            [(MEDIUM, ""), (SMALL, ""), ("BAG-S", ""), (MEDIUM, "white")],
        ),
        ("make the 12 inch 300", [(MEDIUM, ""), (SMALL, ""), ("BAG-S", "")]),
    ],
)
def test_the_finish_of_an_open_order_changes(text: str, expected: list[tuple[str, str]]) -> None:
    request = order("200 12 inch, 100 10 inch, 250 small bags")
    assert finishes(amend(request, text, load_catalogue(), OUTLETS, RECEIVED)) == expected


def test_a_kept_order_keeps_the_finish() -> None:
    request = order("200 white 12 inch boxes")
    assert load(dump(request), OUTLETS, load_catalogue()) == request


def test_the_name_of_goods_tells_their_finish() -> None:
    name = named_in("pizza box", "white")
    assert (finish_of(name), finish_of("pizza box"), finish_of(None)) == ("white", "", "")
