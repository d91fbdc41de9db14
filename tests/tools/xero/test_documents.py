import traceback
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from tools.errors import BackendRejected
from tools.xero.documents import Invoice, Item, loads, read

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
    # 5.4 case 39
    invoice = Invoice.model_validate(an_invoice(Status="ARCHIVED", BrandingThemeID="x"))
    assert invoice.status == "ARCHIVED"
    assert invoice.total == 0


@pytest.mark.parametrize("missing", ["InvoiceID", "Type", "Contact"])
def test_a_document_that_belongs_to_nobody_is_refused(missing: str) -> None:
    broken = {key: value for key, value in an_invoice().items() if key != missing}
    with pytest.raises(ValidationError):
        Invoice.model_validate(broken)


def test_what_cannot_be_read_is_refused_without_telling_what_it_says() -> None:
    # 5.4 case 39
    private = "terces"[::-1]
    with pytest.raises(BackendRejected, match="Invoice") as refused:
        read(Invoice, [an_invoice(Total=private)])
    assert private not in "".join(traceback.format_exception(refused.value))


@pytest.mark.parametrize("empty", ["Reference", "LineItems", "AmountDue", "DueDate", "Total"])
def test_a_null_is_as_good_as_absent(empty: str) -> None:
    # 5.4 case 39
    told = Invoice.model_validate(an_invoice(**{empty: None}))
    assert told == Invoice.model_validate(an_invoice())


def test_a_price_keeps_its_four_decimals() -> None:
    # 5.4 case 24
    [item] = read(Item, [loads(b'{"Code": "X", "SalesDetails": {"UnitPrice": 0.4875}}')])
    assert item.sales_details
    assert item.sales_details.unit_price == Decimal("0.4875")


@pytest.mark.parametrize("name", ['12" & Sons "The Box"', "Green Bowl Café", "柔佛披萨", "A/B"])
def test_names_keep_their_marks_and_letters(name: str) -> None:
    # 5.4 case 13
    owner = {**CONTACT, "Name": name}
    assert Invoice.model_validate(an_invoice(Contact=owner)).contact.name == name
