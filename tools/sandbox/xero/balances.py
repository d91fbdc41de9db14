"""What is still due on an invoice, or left of a credit note, and the status that follows."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from tools.sandbox.store import Json
from tools.sandbox.xero.wire import ms_date

ZERO = Decimal(0)


def money(amount: object) -> Decimal:
    """An amount as it stands in the books, exact to the cent."""
    return Decimal(str(amount))


def settle(document: Json, day: date) -> None:
    """Set the balance of an approved document: PAID when nothing is left, else open again."""
    left = _left_to_pay(document) if "AmountDue" in document else _left_to_spend(document)
    if document["Status"] == "AUTHORISED" and not left:
        document |= {"Status": "PAID", "FullyPaidOnDate": ms_date(day)}
    elif document["Status"] == "PAID" and left:
        document["Status"] = "AUTHORISED"
        document.pop("FullyPaidOnDate", None)


def _left_to_pay(invoice: Json) -> Decimal:
    paid = _sum(invoice["Payments"], "Amount")
    credited = _sum(invoice["CreditNotes"], "AppliedAmount")
    left = money(invoice["Total"]) - paid - credited
    invoice |= {"AmountPaid": paid, "AmountCredited": credited, "AmountDue": left}
    return left


def _left_to_spend(credit: Json) -> Decimal:
    left = money(credit["Total"]) - _sum(credit["Allocations"], "Amount")
    credit["RemainingCredit"] = left
    return left


def _sum(parts: Iterable[Json], name: str) -> Decimal:
    return sum((money(part[name]) for part in parts), ZERO)
