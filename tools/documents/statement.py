"""What was invoiced, paid and credited in a period, as a paper that adds up or is not printed."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from tools.documents.paper import day_text, print_pdf
from tools.errors import TriaError


class StatementUnbalanced(TriaError):
    """Opening balance and movements do not give the closing balance; nobody may be sent that."""

    code = "statement_unbalanced"


@dataclass(frozen=True)
class StatementLine:
    """One movement: what raises the debt is positive. `balance` is the one after it."""

    day: date
    kind: str
    number: str
    amount: Decimal
    balance: Decimal


@dataclass(frozen=True)
class Statement:
    """The movements between two days, both included, as the books had them at `as_of`.

    Only those in `currency`; a note names the `other_currencies` that were used.
    """

    bill_to: str
    since: date
    until: date
    opening: Decimal
    lines: tuple[StatementLine, ...]
    closing: Decimal
    as_of: date
    currency: str
    other_currencies: tuple[str, ...] = ()


def statement_pdf(statement: Statement) -> bytes:
    """The account summary; raises StatementUnbalanced rather than print a wrong sum."""
    _check(statement)
    values = {
        "bill_to": statement.bill_to,
        "since": day_text(statement.since),
        "until": day_text(statement.until),
        "as_of": day_text(statement.as_of),
        "currency": statement.currency,
        "other_currencies": ", ".join(statement.other_currencies),
        "opening": amount_text(statement.opening),
        "lines": [_printed(line) for line in statement.lines],
        "closing": amount_text(statement.closing),
    }
    return print_pdf("statement", values, statement.until)


def amount_text(amount: Decimal) -> str:
    """`1,234.50`, to the cent."""
    return f"{amount:,.2f}"


def _check(statement: Statement) -> None:
    balance = statement.opening
    for line in statement.lines:
        balance += line.amount
        if line.balance != balance:
            raise StatementUnbalanced("a line's balance is not the sum up to it")
    if balance != statement.closing:
        raise StatementUnbalanced("opening and movements do not give the closing balance")


def _printed(line: StatementLine) -> dict[str, Any]:
    return {
        "day": day_text(line.day),
        "kind": line.kind.replace("_", " ").capitalize(),
        "number": line.number,
        "amount": amount_text(line.amount),
        "balance": amount_text(line.balance),
    }
