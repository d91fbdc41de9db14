"""Documents of Xero as plain facts: money and dates as text, free text cleaned.

Whatever stands in a text field of Xero may have been written by a customer. It is data, and never
an instruction: control and bidi characters, markup, links and orders to the assistant are removed.
"""

from collections.abc import Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from tools.ordering.catalogue import Product
from tools.screening.outside import scan_data
from tools.xero.documents import CreditNote, Invoice, LineItem, Payment, Quote
from tools.xero.seller import Listed
from tools.xero.statement import HOME, Owed, Statement

CENT = Decimal("0.01")


def money(amount: Decimal) -> str:
    """Exact to the cent, half up: 243.75."""
    return f"{amount.quantize(CENT, ROUND_HALF_UP):f}"


def unit_price(amount: Decimal) -> str:
    """The price of a piece, with a third and fourth decimal where it has them: 0.4875, 0.50."""
    cents = amount.quantize(CENT, ROUND_HALF_UP)
    return f"{cents:f}" if cents == amount else f"{amount.normalize():f}"


def day(on: date | None) -> str:
    """An ISO date, or nothing."""
    return on.isoformat() if on else ""


def text(written: str | None) -> str:
    """A text field of Xero, fit to be shown to a customer and to a model."""
    return scan_data(written or "")


def invoice_fact(invoice: Invoice, today: date) -> dict[str, Any]:
    """An invoice without its lines. Only an approved one can be late."""
    is_due = invoice.status == "AUTHORISED" and invoice.due_date and invoice.amount_due
    late = (today - invoice.due_date).days if is_due and invoice.due_date else 0
    return {
        "number": text(invoice.invoice_number),
        "status": text(invoice.status).lower(),
        "reference": text(invoice.reference),
        "date": day(invoice.date),
        "due_date": day(invoice.due_date),
        "currency": invoice.currency_code,
        "total": money(invoice.total),
        "amount_due": money(invoice.amount_due),
        "amount_paid": money(invoice.amount_paid),
        "amount_credited": money(invoice.amount_credited),
        "days_overdue": max(0, late),
        "paid_on": day(invoice.fully_paid_on_date),
    }


def lines_fact(invoice: Invoice) -> dict[str, Any]:
    """The lines of an invoice, and what they add up to."""
    return {
        "lines": [_line(line) for line in invoice.line_items],
        "sub_total": money(invoice.sub_total),
        "gst": money(invoice.total_tax),
    }


def payment_fact(payment: Payment) -> dict[str, Any]:
    """Money received."""
    currency = payment.invoice.currency_code if payment.invoice else None
    return {
        "date": day(payment.date),
        "currency": currency or HOME,
        "amount": money(payment.amount),
        "invoice": text(payment.invoice.invoice_number if payment.invoice else ""),
    }


def credit_note_fact(note: CreditNote) -> dict[str, Any]:
    """A credit note, and what of it is left."""
    return {
        "number": text(note.credit_note_number),
        "status": text(note.status).lower(),
        "date": day(note.date),
        "currency": note.currency_code,
        "total": money(note.total),
        "remaining": money(note.remaining_credit),
        "used_for": [
            _allocated(a.invoice.invoice_number, a.amount) for a in note.allocations if a.invoice
        ],
    }


def quote_fact(quote: Quote, today: date) -> dict[str, Any]:
    """An offer, and whether its time is over."""
    return {
        "number": text(quote.quote_number),
        "status": text(quote.status).lower(),
        "date": day(quote.date),
        "expiry_date": day(quote.expiry_date),
        "is_expired": bool(quote.expiry_date and quote.expiry_date < today),
        "currency": quote.currency_code,
        "total": money(quote.total),
    }


def product_fact(product: Product, listed: Listed) -> dict[str, Any]:
    """A product at the price of the list."""
    return {
        "code": product.code,
        "name": product.name,
        "price": unit_price(listed.price),
        "pack": product.pack,
        "pack_size": product.pack_size,
        "pack_price": money(listed.price * product.pack_size),
        "on_hand": None if listed.on_hand is None else int(listed.on_hand),
    }


def balance_fact(sums: Sequence[Owed], today: date) -> dict[str, Any]:
    """What is open, in SGD; what is open in other currencies stands by itself."""
    home, *others = sums
    return {
        "as_of": today.isoformat(),
        "currency": home.currency,
        **_owed(home),
        "open_count": home.open_count,
        "overdue_count": home.overdue_count,
        "other_currencies": [{"currency": o.currency, **_owed(o)} for o in others],
    }


def statement_fact(statement: Statement, most: int) -> dict[str, Any]:
    """An account summary; of more lines than `most` the last ones."""
    shown = statement.lines[-most:]
    return {
        "since": statement.since.isoformat(),
        "until": statement.until.isoformat(),
        "as_of": statement.as_of.isoformat(),
        "currency": statement.currency,
        "opening": money(statement.opening),
        "closing": money(statement.closing),
        "lines": [
            {
                "day": line.day.isoformat(),
                "kind": line.kind,
                "number": line.number,
                "amount": money(line.amount),
                "balance": money(line.balance),
            }
            for line in shown
        ],
        "more_count": len(statement.lines) - len(shown),
        "other_currencies": list(statement.other_currencies),
    }


def _line(line: LineItem) -> dict[str, Any]:
    return {
        "code": text(line.item_code),
        "description": text(line.description),
        "quantity": "" if line.quantity is None else f"{line.quantity.normalize():f}",
        "unit_price": "" if line.unit_amount is None else unit_price(line.unit_amount),
        "amount": "" if line.line_amount is None else money(line.line_amount),
    }


def _allocated(number: str | None, amount: Decimal) -> dict[str, str]:
    return {"invoice": text(number), "amount": money(amount)}


def _owed(owed: Owed) -> dict[str, str]:
    return {
        "outstanding": money(owed.outstanding),
        "overdue": money(owed.overdue),
        "credit_available": money(owed.credit),
    }
