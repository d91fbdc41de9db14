import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.documents.names import file_name, media_type


def test_a_delivery_order_is_called_by_our_number() -> None:
    name = file_name("delivery_order_pdf", {"number": "TRIA-000123"})
    assert name == "TRIA-000123-delivery-order.pdf"
    assert media_type(name) == "application/pdf"


def test_a_statement_is_called_by_its_period() -> None:
    name = file_name("statement_pdf", {"since": "2026-10-01", "until": "2026-10-31"})
    assert name == "account-summary-2026-10-01-to-2026-10-31.pdf"


# 5.4 case 17
@pytest.mark.parametrize(
    ("number", "name"),
    [
        ("../../x.pdf", "xpdf-invoice.pdf"),
        ('INV-1"\r\nSet-Cookie: a=b', "INV-1Set-Cookieab-invoice.pdf"),
        ("发票", "document-invoice.pdf"),
        ("{since}", "since-invoice.pdf"),
    ],
)
def test_a_name_is_never_a_path_nor_a_header(number: str, name: str) -> None:
    assert file_name("invoice_pdf", {"number": number}) == name


@given(st.text())
def test_a_name_is_made_of_few_characters(number: str) -> None:
    name = file_name("quote_pdf", {"number": number})
    assert set(name) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.")
    assert len(name) < 60
