from typing import Any

import httpx
import pytest

from tests.tools.sandbox.conftest import Json, Xero

BANK = {"Code": "090"}


def pay(office: Xero, invoice: Json, amount: float, **changes: Any) -> httpx.Response:
    named = {"InvoiceID": invoice["InvoiceID"]}
    body = {"Invoice": named, "Account": BANK, "Amount": amount, "Date": "2026-03-09", **changes}
    return office.send("PUT", "/Payments", {"Payments": [body]})


def payment_of(answer: httpx.Response) -> Json:
    assert answer.status_code == 200, answer.text
    payment: Json = answer.json()["Payments"][0]
    return payment


def refusal(answer: httpx.Response) -> str:
    assert answer.status_code == 400, answer.text
    [element] = answer.json()["Elements"]
    return str(element["ValidationErrors"][0]["Message"])


def now(xero: Xero, invoice: Json) -> Json:
    return xero.one(f"/Invoices/{invoice['InvoiceID']}")


def test_an_invoice_is_paid_when_nothing_is_left(xero: Xero, office: Xero) -> None:
    invoice = xero.create(Status="AUTHORISED")
    pay(office, invoice, 100).raise_for_status()
    part_paid = now(xero, invoice)
    pay(office, invoice, 254.25).raise_for_status()
    paid = now(xero, invoice)

    assert (part_paid["Status"], part_paid["AmountPaid"]) == ("AUTHORISED", 100)
    assert part_paid["AmountDue"] == 254.25
    assert (paid["Status"], paid["AmountDue"], len(paid["Payments"])) == ("PAID", 0, 2)
    assert paid["FullyPaidOnDate"] == "/Date(1773014400000+0000)/"


def test_a_deleted_payment_opens_the_invoice_again(xero: Xero, office: Xero) -> None:
    invoice = xero.create(Status="AUTHORISED")
    payment = payment_of(pay(office, invoice, 354.25))
    path = f"/Payments/{payment['PaymentID']}"
    deleted = payment_of(office.send("POST", path, {"Status": "DELETED"}))
    open_again = now(xero, invoice)

    assert (payment["Status"], deleted["Status"]) == ("AUTHORISED", "DELETED")
    assert (open_again["Status"], open_again["AmountDue"]) == ("AUTHORISED", 354.25)
    assert open_again["Payments"] == []
    assert "FullyPaidOnDate" not in open_again
    assert office.send("POST", path, {"Status": "DELETED"}).status_code == 400
    assert xero.one(path)["Status"] == "DELETED"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"Amount": 354.26}, "Payment amount exceeds the amount outstanding on this document"),
        ({"Amount": 0}, "greater than zero"),
        ({"Amount": -1}, "greater than zero"),
        ({"Amount": "5"}, "must be a number"),
        ({"Account": {"Code": "200"}}, "bank account"),
        ({"Account": {"Code": "nothing"}}, "bank account"),
        ({"Date": "yesterday"}, "is not a date"),
        ({"Invoice": {"InvoiceID": "INV-0"}}, "could not be found"),
        ({"Colour": "red"}, "Colour"),
    ],
)
def test_what_a_payment_may_not_be(xero: Xero, office: Xero, changes: Json, message: str) -> None:
    invoice = xero.create(Status="AUTHORISED")

    assert message in refusal(pay(office, invoice, 1, **changes))
    assert now(xero, invoice)["AmountPaid"] == 0


@pytest.mark.parametrize("status", ["DRAFT", "SUBMITTED", "VOIDED"])
def test_only_an_approved_invoice_is_paid(xero: Xero, office: Xero, status: str) -> None:
    invoice = xero.create(Status="AUTHORISED" if status == "VOIDED" else status)
    if status == "VOIDED":
        xero.update(invoice, Status="VOIDED").raise_for_status()

    assert "only be made against Authorised" in refusal(pay(office, invoice, 1))


@pytest.mark.parametrize("changes", [{"Status": "VOIDED"}, {"Reference": "x"}])
def test_a_part_paid_invoice_stays_as_it_is(xero: Xero, office: Xero, changes: Json) -> None:
    invoice = xero.create(Status="AUTHORISED")
    payment = payment_of(pay(office, invoice, 1))

    assert xero.update(invoice, **changes).status_code == 400
    office.send("POST", f"/Payments/{payment['PaymentID']}", {"Status": "DELETED"})
    assert xero.update(invoice, **changes).status_code == 200


def test_one_bad_payment_refuses_them_all(xero: Xero, office: Xero) -> None:
    invoice = xero.create(Status="AUTHORISED")
    one = {"Invoice": {"InvoiceID": invoice["InvoiceID"]}, "Account": BANK, "Amount": 200}

    assert "exceeds" in refusal(office.send("PUT", "/Payments", {"Payments": [one, one]}))
    assert now(xero, invoice)["AmountPaid"] == 0


def test_an_invoice_of_nothing_is_paid_at_once(xero: Xero) -> None:
    line = {"ItemCode": "LIN-012", "Quantity": 100}
    invoice = xero.create(Status="AUTHORISED", LineItems=[line])

    assert (invoice["Total"], invoice["Status"]) == (0, "PAID")


def test_payments_are_found_by_contact_and_invoice(xero: Xero, office: Xero) -> None:
    invoice = xero.create(Status="AUTHORISED")
    payment = payment_of(pay(office, invoice, 5.37, Reference="cheque 7"))
    found = [
        xero.get("/Payments", where=where).json()["Payments"]
        for where in (
            f'Invoice.InvoiceID==guid("{invoice["InvoiceID"]}")',
            f'Invoice.InvoiceNumber=="{invoice["InvoiceNumber"]}"',
            f'Contact.ContactID==guid("{invoice["Contact"]["ContactID"]}") AND Amount==5.37',
        )
    ]

    assert [[p["PaymentID"] for p in some] for some in found] == [[payment["PaymentID"]]] * 3
