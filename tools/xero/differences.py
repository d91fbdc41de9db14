"""Where a customer's own list of documents and ours are not the same."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from tools.screening.outside import scan_data
from tools.xero.documents import Invoice
from tools.xero.statement import Statement

DOCUMENTS = frozenset({"invoice", "credit_note"})


class Entry(NamedTuple):
    """One document of a list."""

    number: str
    amount: Decimal


class Differing(NamedTuple):
    """A document that stands in both lists with another amount."""

    number: str
    ours: Decimal
    theirs: Decimal


@dataclass(frozen=True)
class Differences:
    """Where two lists of documents are not the same."""

    only_ours: tuple[Entry, ...]
    only_theirs: tuple[Entry, ...]
    other_amounts: tuple[Differing, ...]


class _Known(NamedTuple):
    """A document of ours, and the amounts that it may be listed with."""

    number: str
    amounts: tuple[Decimal, ...]


def differences(
    ours: Statement | Iterable[Invoice], theirs: Sequence[tuple[str, Decimal]]
) -> Differences:
    """What stands in only one of two lists of documents, or in both with another amount.

    Of a statement its invoices and credit notes are compared; signs do not matter. Of an invoice
    the total or what is still due may be given. A document listed twice is once too many.
    """
    known = _statement_amounts(ours) if isinstance(ours, Statement) else _invoice_amounts(ours)
    missing = dict(known)
    only_theirs: list[Entry] = []
    other_amounts: list[Differing] = []
    for written, amount in theirs:
        found = missing.pop(_plain(written), None)
        if found is None:
            only_theirs.append(Entry(scan_data(written), amount))
        elif abs(amount) not in found.amounts:
            other_amounts.append(Differing(found.number, found.amounts[0], amount))
    only_ours = tuple(Entry(k.number, k.amounts[0]) for k in missing.values())
    return Differences(only_ours, tuple(only_theirs), tuple(other_amounts))


def _statement_amounts(statement: Statement) -> dict[str, _Known]:
    return {
        _plain(line.number): _Known(line.number, (abs(line.amount),))
        for line in statement.lines
        if line.kind in DOCUMENTS
    }


def _invoice_amounts(invoices: Iterable[Invoice]) -> dict[str, _Known]:
    return {
        _plain(i.invoice_number or ""): _Known(
            scan_data(i.invoice_number or ""), (i.total, i.amount_due)
        )
        for i in invoices
    }


def _plain(number: str) -> str:
    """A number however it is written: INV-1001, inv 1001."""
    return "".join(c for c in number.upper() if c.isalnum())
