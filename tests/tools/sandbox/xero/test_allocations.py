from typing import Any

import httpx
import pytest

from tests.tools.sandbox.conftest import Json, Xero, an_invoice
from tools.sandbox.company import demo_customers

OTHER = demo_customers()[1].contact_ids[0]


def a_credit(xero: Xero, **changes: Any) -> Json:
    """An approved credit of 70.85 with tax."""
    line = {"ItemCode": "CNP-015-FB-01", "Quantity": 100}
    sent = an_invoice(Type="ACCRECCREDIT", Status="AUTHORISED", LineItems=[line], **changes)
    answer = xero.send("PUT", "/CreditNotes", sent)
    assert answer.status_code == 200, answer.text
    created: Json = answer.json()["CreditNotes"][0]
    return created


def allocate(xero: Xero, credit: Json, invoice: Json, amount: object) -> httpx.Response:
    named = {"InvoiceID": invoice["InvoiceID"]}
    body = {"Invoice": named, "Amount": amount, "Date": "2026-03-09"}
    path = f"/CreditNotes/{credit['CreditNoteID']}/Allocations"
    return xero.send("PUT", path, {"Allocations": [body]})


def both(xero: Xero, credit: Json, invoice: Json) -> tuple[Json, Json]:
    """The credit note and the invoice as they are now."""
    return (
        xero.one(f"/CreditNotes/{credit['CreditNoteID']}"),
        xero.one(f"/Invoices/{invoice['InvoiceID']}"),
    )


def test_a_credit_is_used_up_in_parts(xero: Xero) -> None:
    credit, invoice = a_credit(xero), xero.create(Status="AUTHORISED")
    allocate(xero, credit, invoice, 50).raise_for_status()
    half_used, _ = both(xero, credit, invoice)
    allocate(xero, credit, invoice, 20.85).raise_for_status()
    used, credited = both(xero, credit, invoice)

    assert (half_used["Status"], half_used["RemainingCredit"]) == ("AUTHORISED", 20.85)
    assert (used["Status"], used["RemainingCredit"], len(used["Allocations"])) == ("PAID", 0, 2)
    assert (credited["Status"], credited["AmountCredited"]) == ("AUTHORISED", 70.85)
    assert credited["AmountDue"] == 283.4
    assert [c["AppliedAmount"] for c in credited["CreditNotes"]] == [50, 20.85]


def test_a_credit_can_pay_an_invoice(xero: Xero) -> None:
    line = {"ItemCode": "CNP-015-FB-01", "Quantity": 100}
    credit, invoice = a_credit(xero), xero.create(Status="AUTHORISED", LineItems=[line])
    allocate(xero, credit, invoice, 70.85).raise_for_status()
    used, paid = both(xero, credit, invoice)

    assert (used["Status"], paid["Status"], paid["AmountDue"]) == ("PAID", "PAID", 0)


def test_an_allocation_can_be_taken_back(xero: Xero) -> None:
    credit, invoice = a_credit(xero), xero.create(Status="AUTHORISED")
    [allocation] = allocate(xero, credit, invoice, 70.85).json()["Allocations"]
    path = f"/CreditNotes/{credit['CreditNoteID']}/Allocations/{allocation['AllocationID']}"
    answer = xero.send("DELETE", path, {})
    free, open_again = both(xero, credit, invoice)

    assert answer.json()["Allocations"][0]["IsDeleted"] is True
    assert (free["Status"], free["RemainingCredit"], free["Allocations"]) == (
        "AUTHORISED",
        70.85,
        [],
    )
    assert (open_again["AmountDue"], open_again["CreditNotes"]) == (354.25, [])
    assert xero.send("DELETE", path, {}).status_code == 404


@pytest.mark.parametrize(
    ("credit", "invoice", "amount", "message"),
    [
        ({}, {}, 70.86, "exceeds the remaining credit"),
        ({}, {"LineItems": [{"Description": "x", "UnitAmount": 10}]}, 20, "exceeds the amount"),
        ({}, {}, 0, "greater than zero"),
        ({}, {}, -5, "greater than zero"),
        ({}, {}, "5", "must be a number"),
        ({"Contact": {"ContactID": OTHER}}, {}, 5, "same contact"),
        ({}, {"Type": "ACCPAY"}, 5, "of that type"),
        ({}, {"Status": "DRAFT"}, 5, "Only approved"),
    ],
)
def test_what_an_allocation_may_not_be(
    xero: Xero, credit: Json, invoice: Json, amount: object, message: str
) -> None:
    made = a_credit(xero, **credit), xero.create(**{"Status": "AUTHORISED", **invoice})
    answer = allocate(xero, *made, amount)

    assert answer.status_code == 400
    assert message in answer.json()["Elements"][0]["ValidationErrors"][0]["Message"]
    assert both(xero, *made)[0]["RemainingCredit"] == 70.85


def test_a_draft_credit_cannot_be_used(xero: Xero) -> None:
    sent = an_invoice(Type="ACCRECCREDIT")
    draft = xero.send("PUT", "/CreditNotes", sent).json()["CreditNotes"][0]

    assert allocate(xero, draft, xero.create(Status="AUTHORISED"), 5).status_code == 400


def test_what_a_credit_was_used_on_stays_as_it_is(xero: Xero) -> None:
    credit, invoice = a_credit(xero), xero.create(Status="AUTHORISED")
    allocate(xero, credit, invoice, 5).raise_for_status()
    path = f"/CreditNotes/{credit['CreditNoteID']}"

    assert xero.update(invoice, Status="VOIDED").status_code == 400
    assert xero.send("POST", path, {"Status": "VOIDED"}).status_code == 400


def test_a_credit_nobody_used_can_be_voided(xero: Xero) -> None:
    path = f"/CreditNotes/{a_credit(xero)['CreditNoteID']}"
    voided = xero.send("POST", path, {"Status": "VOIDED"}).json()["CreditNotes"][0]

    assert (voided["Status"], voided["RemainingCredit"]) == ("VOIDED", 0)
