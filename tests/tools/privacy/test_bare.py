"""What is left of a card: figures, and nobody's words."""

from tools.ordering.card import slot_of
from tools.privacy.bare import bare

CARD = {
    "kind": "order",
    "title": "Order for Ah Beng's Kitchen",
    "lines": [{"code": "PB-10", "name": "ask Ah Beng", "pieces": 600, "amount": "90.00"}],
    "fees": [{"label": "Ah Beng's rush", "amount": "50.00"}],
    "rows": [["reason", "Ah Beng says so"]],
    "notes": ["Ah Beng"],
    "subtotal": "140.00",
    "gst": "12.60",
    "total": "152.60",
    "currency": "SGD",
    "delivery": {
        "day": "2026-08-04",
        "day_text": "Tue 4 Aug 2026",
        "window": "morning",
        "window_text": "09:00-12:00",
        "asked_for": True,
        "where": "at Ah Beng's",
    },
    "outlet": {"name": "Ah Beng's Kitchen", "contact_person": "Ah Beng", "mobile": "90000000"},
    "anything else": "Ah Beng",
}


def test_the_figures_stay_and_the_words_go() -> None:
    left = bare(CARD, "TRIA-000001")
    assert "Ah Beng" not in str(left)
    assert "90000000" not in str(left)
    assert (left["title"], left["total"]) == ("order TRIA-000001", "152.60")
    assert left["lines"][0]["amount"] == "90.00"
    assert left["fees"] == [{"amount": "50.00", "label": "fee"}]


def test_whoever_reads_orders_finds_what_they_read() -> None:
    left = bare(CARD, "TRIA-000001")
    assert slot_of(left).day.isoformat() == "2026-08-04"
    assert left["outlet"]["name"] == ""


def test_it_can_be_stripped_again() -> None:
    once = bare(CARD, "TRIA-000001")
    assert bare(once, "TRIA-000001") == once
