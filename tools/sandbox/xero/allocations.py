"""Credit notes put against invoices, and taken back from them."""

import uuid
from datetime import date
from decimal import Decimal
from functools import partial

from tools.sandbox.store import Json
from tools.sandbox.xero.balances import ZERO, money, settle
from tools.sandbox.xero.call import Books, Call
from tools.sandbox.xero.documents import find_document, given_day
from tools.sandbox.xero.kinds import CREDIT_NOTE, INVOICE, row_of
from tools.sandbox.xero.money import cents
from tools.sandbox.xero.payments import LARGEST, save_invoice
from tools.sandbox.xero.wire import Invalid, Reply, envelope, ms_date, ms_instant, not_found
from tools.sandbox.xero.writes import answer, attempt

FIELDS = frozenset({"Invoice", "Amount", "Date", "AllocationID"})
PAID_BY = {"ACCRECCREDIT": "ACCREC", "ACCPAYCREDIT": "ACCPAY"}


def create_allocations(call: Call) -> Reply:
    """PUT: parts of one credit note, each against an invoice of the same contact."""
    sent, credit_id = call.documents("Allocations"), _credit(call)["CreditNoteID"]
    attempts = [attempt(one, FIELDS, partial(_write, one, credit_id, call.books)) for one in sent]
    # Even a refused allocation has these.
    blank: Json = {"Amount": 0, "Date": ms_date(call.books.today), "Invoice": {}}
    return answer("Allocations", [(blank | one, is_good) for one, is_good in attempts], call)


def delete_allocation(call: Call) -> Reply:
    """DELETE: the credit is free again, and the invoice open."""
    credit, allocation_id = _credit(call), call.path["AllocationID"].lower()
    taken = next((a for a in credit["Allocations"] if a["AllocationID"] == allocation_id), None)
    if taken is None:
        raise not_found()
    _take_back(taken, credit, call.books)
    body = {"AllocationID": allocation_id, "IsDeleted": True}
    return envelope("Allocations", [{**taken, **body}], call.books.now)


def allocate(credit: Json, invoice: Json, amount: Decimal, day: date) -> Json:
    """Put a part of the credit on the invoice: both are changed, the allocation is returned."""
    part = {"Amount": amount, "Date": ms_date(day)}
    named = {name: credit[name] for name in ("CreditNoteID", "CreditNoteNumber")}
    target = {name: invoice[name] for name in ("InvoiceID", "InvoiceNumber")}
    allocation = {"AllocationID": str(uuid.uuid4()), **part, "Invoice": target}
    credit["Allocations"] = [*credit["Allocations"], allocation]
    invoice["CreditNotes"] = [*invoice["CreditNotes"], {**named, **part, "AppliedAmount": amount}]
    settle(credit, day)
    settle(invoice, day)
    return allocation


def _credit(call: Call) -> Json:
    found = find_document(CREDIT_NOTE, call.path["CreditNoteID"], call.books)
    if found is None:
        raise not_found()
    return found


def _write(sent: Json, credit_id: str, books: Books) -> Json:
    credit = books.store.get("credit_note", credit_id) or {}
    invoice, amount = _invoice(sent, books), _amount(sent)
    _check(credit, invoice, amount)
    day = given_day("Date", sent["Date"]) if sent.get("Date") else books.today
    allocation = allocate(credit, invoice, amount, day)
    _save(credit, invoice, books)
    return allocation


def _invoice(sent: Json, books: Books) -> Json:
    if unknown := sorted(set(sent) - FIELDS):
        raise Invalid(f"Fields that do not exist or cannot be set: {', '.join(unknown)}")
    named = sent.get("Invoice")
    name = named.get("InvoiceID") if isinstance(named, dict) else None
    invoice = find_document(INVOICE, str(name or ""), books)
    if invoice is None:
        raise Invalid("The invoice to be credited could not be found")
    return invoice


def _amount(sent: Json) -> Decimal:
    amount = sent.get("Amount")
    if isinstance(amount, bool) or not isinstance(amount, int | float | Decimal):
        raise Invalid("Amount must be a number")
    if not ZERO < money(amount) < LARGEST:
        raise Invalid("The allocated amount must be greater than zero")
    return cents(money(amount))


def _check(credit: Json, invoice: Json, amount: Decimal) -> None:
    if credit["Status"] != "AUTHORISED" or invoice["Status"] != "AUTHORISED":
        raise Invalid("Only approved credit notes can be allocated, and only to approved invoices")
    if credit["Contact"]["ContactID"] != invoice["Contact"]["ContactID"]:
        raise Invalid("The credit note and the invoice must belong to the same contact")
    if PAID_BY[credit["Type"]] != invoice["Type"]:
        raise Invalid("The credit note cannot be allocated to a document of that type")
    if amount > money(credit["RemainingCredit"]):
        raise Invalid("The allocated amount exceeds the remaining credit")
    if amount > money(invoice["AmountDue"]):
        raise Invalid("The allocated amount exceeds the amount outstanding on the invoice")


def _take_back(taken: Json, credit: Json, books: Books) -> None:
    invoice = books.store.get("invoice", taken["Invoice"]["InvoiceID"]) or {}
    credit["Allocations"] = [a for a in credit["Allocations"] if a is not taken]
    part = next(
        part
        for part in invoice["CreditNotes"]
        if part["CreditNoteID"] == credit["CreditNoteID"]
        and (part["AppliedAmount"], part["Date"]) == (taken["Amount"], taken["Date"])
    )
    invoice["CreditNotes"] = [p for p in invoice["CreditNotes"] if p is not part]
    settle(credit, books.today)
    settle(invoice, books.today)
    _save(credit, invoice, books)


def _save(credit: Json, invoice: Json, books: Books) -> None:
    credit["UpdatedDateUTC"] = ms_instant(books.now)
    books.store.save(row_of(CREDIT_NOTE, credit, books.now.isoformat()))
    save_invoice(invoice, books)
