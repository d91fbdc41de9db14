"""Every request that Tria makes is one that Xero's own description knows."""

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from graph.clients import now
from tests.conftest import customer
from tests.contract.spec import Recording, Spec
from tools.errors import TriaError
from tools.xero.books import SPECS, Books
from tools.xero.client import XeroClient
from tools.xero.requests import FOUR_DECIMALS, SUMMARISED
from tools.xero.scope import scope_of
from tools.xero.scoped import Accounts
from tools.xero.writes import (
    Write,
    Written,
    accepted_quote,
    allocation,
    changed_invoice,
    emailed_invoice,
    lines_of,
    new_credit_note,
    new_invoice,
    new_quote,
    note_on_invoice,
    undoing,
)

CONTACT = UUID(customer().contact_ids[0])
SCOPE = scope_of(customer().customer_id, customer().contact_ids, ["owner"])
ACCOUNT = {"AccountCode": "200", "TaxType": "OUTPUTY24"}
LINE = {"code": "CNP-014-FB-01", "name": "box", "pieces": 100, "unit_price": "0.45"}
FEE = {"label": "Rush fee", "amount": "30.00"}


def today(days: int = 0) -> str:
    return (now().date() + timedelta(days=days)).isoformat()


def a_document(**more: Any) -> dict[str, Any]:
    lines = lines_of([LINE, FEE], ACCOUNT)
    contact = {"ContactID": str(CONTACT)}
    return {"Contact": contact, "Date": today(), "LineItems": lines, **more}


def a_number() -> str:
    return f"TRIA-9{uuid4().int % 10**8:08}"


def writes(invoice: UUID, quote: UUID, note: UUID) -> list[Write]:
    """One of each operation; the ids are of documents that exist."""
    created = [
        new_invoice(a_number(), a_document(DueDate=today(30), Reference="PO 7")),
        new_quote(a_number(), a_document(ExpiryDate=today(30))),
        new_credit_note(f"BOT-{uuid4().hex[:10].upper()}", a_document()),
    ]
    ids = {"create_invoice": invoice, "create_quote": quote, "create_credit_note": note}
    undone = [undoing(write, Written(ids[write.operation])) for write in created]
    return [
        *created,
        *(write for write in undone if write),
        changed_invoice(invoice, a_document(), total=Decimal("49.05")),
        accepted_quote(quote, CONTACT, now().date(), Decimal("49.05")),
        allocation(note, invoice, Decimal("10.50"), day=now().date(), seen=0),
        emailed_invoice(invoice, seen=0),
        note_on_invoice(invoice, "TRIA-N1", "paid on Monday"),
    ]


async def attempt(call: Awaitable[object]) -> None:
    """What the books say to it is none of this test's business."""
    try:
        await call
    except TriaError:
        return


async def test_reads(xero: XeroClient) -> None:
    accounts = Accounts(xero, SCOPE, lambda: now().date())
    reads: list[Callable[[], Awaitable[object]]] = [
        accounts.contacts,
        lambda: accounts.email_on_file(CONTACT),
        accounts.invoices,
        accounts.open_invoices,
        accounts.credit_notes,
        accounts.quotes,
        accounts.payments,
        accounts.past_orders,
        accounts.standing,
        accounts.price_list,
        lambda: accounts.sales_tax(Decimal(9)),
        lambda: accounts.statement(now().date() - timedelta(days=90), now().date()),
        lambda: accounts.invoice_by_number("INV-1001"),
        lambda: accounts.credit_note_by_number("CN-1001"),
        lambda: accounts.quote_by_number("QU-1001"),
    ]
    for read in reads:
        await attempt(read())
    for invoice in (await accounts.invoices())[:1]:
        await accounts.payments_of(invoice)
        await accounts.invoice_pdf(str(invoice.invoice_number))
        await attempt(accounts.online_invoice_url(str(invoice.invoice_number)))


async def test_writes(xero: XeroClient, recording: Recording) -> None:
    books = Books(xero, SCOPE)
    sent = writes(uuid4(), uuid4(), uuid4())
    assert {w.operation for w in sent} == set(SPECS), "an operation is missing here"
    for write in sent:
        await attempt(books.find(write))
        await attempt(books.send(write, f"tria-{uuid4()}"))
    methods = [r.method for r in recording.requests]
    assert methods.count("PUT") + methods.count("POST") == len(sent)


async def test_what_is_asked_for_once_in_a_while(xero: XeroClient) -> None:
    since = now() - timedelta(days=1)
    for path in ("/Organisation", "/Accounts", "/TaxRates", "/Items"):
        await xero.get(path)
    for path in ("/Invoices", "/Contacts", "/Items"):
        await xero.for_background().get(path, modified_since=since)


def test_the_parameters_we_add_are_those_that_exist(spec: Spec) -> None:
    ours: dict[str, dict[str, frozenset[str]]] = {
        "unitdp": dict(FOUR_DECIMALS),
        "summarizeErrors": dict(SUMMARISED),
    }
    for name, by_method in ours.items():
        assert by_method == {
            method: found for method in by_method if (found := spec.having(method, name))
        }


Wrong = tuple[str, str, dict[str, str], dict[str, Any] | None]
WRONG: dict[str, Wrong] = {
    "an unknown operation": ("PATCH", "/Invoices", {}, None),
    "an unknown path": ("GET", "/BankTransactions", {}, None),
    "a printed number in the path": ("GET", "/Invoices/INV-1001", {"unitdp": "4"}, None),
    "an unknown parameter": ("GET", "/Quotes", {"where": "x"}, None),
    "a wrong value": ("GET", "/Invoices", {"page": "abc", "unitdp": "4"}, None),
    "no decimals": ("GET", "/Items", {}, None),
    "no summary": ("PUT", "/Invoices", {"unitdp": "4"}, {"Invoices": []}),
    "an unknown field": (
        "PUT",
        "/Quotes",
        {"summarizeErrors": "true"},
        {"Quotes": [{"Totl": 1}]},
    ),
    "a field that is only read": (
        "PUT",
        "/Invoices",
        {"unitdp": "4", "summarizeErrors": "true"},
        {"Invoices": [{"AmountDue": 1}]},
    ),
    "another casing": (
        "PUT",
        "/Quotes",
        {"summarizeErrors": "true"},
        {"Quotes": [{"LineAmountTypes": "Exclusive"}]},
    ),
    "money as text": (
        "PUT",
        "/Invoices",
        {"unitdp": "4", "summarizeErrors": "true"},
        {"Invoices": [{"LineItems": [{"UnitAmount": "0.45"}]}]},
    ),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_the_check_can_fail(spec: Spec, wrong: Wrong) -> None:
    method, path, params, body = wrong
    headers = {"Authorization": "Bearer x", "xero-tenant-id": str(uuid4())}
    headers |= {"Accept": "application/json", "Idempotency-Key": "k"} if body else {}
    request = httpx.Request(
        method,
        f"https://api.xero.com/api.xro/2.0{path}",
        params=params,
        headers={"Accept": "application/json", **headers},
        content=json.dumps(body).encode() if body is not None else None,
    )
    assert len(spec.violations(request)) == 1, spec.violations(request)


def test_the_check_can_pass(spec: Spec) -> None:
    request = httpx.Request(
        "PUT",
        "https://api.xero.com/api.xro/2.0/Invoices?unitdp=4&summarizeErrors=true",
        headers={
            "Authorization": "Bearer x",
            "xero-tenant-id": str(uuid4()),
            "Accept": "application/json",
            "Idempotency-Key": "k",
        },
        json={"Invoices": [{"Type": "ACCREC", "LineItems": [{"UnitAmount": 0.4875}]}]},
    )
    assert spec.violations(request) == []
