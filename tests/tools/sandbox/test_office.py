from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from tests.tools.sandbox.conftest import Json, Xero
from tools.sandbox.app import create_sandbox
from tools.sandbox.company import demo_customers
from tools.sandbox.examples import OTHER_INVOICE, ZERO

FIRST, SECOND = (c.contact_ids[0] for c in demo_customers()[:2])


def raw(xero: Xero, kind: str, **query: str) -> list[Json]:
    found: list[Json] = xero.http.get("/control/documents", params={"kind": kind, **query}).json()
    return found


def test_the_office_records_a_payment(xero: Xero) -> None:
    invoice = xero.create(Status="AUTHORISED")
    number = invoice["InvoiceNumber"]
    payment = xero.control("/payments", invoice_number=number, amount=100, date="2026-03-09")
    xero.control("/payments", invoice_number=number, amount="254.25")
    paid = xero.one(f"/Invoices/{number}")

    assert (payment["Amount"], payment["Date"]) == (100, "/Date(1773014400000+0000)/")
    assert (paid["Status"], len(paid["Payments"])) == ("PAID", 2)
    assert payment["PaymentID"] in {p["PaymentID"] for p in raw(xero, "payment", contact_id=FIRST)}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"invoice_number": "INV-0", "amount": 5}, 404),
        ({"invoice_number": "", "amount": 0}, 422),
        ({"invoice_number": "", "amount": 1, "colour": "red"}, 422),
    ],
)
def test_a_payment_that_cannot_be(http: httpx.Client, body: Json, status: int) -> None:
    assert http.post("/control/payments", json=body).status_code == status


def test_the_office_keeps_to_the_rules_too(xero: Xero) -> None:
    number = xero.create(Status="AUTHORISED")["InvoiceNumber"]
    body = {"invoice_number": number, "amount": 400}
    answer = xero.http.post("/control/payments", json=body)

    assert answer.status_code == 400
    assert "exceeds the amount outstanding" in answer.json()["detail"]


def test_the_office_approves_a_draft(xero: Xero) -> None:
    number = xero.create()["InvoiceNumber"]

    assert xero.control(f"/invoices/{number}/authorise")["Status"] == "AUTHORISED"
    assert xero.one(f"/Invoices/{number}")["Status"] == "AUTHORISED"
    undated = xero.create(DueDate=None)["InvoiceNumber"]
    assert xero.http.post(f"/control/invoices/{undated}/authorise").status_code == 400


def test_the_office_sends_a_quote(xero: Xero) -> None:
    line = {"ItemCode": "CNP-015-FB-01", "Quantity": 10_000}
    sent = {"Contact": {"ContactID": FIRST}, "LineItems": [line]}
    quote = xero.send("PUT", "/Quotes", sent).json()["Quotes"][0]

    assert xero.control(f"/quotes/{quote['QuoteNumber']}/send")["Status"] == "SENT"
    assert xero.http.post("/control/quotes/QU-0/send").status_code == 404


@pytest.mark.parametrize("kind", ["invoice", "quote", "credit_note", "payment"])
def test_raw_documents_of_a_contact(xero: Xero, kind: str) -> None:
    mine, every = raw(xero, kind, contact_id=FIRST), raw(xero, kind)

    assert 0 < len(mine) < len(every)
    owners = [d.get("Contact") or d["Invoice"]["Contact"] for d in mine]
    assert {owner["ContactID"] for owner in owners} == {FIRST}
    assert all(datetime.fromisoformat(d["created"]).tzinfo == UTC for d in mine)


def test_raw_history_names_its_document(xero: Xero) -> None:
    invoice = xero.create()
    note = {"HistoryRecords": [{"Details": "says it is paid"}]}
    xero.send("PUT", f"/Invoices/{invoice['InvoiceID']}/History", note)

    found = [r for r in raw(xero, "history") if r["parent_id"] == invoice["InvoiceID"]]
    assert [r["Details"] for r in found] == ["says it is paid"]
    assert invoice["InvoiceID"] not in {
        r["parent_id"] for r in raw(xero, "history", contact_id=SECOND)
    }


def test_an_unknown_kind_is_refused(http: httpx.Client) -> None:
    assert http.get("/control/documents", params={"kind": "token"}).status_code == 422


async def test_examples_are_written_once_and_only_when_asked(tmp_path: Path) -> None:
    transport = httpx.ASGITransport(create_sandbox(tmp_path))
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as own:

        async def ids() -> set[str]:
            return {i["InvoiceID"] for i in (await own.get("/control/invoices")).json()}

        before = await ids()
        told = [(await own.post("/control/seed-examples")).json() for _ in range(2)]
        after = await ids()

    assert ZERO not in before
    assert {ZERO, OTHER_INVOICE} < after - before
    assert told[0] == told[1] == {"every": ZERO, **told[0]}
