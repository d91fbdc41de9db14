"""The only place that writes Xero's `where` language: fixed fields, typed values, no free text.

Xero has no documented way to escape a quote inside a text, so no text is ever put into a filter.
"""

from collections.abc import Sequence
from uuid import UUID


def contact_is(contact_id: UUID) -> str:
    """Documents of one contact."""
    return f"Contact.ContactID=={_guid(contact_id)}"


def any_invoice(invoice_ids: Sequence[UUID]) -> str:
    """Payments of any of these invoices; raises ValueError without any, which would mean all."""
    if not invoice_ids:
        raise ValueError("a filter needs an invoice")
    return " OR ".join(f"Invoice.InvoiceID=={_guid(i)}" for i in invoice_ids)


def _guid(value: UUID) -> str:
    """Written anew from the number an id stands for, so that nothing else can get in."""
    if not isinstance(value, UUID):
        raise TypeError("not an id")
    return f'guid("{UUID(int=value.int)}")'
