"""Actions as they are stored, and what a printed PDF says."""

from datetime import UTC, datetime
from io import BytesIO
from typing import Any

from pypdf import PdfReader

NUMBER = "TRIA-000123"
CONFIRMED = datetime(2026, 11, 23, 17, 30, tzinfo=UTC)  # already the 24th in Singapore


def a_line(code: str, name: str, packs: int, pack: str, pieces: int) -> dict[str, Any]:
    return {
        "code": code,
        "name": name,
        "packs": packs,
        "pack": pack,
        "pieces": pieces,
        "unit_price": "0.45",
        "amount": "270.00",
    }


def a_card(**changes: Any) -> dict[str, Any]:
    """A card as `tools/ordering/card.py` makes it."""
    card: dict[str, Any] = {
        "kind": "order",
        "title": "Order for Forno Rosso Tampines",
        "bill_to": "Forno Rosso Pte Ltd",
        "lines": [
            a_line("CNP-014-FB-01", '10" regular pizza box', 6, "bundle", 600),
            a_line("NAP-1P", "napkin 1-ply", 1, "carton", 5000),
            a_line("LIN-010", 'single facer liner 10"', 600, "piece", 600),
        ],
        "total": "806.60",
        "delivery": {
            "day": "2026-11-26",
            "day_text": "Thu 26 Nov 2026",
            "window": "morning",
            "window_text": "09:00-12:00",
        },
        "outlet": {
            "outlet_id": "tampines",
            "name": "Forno Rosso Tampines",
            "address": "12 Example Street 4, #01-06, S(510012)",
            "contact_person": "Mei",
            "mobile": "8000 0012",
        },
    }
    return card | changes


def a_row(card: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """An order in the books, as a row of the actions table."""
    row: dict[str, Any] = {
        "document_number": NUMBER,
        "kind": "order",
        "status": "committed",
        "card": card or a_card(),
        "scope": {"company": "The company that signed in"},
        "created_at": CONFIRMED,
        "confirmed_at": CONFIRMED,
    }
    return row | changes


def text_of(pdf: bytes) -> str:
    """What the pages say, lines joined by single spaces.

    Where letters join to one shape, as in Tamil, the reader adds control characters.
    """
    pages = PdfReader(BytesIO(pdf)).pages
    text = " ".join(" ".join(page.extract_text().split()) for page in pages)
    return "".join(c for c in text if c.isprintable())


def page_count(pdf: bytes) -> int:
    return len(PdfReader(BytesIO(pdf)).pages)
