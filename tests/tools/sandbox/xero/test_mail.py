from typing import Any

import httpx
import pytest

from tests.tools.sandbox.conftest import Json, Xero, a_number
from tools.sandbox.company import company, contact_id, email_of

FIRST, WITHOUT_EMAIL = contact_id("forno-rosso"), contact_id("slice-yard-north")


def email(xero: Xero, invoice: Json, **options: Any) -> httpx.Response:
    return xero.send("POST", f"/Invoices/{invoice['InvoiceID']}/Email", {}, **options)


def letters(xero: Xero, invoice: Json) -> list[Json]:
    outbox = xero.http.get("/control/outbox").json()
    return [letter for letter in outbox if letter["invoice_id"] == invoice["InvoiceID"]]


def test_an_invoice_goes_to_the_address_in_the_books(xero: Xero) -> None:
    invoice = xero.create(Status="AUTHORISED", SentToContact=False)
    answer = email(xero, invoice)
    [letter] = letters(xero, invoice)

    assert (answer.status_code, answer.content) == (204, b"")
    assert letter["to"] == [email_of("forno-rosso")]
    assert (letter["invoice_number"], letter["contact_id"]) == (invoice["InvoiceNumber"], FIRST)
    assert xero.one(f"/Invoices/{invoice['InvoiceID']}")["SentToContact"] is True


def test_the_history_tells_where_it_went(xero: Xero) -> None:
    invoice = xero.create(Status="AUTHORISED")
    email(xero, invoice)

    [record] = xero.get(f"/Invoices/{invoice['InvoiceID']}/History").json()["HistoryRecords"]
    assert record["Changes"] == "Sent"
    assert email_of("forno-rosso") in record["Details"]


def test_persons_who_get_invoices_get_it_too(xero: Xero, office: Xero) -> None:
    people = [
        {"FirstName": "A", "EmailAddress": "a@two.tria.example", "IncludeInEmails": True},
        {"FirstName": "B", "EmailAddress": "b@two.tria.example", "IncludeInEmails": False},
    ]
    named = {"Name": f"C {a_number()}", "EmailAddress": "c@two.tria.example"}
    sent = office.send("PUT", "/Contacts", {**named, "ContactPersons": people})
    contact = {"ContactID": sent.json()["Contacts"][0]["ContactID"]}
    invoice = xero.create(Status="AUTHORISED", Contact=contact)
    email(xero, invoice)

    assert letters(xero, invoice)[0]["to"] == ["c@two.tria.example", "a@two.tria.example"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"Status": "DRAFT"}, "not of a valid status"),
        ({"Type": "ACCPAY"}, "not of a valid status"),
        ({"Contact": {"ContactID": WITHOUT_EMAIL}}, "no e-mail address"),
    ],
)
def test_what_cannot_be_sent(xero: Xero, changes: Json, message: str) -> None:
    invoice = xero.create(**{"Status": "AUTHORISED", "SentToContact": False, **changes})
    answer = email(xero, invoice)
    error = answer.json()

    assert (answer.status_code, error["Type"]) == (400, "ValidationException")
    assert message in error["Elements"][0]["ValidationErrors"][0]["Message"]
    assert letters(xero, invoice) == []
    assert xero.one(f"/Invoices/{invoice['InvoiceID']}")["SentToContact"] is False


def test_the_same_key_sends_once(xero: Xero) -> None:
    invoice = xero.create(Status="AUTHORISED")
    answers = [email(xero, invoice, headers={"Idempotency-Key": a_number()}) for _ in range(1)]
    key = {"Idempotency-Key": a_number()}
    answers += [email(xero, invoice, headers=key) for _ in range(3)]

    assert {a.status_code for a in answers} == {204}
    assert len(letters(xero, invoice)) == 2


def test_one_contact_of_the_demo_has_no_address() -> None:
    without = [c["slug"] for c in company()["contacts"] if not c.get("has_email", True)]

    assert without == ["slice-yard-north"]
