from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tools.documents.conftest import NUMBER, a_card, a_line, a_row, page_count, text_of
from tools.documents.delivery_order import DeliveryOrder, Goods, delivery_order_pdf
from tools.rules import load_rules


def printed(**changes: object) -> str:
    return text_of(delivery_order_pdf(DeliveryOrder.of(a_row(a_card(**changes)))))


def test_everything_the_driver_needs_is_on_it() -> None:
    text = printed(instructions="Side door, ring twice.")
    company = load_rules().company
    for part in (
        *(company.legal_name, company.address, company.email),
        *("Delivery order", NUMBER, "Tue 24 Nov 2026"),
        *("Forno Rosso Pte Ltd", "Forno Rosso Tampines", "12 Example Street 4, #01-06, S(510012)"),
        *("Mei", "8000 0012", "Thu 26 Nov 2026", "09:00-12:00"),
        *("CNP-014-FB-01", '10" regular pizza box', "6 bundles", "600", "1 carton", "5,000"),
        *("7 packs", "6,200", "Side door, ring twice.", "Signature", "Page 1 of 1"),
    ):
        assert part in text, part


def test_there_are_no_prices() -> None:
    text = printed()
    assert "0.45" not in text
    assert "270.00" not in text
    assert "806.60" not in text


def test_what_is_not_packed_counts_in_pieces() -> None:
    liners = DeliveryOrder.of(a_row()).goods[2]
    assert liners == Goods("LIN-010", 'single facer liner 10"', None, "", 600)


def test_the_day_of_the_order_is_singapores() -> None:
    assert DeliveryOrder.of(a_row()).ordered_on == date(2026, 11, 24)


def test_a_card_without_a_payer_names_the_company_that_signed_in() -> None:
    card = a_card()
    del card["bill_to"]
    assert DeliveryOrder.of(a_row(card)).bill_to == "The company that signed in"


@pytest.mark.parametrize("status", ["proposed", "confirmed", "declined", "cancelled", "failed"])
def test_only_what_is_in_the_books_is_delivered(status: str) -> None:
    with pytest.raises(ValueError, match="in the books"):
        DeliveryOrder.of(a_row(status=status))


def test_names_and_notes_keep_their_script() -> None:
    outlet = a_card()["outlet"] | {"name": "柔佛披萨店 Café Łódź", "contact_person": "தமிழ்"}
    text = printed(outlet=outlet, instructions="请放在后门")
    for part in ("柔佛披萨店", "Café Łódź", "தமிழ்", "请放在后门"):
        assert part in text, part


def test_markup_of_a_customer_stays_text() -> None:
    wild = '#panic("x") *b* $x$ `r` @ref <l> \\ #import "paper.typ"'
    assert wild in printed(instructions=wild)


def test_a_usual_order_fits_on_one_page_and_a_long_one_is_numbered_on() -> None:
    lines = [a_line(f"C-{n}", "three-compartment tray", n, "carton", 100 * n) for n in range(1, 80)]
    assert page_count(delivery_order_pdf(DeliveryOrder.of(a_row(a_card(lines=lines[:15]))))) == 1
    long = delivery_order_pdf(DeliveryOrder.of(a_row(a_card(lines=lines))))
    assert f"Page {page_count(long)} of {page_count(long)}" in text_of(long)
    assert text_of(long).count("CODE") == page_count(long)


def test_a_message_without_a_space_is_set_on_as_many_pages_as_it_takes() -> None:
    order = DeliveryOrder.of(a_row(a_card(instructions="a" * 60_000)))
    assert page_count(delivery_order_pdf(order)) > 10


def test_the_same_order_gives_the_same_bytes() -> None:
    order = DeliveryOrder.of(a_row())
    assert delivery_order_pdf(order) == delivery_order_pdf(order)


@settings(max_examples=30, deadline=None)
@given(st.text(), st.text())
def test_no_text_stops_the_delivery(name: str, instructions: str) -> None:
    outlet = a_card()["outlet"] | {"name": name}
    assert NUMBER in printed(outlet=outlet, instructions=instructions)
