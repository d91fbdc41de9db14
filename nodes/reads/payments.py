"""Money received: what was matched to the customer's invoices, and whether a payment is there."""

import re
from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from nodes.reads.asked import LookUps, invoices_asked, period_asked
from nodes.state import Fact, State, entities_named
from tools.context import Context
from tools.understanding.periods import Period
from tools.xero.documents import Payment
from tools.xero.facts import money, payment_fact

LISTED = 8
# "my payment of 500": a plain number counts as an amount only there.
PLAIN_AMOUNT = re.compile(
    r"\b(?:payment|transfer|paynow|cheque|deposit|bayaran|pindahan|duit)s? (?:of|for|sebanyak) "
    r"\$?(\d[\d,]*(?:\.\d{1,2})?)(?!\s?(?:%|per cent|days?|boxes|pcs|hari))\b",
    re.IGNORECASE,
)


async def read_payments(state: State, context: Context) -> list[Fact]:
    """The latest ones, or those of the time that is named."""
    period = period_asked(state)
    payments = await context.accounts.payments(period.since if period else None)
    if period:
        payments = [p for p in payments if p.date and p.date <= period.until]
    data = {
        "as_of": context.now().date().isoformat(),
        "listed": [payment_fact(p) for p in payments[:LISTED]],
        "more_count": max(0, len(payments) - LISTED) if period else 0,
    }
    if period:
        data |= {"since": period.since.isoformat(), "until": period.until.isoformat()}
    return [Fact(kind="payments", source="xero:payments", data=data)]


async def read_received(state: State, context: Context) -> list[Fact]:
    """Whether a certain payment has been matched: by its amount, or by the invoice it was for.

    Only own payments are looked at. One that is not matched yet may still have arrived.
    """
    amounts, numbers = _amounts(state), invoices_asked(state)
    if not amounts and not numbers:
        return await read_payments(state, context)
    look_ups, matched = LookUps(state, context), list[Payment]()
    for number in numbers:
        if invoice := await look_ups.find(number, context.accounts.invoice_by_number):
            matched += await context.accounts.payments_of(invoice)
    if not numbers:
        matched = await context.accounts.payments()
    fitting = [p for p in matched if not amounts or p.amount in amounts]
    fitting = _of_time(fitting, period_asked(state))
    listed = fitting[:LISTED] if numbers else _latest_of_each(fitting)
    data = {
        "as_of": context.now().date().isoformat(),
        "listed": [payment_fact(p) for p in listed],
        "earlier_count": 0 if numbers else len(fitting) - len(listed),
        "unmatched": [money(a) for a in amounts if a not in {p.amount for p in fitting}],
    }
    if data["unmatched"] or not fitting:
        await _wait_for(numbers, state, context)
    facts = [Fact(kind="received", source="xero:payments", data=data)]
    return [*facts, *look_ups.facts()]


def _of_time(payments: list[Payment], period: Period | None) -> list[Payment]:
    """Those of the time that is named, where there are any."""
    named = [p for p in payments if period and p.date and period.since <= p.date <= period.until]
    return named or payments


def _latest_of_each(payments: Sequence[Payment]) -> list[Payment]:
    """Of payments of the same amount the latest: who asks has just paid."""
    latest: dict[Decimal, Payment] = {}
    for payment in payments:
        latest.setdefault(payment.amount, payment)
    return list(latest.values())[:LISTED]


async def _wait_for(numbers: Sequence[str], state: State, context: Context) -> None:
    """The conversation hears of it when the payment comes in. Harmless when done again."""
    thread_id = UUID(state["turn"]["thread_id"])
    wanted: Sequence[str | None] = numbers or [None]
    for number in wanted:
        await context.watches.watch(thread_id, context.caller.scope, number)


def _amounts(state: State) -> list[Decimal]:
    """Every amount that the message names, once."""
    plain = [m.replace(",", "") for m in PLAIN_AMOUNT.findall(state["screened"]["text"])]
    named = [*entities_named(state, "amount"), *plain]
    return list(dict.fromkeys(Decimal(amount) for amount in named))
