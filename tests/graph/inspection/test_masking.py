"""Persons are hidden in whatever a turn left behind; the business stays readable."""

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from graph.inspection.conversation import personal_names
from graph.inspection.masking import as_text, mask
from tests.conftest import customer
from tools.ordering.types import Outlet

MEI = "Mei Lim"
KUMARS = Outlet(
    outlet_id="kumars",
    name="Kumar's Tampines",
    address="1 Example Road",
    postal_code="510012",
    contact_person="Kumar Das",
    mobile="8000 0001",
    bill_to="",
    area="Tampines",
)
BUSINESS = "INV-001234 and TRIA-000012, SGD 1,234.50 for 40 bundles of 14 inch boxes on 3 Dec"


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("call me at 9123 4567", "9123"),
        ("my ic is S1234567D", "S1234567D"),
        ("write to mei@forno-rosso.tria.example", "mei@"),
        ("deliver to Blk 12 Example Street 4 #01-06 S(510012)", "Example Street"),
        ("this is Mei Lim from Forno Rosso", MEI),
        ("please ask MEI   LIM", "LIM"),
        ("contact Mr Tan Ah Kow", "Kow"),
        ("ｃａｌｌ ９１２３ ４５６７", "４５６７"),
    ],
)
def test_persons_are_hidden(text: str, gone: str) -> None:
    shown = mask(text, [MEI, "Tan"])
    assert gone not in shown
    assert "[" in shown


def test_the_business_stays_readable() -> None:
    assert mask(BUSINESS, [MEI]) == BUSINESS
    assert mask("Forno Rosso Pte Ltd, Forno Rosso Tampines") == (
        "Forno Rosso Pte Ltd, Forno Rosso Tampines"
    )


def test_a_state_is_masked_in_depth_and_keeps_its_shape() -> None:
    run, day = uuid4(), date(2026, 11, 28)
    state: dict[str, Any] = {
        "run_id": run,
        "day": day,
        "thread": str(run),
        "screened": {"masked": "call [phone_1]", "personal": {"[phone_1]": "9123 4567"}},
        "card": {"outlet": {"name": "Tampines", "contact_person": "Anyone", "mobile": "12"}},
        "facts": [{"kind": "balance", "data": {"total": "12.50", "found": [1, None, True]}}],
    }
    shown = mask(state)
    assert shown["screened"] == {
        "masked": "call [phone_1]",
        "personal": {"[phone_1]": "[phone_1]"},
    }
    assert shown["card"]["outlet"] == {
        "name": "Tampines",
        "contact_person": "[name_1]",
        "mobile": "[phone_1]",
    }
    for kept in ("run_id", "day", "thread", "facts"):
        assert shown[kept] == state[kept]


def test_a_name_that_the_company_bears_stays_in_the_companys_name() -> None:
    scope = {"name": "Kumar Das", "company": "Kumar's Kitchen Pte Ltd"}
    names = personal_names(scope, [KUMARS])
    assert mask("Kumar's Kitchen Pte Ltd, ask Kumar Das or Das", names) == (
        "Kumar's Kitchen Pte Ltd, ask [person_1] or [person_5]"
    )


@pytest.mark.parametrize("filling", ["and so on. ", "再说一遍", "x" * 50, "a\n\n", " " * 9000])
def test_nothing_of_a_long_text_is_left_out_or_shown(filling: str) -> None:
    text = filling * (12_000 // len(filling)) + " call 9123 4567 please. The end."
    shown = mask(text)
    assert shown.endswith("please. The end.")
    assert "9123" not in shown
    assert len(shown) > 11_900 or not filling.strip()


def test_a_link_serves_its_customer_alone_and_turned_text_is_shown_straight() -> None:
    link = "https://tria.example/documents/" + "a" * 43
    assert as_text({"said": [f"here: {link}"]}) == {
        "said": ["here: https://tria.example/documents/…"]
    }
    assert as_text("pay \u202e05\u202c") == "pay ⟨U+202E⟩05⟨U+202C⟩"


def test_the_demo_customer_is_known_by_their_outlets() -> None:
    who = customer()
    told = ("name", "address", "postal_code", "contact_person", "mobile")
    outlets = [
        replace(KUMARS, **{field: str(played[field]) for field in told}) for played in who.outlets
    ]
    names = personal_names({"name": who.name, "company": who.company}, outlets)
    shown = mask(" ".join(outlet.contact_person for outlet in outlets), names)
    assert not any(outlet.contact_person in shown for outlet in outlets)
    assert mask(who.company, names) == who.company
