"""Read what the message needs from the customer's own books."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from decimal import Decimal
from typing import Any

from langgraph.runtime import Runtime

from nodes.state import Fact, Intent, State, intents_of
from tools.context import Context
from tools.errors import BackendRejected, BackendUnavailable
from tools.rules import gst_percent
from tools.xero.documents import Invoice

Read = Callable[[State, Context], Awaitable[Fact | None]]
LISTED = 8


async def call_xero_tools(state: State, runtime: Runtime[Context]) -> State:
    """Run the fixed plan of reads for each intent, all at once; results become typed facts."""
    intents = intents_of(state)
    reads = {read for intent in intents for read in PLAN.get(intent, ())}
    if state["understanding"]["documents"] and not intents & {"confirm", "decline"}:
        reads.add(_documents)
    facts = await asyncio.gather(*(_attempt(read, state, runtime.context) for read in reads))
    return {"facts": sorted((f for f in facts if f), key=lambda f: f["kind"])}


async def _attempt(read: Read, state: State, context: Context) -> Fact | None:
    try:
        return await read(state, context)
    except (BackendUnavailable, BackendRejected):
        return Fact(kind="unavailable", source="xero", data={"part": "accounts"})


async def _balance(_: State, context: Context) -> Fact:
    today = context.now().date()
    invoices = await context.accounts.open_invoices()
    overdue = [i for i in invoices if i.due_date and i.due_date < today]
    return Fact(
        kind="balance",
        source="xero:invoices",
        data={
            "as_of": today.isoformat(),
            "outstanding": _money(sum((i.amount_due for i in invoices), Decimal(0))),
            "overdue": _money(sum((i.amount_due for i in overdue), Decimal(0))),
            "open_count": len(invoices),
            "overdue_count": len(overdue),
            "listed": [_invoice(i, today) for i in invoices[:LISTED]],
            "more_count": max(0, len(invoices) - LISTED),
        },
    )


async def _documents(state: State, context: Context) -> Fact:
    today = context.now().date()
    numbers = state["understanding"]["documents"][:LISTED]
    found = [(n, await context.accounts.invoice_by_number(n)) for n in numbers]
    return Fact(
        kind="documents",
        source="xero:invoices",
        data={
            "found": [_invoice(invoice, today) for _, invoice in found if invoice],
            "missing_count": sum(invoice is None for _, invoice in found),
        },
    )


async def _payments(_: State, context: Context) -> Fact:
    payments = await context.accounts.payments()
    return Fact(
        kind="payments",
        source="xero:payments",
        data={
            "as_of": context.now().date().isoformat(),
            "listed": [
                {
                    "date": p.date.isoformat() if p.date else "",
                    "amount": _money(p.amount),
                    "invoice": p.invoice.invoice_number if p.invoice else "",
                }
                for p in payments[:LISTED]
            ],
        },
    )


async def _prices(_: State, context: Context) -> Fact:
    prices = await context.accounts.prices()
    return Fact(
        kind="prices", source="xero:items", data={"by_code": {k: str(v) for k, v in prices.items()}}
    )


async def _products(state: State, context: Context) -> Fact:
    prices = await context.accounts.prices()
    match = context.catalogue.find(state["screened"]["text"])
    products = [match.product] if match.product else list(match.alternatives)
    return Fact(
        kind="products",
        source="xero:items",
        data={
            "listed": [
                {
                    "code": p.code,
                    "name": p.name,
                    "price": f"{prices[p.code]:.2f}",
                    "pack": p.pack,
                    "pack_size": p.pack_size,
                }
                for p in products[:LISTED]
                if p.code in prices
            ]
        },
    )


async def _sales_tax(_: State, context: Context) -> Fact:
    percent = gst_percent(context.now().date())
    return Fact(
        kind="sales_tax",
        source="xero:taxrates",
        data={
            "gst_percent": f"{percent:f}",
            "tax_type": await context.accounts.sales_tax(percent),
        },
    )


async def _standing(_: State, context: Context) -> Fact:
    standing = await context.accounts.standing()
    average = standing.average_order
    return Fact(
        kind="standing",
        source="xero:invoices",
        data={
            "segment": standing.segment,
            "average_order": None if average is None else _money(average),
            "completed_orders": standing.completed_orders,
            "on_hold": standing.on_hold,
        },
    )


def _invoice(invoice: Invoice, today: date) -> dict[str, Any]:
    late = (today - invoice.due_date).days if invoice.due_date and invoice.amount_due else 0
    return {
        "number": invoice.invoice_number,
        "status": invoice.status.lower(),
        "date": invoice.date.isoformat() if invoice.date else "",
        "due_date": invoice.due_date.isoformat() if invoice.due_date else "",
        "total": _money(invoice.total),
        "amount_due": _money(invoice.amount_due),
        "amount_paid": _money(invoice.amount_paid),
        "days_overdue": max(0, late),
        "paid_on": invoice.fully_paid_on_date.isoformat() if invoice.fully_paid_on_date else "",
    }


def _money(amount: Decimal) -> str:
    return f"{amount:.2f}"


PLAN: dict[Intent, tuple[Read, ...]] = {
    "balance": (_balance,),
    "invoice": (_documents,),
    "payments": (_payments,),
    "product": (_products,),
    "order": (_prices, _standing, _sales_tax),
    "order_status": (_documents,),
    "confirm": (_prices,),
    "complaint": (_standing,),
    "food_safety": (_standing,),
    "person": (_standing,),
    "order_change": (_standing,),
    "order_cancel": (_standing,),
}
