import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from tools.xero.documents import Invoice, invoice_payload, loads

CONTACT = {"ContactID": "cacf1bac-0000-4000-8000-000000000001", "Name": "Forno Rosso"}


def an_invoice(**changes: Any) -> dict[str, Any]:
    return {
        "InvoiceID": "0f5c64a1-95d7-4c55-b9a7-6a1f0c2c7b10",
        "Type": "ACCREC",
        "Status": "AUTHORISED",
        "Contact": CONTACT,
    } | changes


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("/Date(1795392000000+0000)/", date(2026, 11, 23)),
        ("/Date(1795392000000)/", date(2026, 11, 23)),
        ("/Date(1795392000000+0800)/", date(2026, 11, 23)),
        ("/Date(-86400000)/", date(1969, 12, 31)),
        ("2026-11-23T00:00:00", date(2026, 11, 23)),
        ("2026-11-23", date(2026, 11, 23)),
    ],
)
def test_a_business_date_is_never_shifted(written: str, day: date) -> None:
    assert Invoice.model_validate(an_invoice(DueDate=written)).due_date == day


def test_amounts_never_pass_through_a_float() -> None:
    parsed = loads(b'{"Total": 0.1, "AmountDue": 1234567890.10}')
    assert parsed == {"Total": Decimal("0.1"), "AmountDue": Decimal("1234567890.10")}
    assert Invoice.model_validate(an_invoice(**parsed)).amount_due == Decimal("1234567890.10")


def test_unknown_fields_and_statuses_are_tolerated() -> None:
    invoice = Invoice.model_validate(an_invoice(Status="ARCHIVED", BrandingThemeID="x"))
    assert invoice.status == "ARCHIVED"
    assert invoice.total == 0


@pytest.mark.parametrize("missing", ["InvoiceID", "Type", "Contact"])
def test_a_document_that_belongs_to_nobody_is_refused(missing: str) -> None:
    broken = {key: value for key, value in an_invoice().items() if key != missing}
    with pytest.raises(ValidationError):
        Invoice.model_validate(broken)


def test_a_payload_is_the_same_bytes_every_time() -> None:
    document = {"Contact": CONTACT, "InvoiceNumber": "TRIA-000012"}
    assert invoice_payload(document) == invoice_payload(dict(document))
    [sent] = json.loads(invoice_payload(document))["Invoices"]
    assert sent == document | {
        "Type": "ACCREC",
        "Status": "DRAFT",
        "LineAmountTypes": "Exclusive",
        "CurrencyCode": "SGD",
    }
