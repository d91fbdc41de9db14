"""What the customer owes, and what of it is late."""

import asyncio

from nodes.state import Fact, State, wants_in
from tools.context import Context
from tools.xero.facts import balance_fact, invoice_fact
from tools.xero.statement import owed

LISTED = 8


async def read_balance(state: State, context: Context) -> list[Fact]:
    """Sums by currency, the unused credit beside them, and the invoices that are due first."""
    now = context.now()
    today = now.date()
    _, invoices, credit = await asyncio.gather(
        context.accounts.contacts(),
        context.accounts.open_invoices(),
        context.accounts.unused_credit(),
    )
    only_overdue = "overdue" in wants_in(state)
    late = [i for i in invoices if i.due_date and i.due_date < today]
    listed = late if only_overdue else invoices
    data = balance_fact(owed(invoices, today, credit), today) | {
        "as_of": now.replace(tzinfo=None).isoformat(timespec="minutes"),
        "listed": [invoice_fact(i, today) for i in listed[:LISTED]],
        "more_count": max(0, len(listed) - LISTED),
        "only_overdue": only_overdue,
    }
    return [Fact(kind="balance", source="xero:invoices", data=data)]
