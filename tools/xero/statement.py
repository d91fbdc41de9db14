"""What happened on an account: built from its documents, and checked against what they leave open.

Xero has no statement of its own. An invoice adds to the balance on its day; a payment takes from
it on the day it was received, a credit on the day it was given. Setting a credit against an
invoice moves nothing: the credit has counted already.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal, NamedTuple

from tools.errors import BackendRejected
from tools.screening.outside import scan_data
from tools.xero.documents import (
    ZERO,
    Credit,
    CreditNote,
    Invoice,
    Overpayment,
    Payment,
    Prepayment,
)

MovementKind = Literal["invoice", "credit_note", "overpayment", "prepayment", "payment", "refund"]
APPROVED = frozenset({"AUTHORISED", "PAID"})
HOME = "SGD"


class StatementMismatch(BackendRejected):
    """The documents of an account do not add up to what they leave open."""

    code = "statement_mismatch"


@dataclass(frozen=True)
class AccountDocuments:
    """All documents of one account.

    Payments of invoices that were fully paid before the period asked for may be left out.
    """

    invoices: Sequence[Invoice] = ()
    credits: Sequence[Credit] = ()
    payments: Sequence[Payment] = ()


class Movement(NamedTuple):
    """One line: `amount` is positive where it adds to what is owed; `balance` is after it.

    `number` is as printed, of a payment that of the invoice; empty for what has none.
    """

    day: date
    kind: MovementKind
    number: str
    amount: Decimal
    balance: Decimal


@dataclass(frozen=True)
class Statement:
    """The account from the start of `since` to the end of `until`, as the books stood at `as_of`.

    Other currencies are never summed up with this one: `other_currencies` need their own.
    """

    since: date
    until: date
    as_of: date
    opening: Decimal
    lines: tuple[Movement, ...]
    closing: Decimal
    currency: str = HOME
    other_currencies: tuple[str, ...] = ()


@dataclass(frozen=True)
class Owed:
    """What is open on an account in one currency; `credit` is still to be used."""

    currency: str
    outstanding: Decimal
    overdue: Decimal
    open_count: int
    overdue_count: int
    credit: Decimal = ZERO


class _Entry(NamedTuple):
    """A movement before its balance is known; `rank` orders those of one day."""

    day: date
    rank: int
    kind: MovementKind
    number: str
    amount: Decimal


def statement_of(
    documents: AccountDocuments, since: date, until: date, *, as_of: date, currency: str = HOME
) -> Statement:
    """The statement of one currency; raises StatementMismatch where the documents disagree.

    The opening balance comes from what happened before, the closing one from what is open now and
    what happened after: only where nothing is missing or counted twice do they meet.
    """
    if since > until:
        raise ValueError("the period ends before it begins")
    invoices = [i for i in documents.invoices if i.status in APPROVED]
    credits_given = [c for c in documents.credits if c.status in APPROVED]
    currencies = {i.currency_code for i in invoices} | {c.currency_code for c in credits_given}
    invoices = [i for i in invoices if i.currency_code == currency]
    credits_given = [c for c in credits_given if c.currency_code == currency]
    entries = sorted(_entries(invoices, credits_given, documents.payments))
    opening = sum((e.amount for e in entries if e.day < since), ZERO)
    opening -= _left_out(invoices, documents.payments, since)
    lines = tuple(_running(opening, [e for e in entries if since <= e.day <= until]))
    closing = _open_now(invoices, credits_given)
    closing -= sum((e.amount for e in entries if e.day > until), ZERO)
    if closing != (lines[-1].balance if lines else opening):
        raise StatementMismatch("the movements of an account do not lead to its balance")
    others = tuple(sorted(currencies - {currency}))
    return Statement(since, until, as_of, opening, lines, closing, currency, others)


def is_settled(invoice: Invoice, before: date) -> bool:
    """Whether an invoice was fully paid before a day."""
    return invoice.fully_paid_on_date is not None and invoice.fully_paid_on_date < before


def owed(
    invoices: Iterable[Invoice], today: date, credits_given: Iterable[Credit] = ()
) -> tuple[Owed, ...]:
    """What is open, by currency: ours first and always there, the others by name."""
    due: dict[str, list[Invoice]] = defaultdict(list)
    left: dict[str, Decimal] = defaultdict(Decimal)
    for invoice in invoices:
        if invoice.status == "AUTHORISED" and invoice.amount_due > ZERO:
            due[invoice.currency_code].append(invoice)
    for credit in credits_given:
        if credit.status == "AUTHORISED":
            left[credit.currency_code] += credit.remaining_credit
    others = sorted({*due, *(c for c in left if left[c])} - {HOME})
    return tuple(
        _owed(currency, due[currency], today, left[currency]) for currency in (HOME, *others)
    )


def _entries(
    invoices: Sequence[Invoice], credits_given: Sequence[Credit], payments: Sequence[Payment]
) -> Iterator[_Entry]:
    numbers = {i.invoice_id: scan_data(i.invoice_number or "") for i in invoices}
    for invoice in invoices:
        yield _Entry(_day(invoice.date), 0, "invoice", numbers[invoice.invoice_id], invoice.total)
    for credit in credits_given:
        kind, number = _named(credit)
        yield _Entry(_day(credit.date), 1, kind, number, -credit.total)
        for refund in credit.payments:
            if refund.status != "DELETED":
                yield _Entry(_day(refund.date), 3, "refund", number, refund.amount)
    for payment in payments:
        if (
            payment.status != "DELETED"
            and payment.invoice
            and payment.invoice.invoice_id in numbers
        ):
            number = numbers[payment.invoice.invoice_id]
            yield _Entry(_day(payment.date), 2, "payment", number, -payment.amount)


def _named(credit: Credit) -> tuple[MovementKind, str]:
    match credit:
        case CreditNote():
            return "credit_note", scan_data(credit.credit_note_number or "")
        case Overpayment():
            return "overpayment", ""
        case Prepayment():
            return "prepayment", ""
        case _:
            raise TypeError(type(credit).__name__)


def _day(day: date | None) -> date:
    """An approved document always has its day; one without counts as brought forward."""
    return day or date.min


def _left_out(invoices: Iterable[Invoice], payments: Iterable[Payment], since: date) -> Decimal:
    """What was paid for invoices settled before the period, as far as no payment tells of it."""
    told: dict[object, Decimal] = defaultdict(Decimal)
    for payment in payments:
        if payment.status != "DELETED" and payment.invoice:
            told[payment.invoice.invoice_id] += payment.amount
    settled = [i for i in invoices if is_settled(i, since)]
    return sum((i.amount_paid - told[i.invoice_id] for i in settled), ZERO)


def _open_now(invoices: Iterable[Invoice], credits_given: Iterable[Credit]) -> Decimal:
    due = sum((i.amount_due for i in invoices), ZERO)
    return due - sum((c.remaining_credit for c in credits_given), ZERO)


def _running(opening: Decimal, entries: Iterable[_Entry]) -> Iterator[Movement]:
    balance = opening
    for entry in entries:
        balance += entry.amount
        yield Movement(entry.day, entry.kind, entry.number, entry.amount, balance)


def _owed(currency: str, due: Sequence[Invoice], today: date, credit: Decimal) -> Owed:
    late = [i for i in due if i.due_date and i.due_date < today]
    return Owed(
        currency=currency,
        outstanding=sum((i.amount_due for i in due), ZERO),
        overdue=sum((i.amount_due for i in late), ZERO),
        open_count=len(due),
        overdue_count=len(late),
        credit=credit,
    )
