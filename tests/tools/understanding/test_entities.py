from datetime import date

import pytest

from tools.ordering.catalogue import load_catalogue
from tools.ordering.orders import Outlet
from tools.understanding.entities import documents_in, entities_of

TODAY = date(2026, 11, 24)
OUTLET = Outlet(
    "o-1", "Forno Tampines", "12 Example Street 4", "510012", "Mei", "8000 0012", "b", ""
)


def named(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for entity in entities_of(text, load_catalogue(), [OUTLET], TODAY):
        found.setdefault(entity["kind"], []).append(entity["value"])
    return found


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("compare inv-1003 with INV-1001 and INV-1003", ["INV-1003", "INV-1001"]),
        ("inv 1003", ["INV-1003"]),
        ("TRIA-000012 and CN-7", ["TRIA-000012", "CN-7"]),
        ("invite 12 people", []),
    ],
)
def test_document_numbers_are_read_once_and_in_their_printed_form(
    text: str, numbers: list[str]
) -> None:
    assert documents_in(text) == numbers


def test_a_message_names_several_kinds_of_things() -> None:
    text = "200 pcs 12 inch boxes for Forno Tampines on 3 Dec, paid $1,296.00 for INV-1001"
    assert named(text) == {
        "document": ["INV-1001"],
        "product": ["CNP-015-FB-01"],
        "quantity": ["200"],
        "amount": ["1296.00"],
        "date": ["2026-12-03"],
        "outlet": ["o-1"],
    }


def test_a_message_may_name_nothing() -> None:
    assert named("hello there") == {}
