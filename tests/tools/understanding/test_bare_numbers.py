import pytest

from tools.understanding.entities import documents_in


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("how much is left on #1669?", ["INV-1669"]),
        ("Invoice No. 1669 - amount due?", ["INV-1669"]),
        ("invoice 1669 amount?", ["INV-1669"]),
        ("can you check invoice number one six six nine", ["INV-1669"]),
        ("whats the amount on invoice sixteen sixty nine", ["INV-1669"]),
        ("bill sixteen oh six", ["INV-1606"]),
        ("invoice one thousand six hundred and sixty nine", ["INV-1669"]),
        ("INV-1657, 1669 & 1677", ["INV-1657", "INV-1669", "INV-1677"]),
        ("invoice nos. 1657/1669", ["INV-1657", "INV-1669"]),
        ("TRIA-000123, 000124", ["TRIA-000123", "TRIA-000124"]),
        ("credit note 1001 left?", ["CN-1001"]),
        ("quote no. 1005 valid?", ["QU-1005"]),
        ("发票1669多少钱", ["INV-1669"]),
        ("发票一六六九", ["INV-1669"]),
        ("invois no 1669 dan 1677", ["INV-1669", "INV-1677"]),
        ("இன்வாய்ஸ் 1669", ["INV-1669"]),
    ],
)
def test_a_number_is_read_without_its_letters(text: str, numbers: list[str]) -> None:
    assert documents_in(text) == numbers


@pytest.mark.parametrize(
    "text",
    [
        "invoices from 2025",
        "invoice 2026 list",
        "invoice one is paid",
        "bill 1200 pcs to us",
        "PO #1669",
        "order #1669 status",
        "cheque #12345",
        "12 Example Street, #01-06",
        "billing 1669",
    ],
)
def test_other_numbers_are_no_documents(text: str) -> None:
    assert documents_in(text) == []


@pytest.mark.parametrize(
    "text",
    ["INV-1657 and 1000 boxes", "INV-1657, 706.60", "INV-1657 706.60", "INV-1657, 900 pcs"],
)
def test_amounts_and_quantities_continue_no_list(text: str) -> None:
    assert documents_in(text) == ["INV-1657"]
