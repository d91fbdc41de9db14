"""What may be written in Xero: one frozen request each, and what it is found again by."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

Operation = Literal[
    "create_invoice",
    "change_invoice",
    "delete_invoice",
    "create_quote",
    "accept_quote",
    "delete_quote",
    "create_credit_note",
    "delete_credit_note",
    "allocate_credit",
    "email_invoice",
    "note_on_invoice",
]
Json = Mapping[str, Any]


@dataclass(frozen=True)
class Write:
    """One request with its exact bytes.

    `target` finds it again: our own number for what is created, else Xero's id of the document
    that changes; after a colon the mark of a note, or the total that the document had when the
    card was made (a quote that is accepted, an invoice that is changed or deleted).
    `seen` counts the equal entries that were there when the card was made, for what leaves only
    an entry behind (an e-mail, an allocation).
    """

    operation: Operation
    target: str
    body: bytes
    seen: int = 0


@dataclass(frozen=True)
class Written:
    """What stands in the books. `total` is None for what has none."""

    document_id: UUID
    total: Decimal | None = None


def new_invoice(number: str, document: Json) -> Write:
    """A draft sales invoice in SGD under our own number."""
    fixed = {"Type": "ACCREC", "Status": "DRAFT", "LineAmountTypes": "Exclusive"}
    named = {"InvoiceNumber": number, "CurrencyCode": "SGD"}
    return Write("create_invoice", number, _body("Invoices", {**document, **fixed, **named}))


def changed_invoice(invoice_id: UUID, document: Json, *, total: Decimal) -> Write:
    """Other lines, reference or dates for a draft of ours that still stands over that total."""
    body = _body("Invoices", _identified(invoice_id, document))
    return Write("change_invoice", f"{invoice_id}:{total:.2f}", body)


def deleted_invoice(invoice_id: UUID, *, total: Decimal) -> Write:
    """A draft of ours taken back while it still stands over that total."""
    body = _body("Invoices", _identified(invoice_id, {"Status": "DELETED"}))
    return Write("delete_invoice", f"{invoice_id}:{total:.2f}", body)


def new_quote(number: str, document: Json) -> Write:
    """A draft quote in SGD under our own number; staff send it."""
    fixed = {"Status": "DRAFT", "LineAmountTypes": "EXCLUSIVE", "CurrencyCode": "SGD"}
    return Write(
        "create_quote", number, _body("Quotes", {**document, **fixed, "QuoteNumber": number})
    )


def accepted_quote(quote_id: UUID, contact_id: UUID, day: date, total: Decimal) -> Write:
    """The customer's yes to a quote over that total; Xero wants contact and date again."""
    body = _quote_status(quote_id, contact_id, day, "ACCEPTED")
    return Write("accept_quote", f"{quote_id}:{total:.2f}", body)


def new_credit_note(mark: str, document: Json) -> Write:
    """A draft credit note that carries our mark as its reference."""
    fixed = {"Type": "ACCRECCREDIT", "Status": "DRAFT", "LineAmountTypes": "Exclusive"}
    named = {"Reference": mark, "CurrencyCode": "SGD"}
    body = _body("CreditNotes", {**document, **fixed, **named})
    return Write("create_credit_note", mark, body)


def allocation(
    credit_note_id: UUID, invoice_id: UUID, amount: Decimal, *, day: date, seen: int
) -> Write:
    """A part of a credit set against an invoice; `seen` equal ones are there already."""
    entry = {
        "Invoice": {"InvoiceID": str(invoice_id)},
        "Amount": float(amount),
        "Date": day.isoformat(),
    }
    return Write("allocate_credit", str(credit_note_id), _body("Allocations", entry), seen)


def emailed_invoice(invoice_id: UUID, *, seen: int) -> Write:
    """The invoice sent to the address that Xero has stored; it was sent `seen` times before."""
    return Write("email_invoice", str(invoice_id), b"{}", seen)


def note_on_invoice(invoice_id: UUID, mark: str, text: str) -> Write:
    """A note in the history of an invoice that carries our mark."""
    record = {"HistoryRecords": [{"Details": f"{mark}: {text}"}]}
    return Write("note_on_invoice", f"{invoice_id}:{mark}", _encoded(record))


def lines_of(items: Sequence[Json], account: Json) -> list[dict[str, Any]]:
    """Xero's line items from a card's lines and fees.

    Goods have code, name, pieces and unit_price; fees have label and amount.
    """
    return [{**_line(item), **account} for item in items]


def undoing(write: Write, written: Written) -> Write | None:
    """The write that takes another one back; None for what cannot be taken back."""
    match write.operation:
        case "create_invoice":
            return deleted_invoice(written.document_id, total=written.total or Decimal(0))
        case "create_quote":
            [sent] = json.loads(write.body)["Quotes"]
            contact_id, day = UUID(sent["Contact"]["ContactID"]), date.fromisoformat(sent["Date"])
            body = _quote_status(written.document_id, contact_id, day, "DELETED")
            return Write("delete_quote", str(written.document_id), body)
        case "create_credit_note":
            document = {"CreditNoteID": str(written.document_id), "Status": "DELETED"}
            body = _body("CreditNotes", document)
            return Write("delete_credit_note", str(written.document_id), body)
        case _:
            return None


def _line(item: Json) -> dict[str, Any]:
    if "label" in item:
        return {
            "Description": item["label"],
            "Quantity": 1,
            "UnitAmount": float(item["amount"]),
        }
    return {
        "ItemCode": item["code"],
        "Description": item["name"],
        "Quantity": item["pieces"],
        "UnitAmount": float(item["unit_price"]),
    }


def _identified(invoice_id: UUID, document: Json) -> dict[str, Any]:
    return {"InvoiceID": str(invoice_id), **document}


def _quote_status(quote_id: UUID, contact_id: UUID, day: date, status: str) -> bytes:
    document = {
        "QuoteID": str(quote_id),
        "Contact": {"ContactID": str(contact_id)},
        "Date": day.isoformat(),
        "Status": status,
    }
    return _body("Quotes", document)


def _body(plural: str, document: Json) -> bytes:
    return _encoded({plural: [dict(document)]})


def _encoded(document: Json) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
