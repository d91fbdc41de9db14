"""Every operation the sandbox's Xero offers, by the name it has in the official specification."""

import hashlib
import hmac
from collections.abc import Callable, Mapping

from tools.sandbox.store import Json, Search
from tools.sandbox.xero import allocations, contacts, listings, payments, records, reference
from tools.sandbox.xero.call import Call
from tools.sandbox.xero.documents import find_document
from tools.sandbox.xero.kinds import CREDIT_NOTE, INVOICE, PURCHASE_ORDER, QUOTE, Kind
from tools.sandbox.xero.listing import Action, lister, shape
from tools.sandbox.xero.mail import emailer
from tools.sandbox.xero.pdf import document_pdf
from tools.sandbox.xero.reports import aged_receivables
from tools.sandbox.xero.wire import Reply, bad_request, envelope, not_found
from tools.sandbox.xero.writes import creator, updater, upserter


def _finder(kind: Kind) -> Callable[[Call], Json]:
    """The document that the path names; raises Refused with a 404."""

    def find(call: Call) -> Json:
        found = find_document(kind, call.path[kind.id_field], call.books)
        if found is None:
            raise not_found()
        return found

    return find


def _getter(kind: Kind) -> Action:
    find = _finder(kind)

    def get(call: Call) -> Reply:
        document = find(call)
        if call.wants_pdf:
            return Reply(200, document_pdf(kind, document), "application/pdf")
        return envelope(kind.plural, [shape(document, call.query)], call.books.now)

    return get


def _getter_by_id(table: str, plural: str, id_field: str) -> Action:
    def get(call: Call) -> Reply:
        found = call.store.get(table, call.path[id_field].lower())
        if found is None:
            raise not_found()
        return envelope(plural, [shape(found, call.query)], call.books.now)

    return get


def _get_organisation(call: Call) -> Reply:
    return envelope("Organisations", [reference.organisation()], call.books.now)


def _get_item(call: Call) -> Reply:
    named = Search("id = ? or number = ?", (call.path["ItemID"].lower(), call.path["ItemID"]))
    found = call.store.find("item", named)
    if not found:
        raise not_found()
    return envelope("Items", [shape(found[0], call.query)], call.books.now)


def _online_invoice(call: Call) -> Reply:
    invoice = _find_invoice(call)
    if invoice["Status"] not in ("AUTHORISED", "PAID"):
        raise bad_request(10, "ValidationException", "The invoice has no online version")
    key = (call.store.read_meta("link key") or "").encode()
    secret = hmac.new(key, invoice["InvoiceID"].encode(), hashlib.sha256).hexdigest()
    link = {"OnlineInvoiceUrl": f"https://invoices.tria.example/{secret}"}
    return envelope("OnlineInvoices", [link], call.books.now)


_find_invoice, _find_quote = _finder(INVOICE), _finder(QUOTE)
_find_credit = _finder(CREDIT_NOTE)

_SETTINGS: Mapping[str, Action] = {
    "GET /Organisation": _get_organisation,
    "GET /TaxRates": lister(listings.TAX_RATES),
    "GET /Accounts": lister(listings.ACCOUNTS),
    "GET /Currencies": lister(listings.CURRENCIES),
    "GET /BrandingThemes": lister(listings.BRANDING_THEMES),
    "GET /Items": lister(listings.ITEMS),
    "GET /Items/{ItemID}": _get_item,
}
_CONTACTS: Mapping[str, Action] = {
    "GET /Contacts": lister(listings.CONTACTS),
    "PUT /Contacts": contacts.create_contacts,
    "POST /Contacts": contacts.upsert_contacts,
    "GET /Contacts/{ContactID}": contacts.get_contact,
    "POST /Contacts/{ContactID}": contacts.update_contact,
    "GET /Contacts/{ContactID}/History": records.reader(contacts.find_contact, "ContactID"),
    "PUT /Contacts/{ContactID}/History": records.writer(contacts.find_contact, "ContactID"),
    "GET /Reports/AgedReceivablesByContact": aged_receivables,
}
_INVOICES: Mapping[str, Action] = {
    "GET /Invoices": lister(listings.INVOICES),
    "PUT /Invoices": creator(INVOICE),
    "POST /Invoices": upserter(INVOICE),
    "GET /Invoices/{InvoiceID}": _getter(INVOICE),
    "POST /Invoices/{InvoiceID}": updater(INVOICE),
    "POST /Invoices/{InvoiceID}/Email": emailer(_find_invoice),
    "GET /Invoices/{InvoiceID}/OnlineInvoice": _online_invoice,
    "GET /Invoices/{InvoiceID}/History": records.reader(_find_invoice, "InvoiceID"),
    "PUT /Invoices/{InvoiceID}/History": records.writer(_find_invoice, "InvoiceID"),
    "GET /RepeatingInvoices": lister(listings.REPEATING_INVOICES),
}
_CREDITS: Mapping[str, Action] = {
    "GET /CreditNotes": lister(listings.CREDIT_NOTES),
    "PUT /CreditNotes": creator(CREDIT_NOTE),
    "POST /CreditNotes": upserter(CREDIT_NOTE),
    "GET /CreditNotes/{CreditNoteID}": _getter(CREDIT_NOTE),
    "POST /CreditNotes/{CreditNoteID}": updater(CREDIT_NOTE),
    "PUT /CreditNotes/{CreditNoteID}/Allocations": allocations.create_allocations,
    "DELETE /CreditNotes/{CreditNoteID}/Allocations/{AllocationID}": allocations.delete_allocation,
    "GET /CreditNotes/{CreditNoteID}/History": records.reader(_find_credit, "CreditNoteID"),
    "PUT /CreditNotes/{CreditNoteID}/History": records.writer(_find_credit, "CreditNoteID"),
}
_MONEY: Mapping[str, Action] = {
    "GET /Payments": lister(listings.PAYMENTS),
    "PUT /Payments": payments.create_payments,
    "GET /Payments/{PaymentID}": _getter_by_id("payment", "Payments", "PaymentID"),
    "POST /Payments/{PaymentID}": payments.delete_payment,
    "GET /Overpayments": lister(listings.OVERPAYMENTS),
    "GET /Overpayments/{OverpaymentID}": _getter_by_id(
        "overpayment", "Overpayments", "OverpaymentID"
    ),
    "GET /Prepayments": lister(listings.PREPAYMENTS),
    "GET /Prepayments/{PrepaymentID}": _getter_by_id("prepayment", "Prepayments", "PrepaymentID"),
}
_ORDERS: Mapping[str, Action] = {
    "GET /Quotes": lister(listings.QUOTES),
    "PUT /Quotes": creator(QUOTE),
    "POST /Quotes": upserter(QUOTE),
    "GET /Quotes/{QuoteID}": _getter(QUOTE),
    "POST /Quotes/{QuoteID}": updater(QUOTE),
    "GET /Quotes/{QuoteID}/History": records.reader(_find_quote, "QuoteID"),
    "PUT /Quotes/{QuoteID}/History": records.writer(_find_quote, "QuoteID"),
    "GET /PurchaseOrders": lister(listings.PURCHASE_ORDERS),
    "PUT /PurchaseOrders": creator(PURCHASE_ORDER),
    "GET /PurchaseOrders/{PurchaseOrderID}": _getter(PURCHASE_ORDER),
    "POST /PurchaseOrders/{PurchaseOrderID}": updater(PURCHASE_ORDER),
}
OPERATIONS = {**_SETTINGS, **_CONTACTS, **_INVOICES, **_CREDITS, **_MONEY, **_ORDERS}
