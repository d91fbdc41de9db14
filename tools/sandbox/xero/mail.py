"""Invoices by e-mail: they go to the address that the contact has in the books, into an outbox."""

import uuid
from collections.abc import Callable

from tools.sandbox.store import Json, Row
from tools.sandbox.xero.call import Books, Call
from tools.sandbox.xero.listing import Action
from tools.sandbox.xero.payments import save_invoice
from tools.sandbox.xero.records import add_record
from tools.sandbox.xero.wire import Invalid, Reply, validation_error

SENDABLE = ("SUBMITTED", "AUTHORISED", "PAID")


def emailer(find: Callable[[Call], Json]) -> Action:
    """POST: send the invoice that `find` finds; nothing in the request names a recipient."""

    def email(call: Call) -> Reply:
        invoice = find(call)
        try:
            send(invoice, call.books)
        except Invalid as invalid:
            errors = [{"Message": message} for message in invalid.messages]
            named = {name: invoice[name] for name in ("InvoiceID", "InvoiceNumber")}
            raise validation_error([{**named, "ValidationErrors": errors}]) from invalid
        return Reply(204, b"", "")

    return email


def send(invoice: Json, books: Books) -> None:
    """Put the invoice into the outbox and mark it as sent; raises Invalid."""
    contact = books.store.get("contact", invoice["Contact"]["ContactID"]) or {}
    recipients = _recipients(contact)
    if invoice["Type"] != "ACCREC" or invoice["Status"] not in SENDABLE:
        raise Invalid("The invoice is not of a valid status for sending")
    if not contact.get("EmailAddress"):
        raise Invalid("The contact has no e-mail address")
    invoice["SentToContact"] = True
    save_invoice(invoice, books)
    parent = (invoice["InvoiceID"], contact["ContactID"])
    add_record(parent, "Sent", f"This invoice has been sent to {', '.join(recipients)}", books)
    books.store.save(_letter(invoice, recipients, books))


def _recipients(contact: Json) -> list[str]:
    persons = contact.get("ContactPersons", [])
    copies = [p.get("EmailAddress") for p in persons if p.get("IncludeInEmails")]
    return [address for address in (contact.get("EmailAddress"), *copies) if address]


def _letter(invoice: Json, recipients: list[str], books: Books) -> Row:
    body = {
        "to": recipients,
        "invoice_id": invoice["InvoiceID"],
        "invoice_number": invoice["InvoiceNumber"],
        "contact_id": invoice["Contact"]["ContactID"],
        "total": invoice["Total"],
        "amount_due": invoice["AmountDue"],
    }
    at = books.now.isoformat()
    return Row("letter", str(uuid.uuid4()), body, at, contact_id=body["contact_id"])
