from datetime import datetime
from io import BytesIO
from typing import Any

import pytest
from openpyxl import load_workbook
from openpyxl.cell.cell import Cell

from tests.tools.documents.conftest import NUMBER, a_card, a_line, a_row
from tools.documents.delivery_order import DeliveryOrder
from tools.documents.workbook import LONGEST_CELL, delivery_order_xlsx


def cells(**changes: Any) -> list[Cell]:
    """The cells of the sheet as another program reads them."""
    content = delivery_order_xlsx(DeliveryOrder.of(a_row(a_card(**changes))))
    sheet = load_workbook(BytesIO(content))["Delivery order"]
    return [c for row in sheet.iter_rows() for c in row if isinstance(c, Cell) and c.value]


def row_of(found: list[Cell], first: str) -> list[Any]:
    row = next(c.row for c in found if c.value == first)
    return [c.value for c in found if c.row == row]


def test_the_sheet_says_what_the_paper_says() -> None:
    found = cells(instructions="Side door.\nRing twice.")
    assert row_of(found, f"Delivery order {NUMBER}")
    assert row_of(found, "Bill to") == ["Bill to", "Forno Rosso Pte Ltd"]
    assert row_of(found, "Deliver to") == ["Deliver to", "Forno Rosso Tampines"]
    assert row_of(found, "Time") == ["Time", "09:00-12:00"]
    assert row_of(found, "Instructions") == ["Instructions", "Side door."]
    assert row_of(found, "Ring twice.") == ["Ring twice."]


def test_days_and_counts_are_dates_and_numbers() -> None:
    found = cells()
    assert row_of(found, "Delivery") == ["Delivery", datetime(2026, 11, 26)]  # noqa: DTZ001 (Excel knows no zone)
    assert row_of(found, "CNP-014-FB-01")[2:] == [600, 6, "bundle"]
    assert row_of(found, "LIN-010")[2:] == [600]
    assert row_of(found, "Total") == ["Total", 6200, 7]


def test_there_are_no_prices() -> None:
    assert not {"0.45", "270.00", "806.60", 0.45, 270, 806.6} & {c.value for c in cells()}


@pytest.mark.parametrize(
    "text",
    [
        '=HYPERLINK("https://evil.example", "x")',
        *("+1", "-1", "@SUM(A1)", "{=A1}", "https://evil.example", "12", "=1+1\t"),
    ],
)
def test_a_text_is_never_a_formula_link_or_number(text: str) -> None:
    outlet = a_card()["outlet"] | {"name": text}
    line = a_line(text, text, 1, "carton", 100)
    found = [
        c for c in cells(outlet=outlet, lines=[line], instructions=text) if "1" in str(c.value)
    ]
    assert all(c.data_type == "s" for c in cells(outlet=outlet) if c.value == text.strip())
    assert not any(c.data_type == "f" or c.hyperlink for c in found)


def test_names_keep_their_script_and_lose_what_is_not_seen() -> None:
    outlet = a_card()["outlet"] | {"name": "柔佛披萨店\x07 தமிழ்\u202e"}
    assert row_of(cells(outlet=outlet), "Deliver to")[1] == "柔佛披萨店 தமிழ்"


def test_a_note_longer_than_a_cell_is_cut() -> None:
    found = cells(instructions="x" * (LONGEST_CELL + 1))
    assert row_of(found, "Instructions")[1] == "x" * LONGEST_CELL
