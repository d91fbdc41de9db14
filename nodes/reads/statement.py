"""What happened on the account in a time, and where it differs from the customer's own list."""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal

from nodes.reads.asked import lately, period_asked
from nodes.state import Fact, State
from tools.context import Context
from tools.escalation import levels_for
from tools.understanding.own_list import listed_in
from tools.xero.differences import differences
from tools.xero.documents import Invoice
from tools.xero.facts import money, statement_fact
from tools.xero.statement import HOME, Statement, StatementMismatch

LISTED = 12
OLDEST = timedelta(days=3 * 365)  # so that one question does not cost a day's calls

NOT_PERMITTED = Fact(kind="not_permitted", source="sign-in", data={"needs": "accounts"})


async def read_statement(state: State, context: Context) -> list[Fact]:
    """An account summary, of more movements the last ones; for those who keep the accounts."""
    if not context.accounts.scope.is_accountant:
        return [NOT_PERMITTED]
    try:
        statement = await _statement(state, context)
    except StatementMismatch:
        return _for_a_person("statement_mismatch")
    data = statement_fact(statement, LISTED)
    return [Fact(kind="statement", source="xero:statement", data=data)]


async def read_differences(state: State, context: Context) -> list[Fact]:
    """The documents that differ; what nobody can explain goes to a person with the list."""
    if not context.accounts.scope.is_accountant:
        return [NOT_PERMITTED]
    theirs = listed_in(state["screened"]["text"])
    try:
        ours = await _ours(state, context, theirs) if theirs else []
    except StatementMismatch:
        return _for_a_person("statement_mismatch")
    found = differences(ours, theirs)
    data = {
        "as_of": context.now().date().isoformat(),
        "currency": HOME,
        "compared": len(theirs),
        "only_ours": [_row(x.number, amount=x.amount) for x in found.only_ours],
        "only_theirs": [_row(x.number, amount=x.amount) for x in found.only_theirs],
        "other_amounts": [
            _row(x.number, ours=x.ours, theirs=x.theirs) for x in found.other_amounts
        ],
    }
    facts = [Fact(kind="differences", source="xero:statement", data=data)]
    is_same = not (found.only_ours or found.only_theirs or found.other_amounts)
    if is_same:
        return facts
    at_stake = [x.amount for x in (*found.only_ours, *found.only_theirs)]
    at_stake += [x.ours - x.theirs for x in found.other_amounts]
    (level,) = levels_for("differences", amounts=map(abs, at_stake))
    return [*facts, *_for_a_person("differences", level)]


async def _statement(state: State, context: Context) -> Statement:
    today = context.now().date()
    period = period_asked(state) or lately(today)
    since = max(period.since, today - OLDEST)
    return await context.accounts.statement(since, max(since, period.until))


async def _ours(
    state: State, context: Context, theirs: Iterable[tuple[str, Decimal]]
) -> Statement | list[Invoice]:
    """The documents of the time that is named; without one those still open, and those listed."""
    if period_asked(state):
        return await _statement(state, context)
    numbers = {number for number, _ in theirs}
    invoices = await context.accounts.invoices()
    return [i for i in invoices if i.amount_due or i.invoice_number in numbers]


def _row(number: str, **amounts: Decimal) -> dict[str, str]:
    return {"number": number} | {name: money(amount) for name, amount in amounts.items()}


def _for_a_person(reason: str, level: int | None = None) -> list[Fact]:
    data: dict[str, str | int] = {"reason": reason} | ({"level": level} if level else {})
    return [Fact(kind="needs_person", source="xero:statement", data=data)]
