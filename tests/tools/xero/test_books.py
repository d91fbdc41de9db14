"""Writes in the sandbox's books: what is somebody else's, or settled, is never changed."""

import json
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast
from uuid import UUID, uuid4

import httpx
import pytest

from tests.conftest import customer
from tests.tools.conftest import Control
from tests.tools.xero.papers import OWN, Papers, scope
from tests.tools.xero.papers import invoice as papers_invoice
from tools.errors import BackendRejected, WriteImpossible
from tools.sandbox.company import demo_customers
from tools.xero.books import Books
from tools.xero.client import XeroClient
from tools.xero.scope import scope_of
from tools.xero.writes import (
    Write,
    accepted_quote,
    allocation,
    changed_invoice,
    deleted_invoice,
    emailed_invoice,
    new_credit_note,
    new_invoice,
    new_quote,
    note_on_invoice,
)

Json = dict[str, Any]
VICTIM = next(c for c in demo_customers() if c.customer_id == "metro-meals")
KINDS = ("invoice", "quote", "credit_note", "payment")
LINE = {"ItemCode": "BAG-M", "Description": "bag", "Quantity": 100, "UnitAmount": 0.5}
LINES = {"LineItems": [LINE | {"AccountCode": "200", "TaxType": "OUTPUTY24"}]}
TODAY, MARK, CENT = datetime.now(UTC).date(), "TRIA-7000099", Decimal("0.01")


@pytest.fixture
def alarms() -> list[str]:
    return []


@pytest.fixture
def books(client: XeroClient, alarms: list[str]) -> Books:
    who = customer()
    scope = scope_of(who.customer_id, who.contact_ids, who.roles)
    return Books(client, scope, alarms.append)


@pytest.fixture
def office(control: Control) -> Iterator[httpx.Client]:
    """The raw books."""
    with httpx.Client(base_url=f"{control.root}/control", timeout=30) as office:
        yield office


def documents(office: httpx.Client, contact: str) -> dict[str, list[Json]]:
    return {
        kind: office.get("/documents", params={"kind": kind, "contact_id": contact}).json()
        for kind in (*KINDS, "history")
    }


def foreign_writes(theirs: dict[str, list[Json]], own: dict[str, list[Json]]) -> Iterator[Write]:
    """Every kind of write, with something of the victim's in it."""
    [contact] = VICTIM.contact_ids
    document = {"Contact": {"ContactID": contact}, "Date": TODAY.isoformat()} | LINES
    yield new_invoice(MARK, document | {"DueDate": TODAY.isoformat()})
    yield new_quote(MARK, document)
    yield new_credit_note(MARK, document)
    last = theirs["invoice"][-1]
    invoice, stands = UUID(last["InvoiceID"]), Decimal(str(last["Total"]))
    yield changed_invoice(invoice, LINES, total=stands)
    yield deleted_invoice(invoice, total=stands)
    yield emailed_invoice(invoice, seen=0)
    yield note_on_invoice(invoice, MARK, "seen by somebody else")
    quote, note = theirs["quote"][0], UUID(theirs["credit_note"][0]["CreditNoteID"])
    total = Decimal(str(quote["Total"]))
    yield accepted_quote(UUID(quote["QuoteID"]), UUID(contact), TODAY, total)
    taken = {"Contact": {"ContactID": contact}, "Date": TODAY.isoformat(), "Status": "DELETED"}
    body = {"Quotes": [taken | {"QuoteID": quote["QuoteID"]}]}
    yield Write("delete_quote", quote["QuoteID"], json.dumps(body).encode())
    gone = {"CreditNotes": [{"CreditNoteID": str(note), "Status": "VOIDED"}]}
    yield Write("delete_credit_note", str(note), json.dumps(gone).encode())
    mine, my_note = own["invoice"][-1]["InvoiceID"], own["credit_note"][0]["CreditNoteID"]
    yield allocation(note, UUID(mine), CENT, day=TODAY, seen=0)
    yield allocation(UUID(my_note), invoice, CENT, day=TODAY, seen=0)


# 5.4 cases 3, 4 and 10: on the side that writes
async def test_nothing_of_somebody_else_is_written_whatever_a_write_names(
    books: Books, office: httpx.Client
) -> None:
    theirs = documents(office, VICTIM.contact_ids[0])
    for write in foreign_writes(theirs, documents(office, customer().contact_ids[0])):
        with pytest.raises(WriteImpossible):
            await books.find(write)
    assert documents(office, VICTIM.contact_ids[0]) == theirs


@pytest.mark.parametrize("make", [new_invoice, new_quote, new_credit_note])
async def test_a_document_that_a_stranger_would_pay_never_leaves(
    books: Books, office: httpx.Client, alarms: list[str], make: Any
) -> None:
    theirs = documents(office, VICTIM.contact_ids[0])
    write = make(MARK, {"Contact": {"ContactID": VICTIM.contact_ids[0]}} | LINES)
    with pytest.raises(WriteImpossible):
        await books.send(write, uuid4().hex)
    assert alarms == [f"foreign contact in {write.operation}"]
    assert documents(office, VICTIM.contact_ids[0]) == theirs


# 5.4 case 44
@pytest.mark.parametrize("status", ["PAID", "AUTHORISED"])
async def test_what_was_approved_or_paid_is_neither_changed_nor_deleted(
    books: Books, office: httpx.Client, status: str
) -> None:
    own = documents(office, customer().contact_ids[0])
    invoice = next(i for i in own["invoice"] if i["Status"] == status and i["Type"] == "ACCREC")
    invoice_id, total = UUID(invoice["InvoiceID"]), Decimal(str(invoice["Total"]))
    for write in (
        changed_invoice(invoice_id, LINES, total=total),
        deleted_invoice(invoice_id, total=total),
    ):
        with pytest.raises(WriteImpossible):
            await books.find(write)
    assert documents(office, customer().contact_ids[0]) == own


# 5.4 case 43
@pytest.mark.parametrize("off", ["0.01", "-100"])
async def test_a_quote_that_was_repriced_since_is_not_accepted(
    books: Books, office: httpx.Client, off: str
) -> None:
    own = documents(office, customer().contact_ids[0])
    quote = next(q for q in own["quote"] if q["Status"] == "SENT")
    total, contact = Decimal(str(quote["Total"])), UUID(customer().contact_ids[0])
    shown = accepted_quote(UUID(quote["QuoteID"]), contact, TODAY, total + Decimal(off))
    with pytest.raises(WriteImpossible):
        await books.find(shown)
    assert await books.find(accepted_quote(UUID(quote["QuoteID"]), contact, TODAY, total)) is None
    assert documents(office, customer().contact_ids[0]) == own


# 5.4 case 44
@pytest.mark.parametrize("off", ["0.01", "-100"])
async def test_a_draft_that_the_office_changed_since_is_neither_changed_nor_deleted(
    books: Books, office: httpx.Client, off: str
) -> None:
    contact, number = customer().contact_ids[0], f"TRIA-9{uuid4().int % 10**8:08}"
    document = {"Contact": {"ContactID": contact}, "Date": TODAY.isoformat()} | LINES
    made = await books.send(new_invoice(number, document), uuid4().hex)
    invoice_id, total = made.document_id, made.total
    assert total is not None
    other = {"LineItems": [LINES["LineItems"][0] | {"Quantity": 200}]}
    for stood in (total, total + Decimal(off)):
        for write in (
            changed_invoice(invoice_id, other, total=stood),
            deleted_invoice(invoice_id, total=stood),
        ):
            with nullcontext() if stood == total else pytest.raises(WriteImpossible):
                assert await books.find(write) is None
    # What is as wanted already is done, whatever it stood over before.
    done = changed_invoice(invoice_id, LINES, total=total + Decimal(off))
    assert await books.find(done) is not None
    gone = deleted_invoice(invoice_id, total=total)
    await books.send(gone, uuid4().hex)
    assert await books.find(gone) is not None


# 5.4 case 44: nor would Xero take it
async def test_an_invoice_with_a_payment_cannot_be_voided(
    client: XeroClient, office: httpx.Client
) -> None:
    own = documents(office, customer().contact_ids[0])
    paid = {p["Invoice"]["InvoiceID"] for p in own["payment"]}
    invoice = next(i for i in own["invoice"] if i["InvoiceID"] in paid)
    body = {"Invoices": [{"InvoiceID": invoice["InvoiceID"], "Status": "VOIDED"}]}
    with pytest.raises(BackendRejected):
        await client.post(f"/Invoices/{invoice['InvoiceID']}", json.dumps(body).encode(), None)
    assert documents(office, customer().contact_ids[0]) == own


@pytest.mark.parametrize(
    ("second", "told"), [("AUTHORISED", ["invoice"]), ("VOIDED", []), ("DELETED", [])]
)
async def test_a_write_that_stands_twice_is_told(second: str, told: list[str]) -> None:
    papers, doubled = Papers(), list[str]()
    first, again = papers_invoice(MARK), papers_invoice(MARK, Status=second)
    papers.add(first, again)
    books = Books(cast(XeroClient, papers), scope(OWN), on_doubled=doubled.append)
    found = await books.invoice_numbered(MARK)
    assert found is not None
    assert str(found.invoice_id) == first["InvoiceID"]
    assert doubled == told
