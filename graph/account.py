"""A customer's balance and latest orders, for the person who answers them."""

import asyncio
from collections.abc import Mapping
from typing import Any

from graph.clients import Clients
from tools.context import Caller, Context
from tools.errors import BackendRejected, BackendUnavailable, ForeignDocument
from tools.xero.facts import balance_fact, invoice_fact
from tools.xero.statement import owed

PATIENCE_SECONDS = 3.0  # a page does not wait longer for the books
LISTED = 5


async def account_of(clients: Clients, scope: Mapping[str, Any]) -> dict[str, Any] | None:
    """What is owed, the invoices that are due first, the latest orders; None without the books.

    It is read within the customer's own scope, and kept for a minute like what they read.
    """
    context = clients.context_for(Caller.of(scope))
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await _read(context)
    except (BackendUnavailable, BackendRejected, ForeignDocument, TimeoutError):
        return None


async def _read(context: Context) -> dict[str, Any]:
    today, caller = context.now().date(), context.caller
    invoices, credit, standing, orders = await asyncio.gather(
        context.accounts.open_invoices(),
        context.accounts.unused_credit(),
        context.accounts.standing(),
        context.actions.committed_of(caller.customer_id, LISTED),
    )
    return {
        "balance": balance_fact(owed(invoices, today, credit), today),
        "invoices": [invoice_fact(invoice, today) for invoice in invoices[:LISTED]],
        "standing": {"segment": standing.segment, "on_hold": standing.on_hold},
        "orders": [
            {"number": row["document_number"], "total": row["card"].get("total")} for row in orders
        ],
    }
