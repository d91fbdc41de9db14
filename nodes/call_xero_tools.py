"""Read what the message needs from the customer's own books."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import date
from decimal import Decimal
from typing import Any

from langgraph.runtime import Runtime

from nodes.state import Fact, Intent, State, entities_named, intents_of
from tools.context import Context
from tools.errors import BackendRejected, BackendUnavailable
from tools.ordering.catalogue import Product
from tools.ordering.past import order_of
from tools.rules import gst_percent
from tools.screening.outside import scan_data
from tools.understanding.follow_up import is_follow_up, pointed_at
from tools.xero.documents import Invoice
from tools.xero.scoped import Listed

Read = Callable[[State, Context], Awaitable[Fact | None]]
LISTED = 8
MOST_PRODUCTS = 20
RECENT = 3
WHOLE_LIST = re.compile(
    r"\b(?:price ?list|list of (?:products|prices)|all (?:products|items|prices)|catalog(?:ue)?"
    r"|what (?:do|else do) you sell|senarai harga)\b|价目表|价格表|全部产品|விலைப்பட்டியல்",
    re.IGNORECASE,
)


async def call_xero_tools(state: State, runtime: Runtime[Context]) -> State:
    """Run the fixed plan of reads for each intent, all at once; results become typed facts."""
    intents = intents_of(state)
    reads = {read for intent in intents for read in PLAN.get(intent, ())}
    reads |= {
        read for want in state["understanding"].get("wants", []) for read in FOR_CARDS.get(want, ())
    }
    if entities_named(state, "document") and not intents & {"confirm", "decline"}:
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
    numbers = _asked_documents(state)[:LISTED]
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
                    "invoice": _number(p.invoice.invoice_number if p.invoice else ""),
                }
                for p in payments[:LISTED]
            ],
        },
    )


async def _prices(_: State, context: Context) -> Fact:
    listed = await context.accounts.price_list()
    return Fact(
        kind="prices",
        source="xero:items",
        data={
            "by_code": {code: str(item.price) for code, item in listed.items()},
            "on_hand": {c: int(i.on_hand) for c, i in listed.items() if i.on_hand is not None},
        },
    )


async def _products(state: State, context: Context) -> Fact:
    listed = await context.accounts.price_list()
    products = [p for p in _asked_products(state, context) if p.code in listed]
    return Fact(
        kind="products",
        source="xero:items",
        data={"listed": [_product(p, listed[p.code]) for p in products[:MOST_PRODUCTS]]},
    )


def _product(product: Product, listed: Listed) -> dict[str, Any]:
    return {
        "code": product.code,
        "name": product.name,
        "price": f"{listed.price:.2f}",
        "pack": product.pack,
        "pack_size": product.pack_size,
        "pack_price": _money(listed.price * product.pack_size),
        "on_hand": None if listed.on_hand is None else int(listed.on_hand),
    }


def _asked_products(state: State, context: Context) -> list[Product]:
    """The products the message names; else those spoken of before; else what may be meant."""
    text, focus = state["screened"]["text"], state["turn"].get("focus", {})
    codes = entities_named(state, "product")
    if not codes and WHOLE_LIST.search(text):
        return list(context.catalogue.products)
    maybe = context.catalogue.find(text).alternatives
    if not codes and not maybe and is_follow_up(text):
        codes = focus.get("products", [])
    named = [context.catalogue.get(code) for code in codes]
    return [p for p in named if p] or list(maybe)


def _asked_documents(state: State) -> list[str]:
    """The numbers in the message; else those it points at ("the other one")."""
    focus = state["turn"].get("focus", {})
    return entities_named(state, "document") or pointed_at(
        state["screened"]["text"], focus.get("documents", []), focus.get("listed", [])
    )


async def _orders(state: State, context: Context) -> Fact | None:
    """The customer's latest orders here, with day and slot; unless a number was asked for."""
    if _asked_documents(state):
        return None
    actions = await context.actions.committed_of(context.caller.customer_id, RECENT)
    return Fact(
        kind="orders",
        source="actions",
        data={
            "listed": [
                {
                    "number": action["document_number"],
                    "outlet": action["card"]["outlet"]["name"],
                    "total": action["card"]["total"],
                    "delivery": action["card"]["delivery"],
                }
                for action in actions
            ]
        },
    )


async def _past_order(state: State, context: Context) -> Fact:
    """What "the same as last month" was, as item codes and pieces."""
    past = order_of(await context.accounts.past_orders(), state["screened"]["text"], context.now())
    lines = [] if past is None else past.line_items
    return Fact(
        kind="past_order",
        source="xero:invoices",
        data={
            "number": past.invoice_number if past else None,
            "date": past.date.isoformat() if past and past.date else None,
            "pieces": {x.item_code: int(x.quantity) for x in lines if x.item_code and x.quantity},
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
        "number": _number(invoice.invoice_number),
        "status": invoice.status.lower(),
        "date": invoice.date.isoformat() if invoice.date else "",
        "due_date": invoice.due_date.isoformat() if invoice.due_date else "",
        "total": _money(invoice.total),
        "amount_due": _money(invoice.amount_due),
        "amount_paid": _money(invoice.amount_paid),
        "days_overdue": max(0, late),
        "paid_on": invoice.fully_paid_on_date.isoformat() if invoice.fully_paid_on_date else "",
    }


def _number(printed: str | None) -> str:
    """A printed number is free text in Xero: data, and never an instruction."""
    return scan_data(printed or "")


def _money(amount: Decimal) -> str:
    return f"{amount:.2f}"


ORDER = (_prices, _standing, _sales_tax)
PLAN: dict[Intent, tuple[Read, ...]] = {
    "balance": (_balance,),
    "statement": (_balance, _payments),
    "invoice": (_documents,),
    "payment": (_payments,),
    "product": (_products,),
    "price": (_products,),
    "stock": (_products,),
    "order": ORDER,
    "reorder": (*ORDER, _past_order),
    "confirm": ORDER,
    "order_status": (_documents, _orders),
    "order_change": ORDER,
    "order_cancel": (_standing, _sales_tax, _orders),
    "quote": ORDER,
    "complaint": (_standing,),
    "damage": (_standing,),
    "food_safety": (_standing,),
    "refund": (_standing,),
    "credit": (_standing,),
    "person": (_standing,),
    "account_change": (_standing,),
    "privacy": (_standing,),
}
# What a want needs beside its intent, to become a card.
FOR_CARDS: dict[str, tuple[Read, ...]] = {"ask_quote": ORDER, "accept_quote": ORDER}
