"""Every operation the sandbox's Xero offers, by the name it has in the official specification."""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import date

from tools.sandbox.store import Json, Row, Search
from tools.sandbox.xero import reference
from tools.sandbox.xero.call import Call
from tools.sandbox.xero.documents import find_document
from tools.sandbox.xero.kinds import CREDIT_NOTE, INVOICE, QUOTE, Kind
from tools.sandbox.xero.listing import Action, Listing, lister, shape
from tools.sandbox.xero.pdf import invoice_pdf
from tools.sandbox.xero.wire import (
    Reply,
    bad_request,
    day_of,
    envelope,
    ms_instant,
    not_found,
)
from tools.sandbox.xero.writes import creator, updater, upserter

_DOCUMENT_COLUMNS = {
    "Type": "type",
    "Status": "status",
    "Reference": "reference",
    "Date": "day",
    "DueDate": "due",
    "Total": "total",
    "UpdatedDateUTC": "updated",
    "Contact.ContactID": "contact_id",
}
INVOICES = Listing(
    "invoice",
    "Invoices",
    {**_DOCUMENT_COLUMNS, "InvoiceNumber": "number", "InvoiceID": "id"},
    {"IDs": "id", "InvoiceNumbers": "number", "ContactIDs": "contact_id", "Statuses": "status"},
)
CREDIT_NOTES = Listing(
    "credit_note",
    "CreditNotes",
    {**_DOCUMENT_COLUMNS, "CreditNoteNumber": "number", "CreditNoteID": "id"},
)
PAYMENTS = Listing(
    "payment",
    "Payments",
    {"Invoice.InvoiceID": "parent_id", "Date": "day", "Status": "status", "PaymentID": "id"}
    | {"Reference": "reference", "UpdatedDateUTC": "updated"},
)
# Xero ignores `where` on quotes and then returns them all.
QUOTES = Listing(
    "quote",
    "Quotes",
    {"Date": "day", "ExpiryDate": "due", "QuoteNumber": "number", "UpdatedDateUTC": "updated"},
    {"ContactID": "contact_id", "Status": "status", "QuoteNumber": "number"},
    {"DateFrom": "day >=", "DateTo": "day <="}
    | {"ExpiryDateFrom": "due >=", "ExpiryDateTo": "due <="},
    understands_where=False,
)
CONTACTS = Listing(
    "contact",
    "Contacts",
    {"Name": "number", "ContactID": "id", "ContactStatus": "status", "UpdatedDateUTC": "updated"},
    {"IDs": "id"},
)
ITEMS = Listing("item", "Items", {"Code": "number", "ItemID": "id"})


def _fixed(plural: str, documents: Callable[[], list[Json]]) -> Action:
    return lambda call: envelope(plural, documents(), call.books.now)


def _getter(kind: Kind) -> Action:
    def get(call: Call) -> Reply:
        document = shape(_document(kind, call), call.query)
        return envelope(kind.plural, [document], call.books.now)

    return get


def _document(kind: Kind, call: Call) -> Json:
    found = find_document(kind, call.path[kind.id_field], call.books)
    if found is None:
        raise not_found()
    return found


def _get_invoice(call: Call) -> Reply:
    if "application/pdf" in call.headers.get("accept", ""):
        return Reply(200, invoice_pdf(_document(INVOICE, call)), "application/pdf")
    return _getter(INVOICE)(call)


def _get_item(call: Call) -> Reply:
    named = Search("id = ? or number = ?", (call.path["ItemID"].lower(), call.path["ItemID"]))
    found = call.store.find("item", named)
    if not found:
        raise not_found()
    return envelope("Items", [shape(found[0], call.query)], call.books.now)


def _get_payment(call: Call) -> Reply:
    found = call.store.get("payment", call.path["PaymentID"].lower())
    if found is None:
        raise not_found()
    return envelope("Payments", [found], call.books.now)


def _get_contact(call: Call) -> Reply:
    contact = call.store.get("contact", call.path["ContactID"].lower())
    if contact is None:
        raise not_found()
    balances = {"AccountsReceivable": _receivable(contact["ContactID"], call)}
    return envelope("Contacts", [{**contact, "Balances": balances}], call.books.now)


def _receivable(contact_id: str, call: Call) -> Json:
    condition = "contact_id = ? and type = 'ACCREC' and status = 'AUTHORISED'"
    unpaid = call.store.find("invoice", Search(condition, (contact_id,)))
    overdue = [i for i in unpaid if _due(i) < call.books.today]
    return {
        name: round(sum(i["AmountDue"] for i in invoices), 2)
        for name, invoices in (("Outstanding", unpaid), ("Overdue", overdue))
    }


def _due(invoice: Json) -> date:
    return day_of(invoice["DueDate"])


def _online_invoice(call: Call) -> Reply:
    invoice = _document(INVOICE, call)
    if invoice["Status"] not in ("AUTHORISED", "PAID"):
        raise bad_request(10, "ValidationException", "The invoice has no online version")
    key = (call.store.read_meta("link key") or "").encode()
    secret = hmac.new(key, invoice["InvoiceID"].encode(), hashlib.sha256).hexdigest()
    link = {"OnlineInvoiceUrl": f"https://invoices.tria.example/{secret}"}
    return envelope("OnlineInvoices", [link], call.books.now)


def _get_history(call: Call) -> Reply:
    notes = Search("parent_id = ?", (_document(INVOICE, call)["InvoiceID"],), "created, id")
    return envelope("HistoryRecords", call.store.find("history", notes), call.books.now)


def _add_history(call: Call) -> Reply:
    invoice_id = _document(INVOICE, call)["InvoiceID"]
    sent = call.documents("HistoryRecords")
    if not all(isinstance(r.get("Details"), str) and r["Details"].strip() for r in sent):
        raise bad_request(10, "ValidationException", "Details is required")
    at, written = call.books.now, []
    for index, record in enumerate(sent):
        body = {"Details": record["Details"], "Changes": "Note", "User": "System Generated"}
        body["DateUTC"] = ms_instant(at)
        note_id = f"{invoice_id}:{at.isoformat()}:{index}"
        call.store.save(Row("history", note_id, body, at.isoformat(), parent_id=invoice_id))
        written.append(body)
    return envelope("HistoryRecords", written, at)


OPERATIONS: Mapping[str, Action] = {
    "GET /Organisation": _fixed("Organisations", lambda: [reference.organisation()]),
    "GET /TaxRates": _fixed("TaxRates", reference.tax_rates),
    "GET /Accounts": _fixed("Accounts", reference.accounts),
    "GET /Contacts": lister(CONTACTS),
    "GET /Contacts/{ContactID}": _get_contact,
    "GET /Items": lister(ITEMS),
    "GET /Items/{ItemID}": _get_item,
    "GET /Payments": lister(PAYMENTS),
    "GET /Payments/{PaymentID}": _get_payment,
    "GET /Invoices": lister(INVOICES),
    "PUT /Invoices": creator(INVOICE),
    "POST /Invoices": upserter(INVOICE),
    "GET /Invoices/{InvoiceID}": _get_invoice,
    "POST /Invoices/{InvoiceID}": updater(INVOICE),
    "GET /Invoices/{InvoiceID}/OnlineInvoice": _online_invoice,
    "GET /Invoices/{InvoiceID}/History": _get_history,
    "PUT /Invoices/{InvoiceID}/History": _add_history,
    "GET /CreditNotes": lister(CREDIT_NOTES),
    "PUT /CreditNotes": creator(CREDIT_NOTE),
    "GET /CreditNotes/{CreditNoteID}": _getter(CREDIT_NOTE),
    "POST /CreditNotes/{CreditNoteID}": updater(CREDIT_NOTE),
    "GET /Quotes": lister(QUOTES),
    "PUT /Quotes": creator(QUOTE),
    "GET /Quotes/{QuoteID}": _getter(QUOTE),
    "POST /Quotes/{QuoteID}": updater(QUOTE),
}
