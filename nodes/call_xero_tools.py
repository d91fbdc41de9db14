"""Read what the message needs from the customer's own books."""

import asyncio
from collections.abc import Awaitable, Callable

from langgraph.runtime import Runtime

from nodes.intents.by_passages import settled
from nodes.reads.asked import credit_notes_asked, quotes_asked
from nodes.reads.balance import read_balance
from nodes.reads.credits import read_credit_notes
from nodes.reads.documents import read_documents, read_tax
from nodes.reads.links import read_downloads
from nodes.reads.long_tail import is_open, read_more
from nodes.reads.orders import (
    read_orders,
    read_past_order,
    read_relationship,
    read_standing,
)
from nodes.reads.paying import read_how_to_pay
from nodes.reads.payments import read_payments, read_received
from nodes.reads.products import read_prices, read_products, read_sales_tax
from nodes.reads.quotes import read_quotes
from nodes.reads.statement import read_differences, read_statement
from nodes.state import (
    BY_POLICIES,
    Fact,
    Intent,
    Spent,
    State,
    ToolCall,
    entities_named,
    intents_of,
    wants_in,
)
from tools.context import Context
from tools.errors import BackendRejected, BackendUnavailable, ForeignDocument
from tools.understanding.entities import EntityKind
from tools.understanding.wants import Want
from tools.xero.limits import Busy

Read = Callable[[State, Context], Awaitable[list[Fact]]]
NAMED: tuple[EntityKind, ...] = ("document", "product")


async def call_xero_tools(state: State, runtime: Runtime[Context]) -> State:
    """Run the fixed plan of reads, all at once; results become typed facts.

    First what was found in the policies settles what is meant. Where the plan finds nothing a
    model may pick what to read. Then come the links to the documents that were found.
    """
    state = {**state, "understanding": settled(state)}
    context, spent = runtime.context, list[Spent]()
    planned = sorted(_planned(state), key=lambda read: read.__name__)
    found = await asyncio.gather(*(_attempt(read, state, context) for read in planned))
    facts = [fact for some in found for fact in some]
    calls = [_called(read, state, some) for read, some in zip(planned, found, strict=True)]
    if context.model and is_open(state, facts):
        more = await read_more(state, context, context.model)
        facts, calls, spent = more.facts or facts, calls + more.calls, more.spent
    facts += await read_downloads(facts, state, context)
    unlike = [fact for n, fact in enumerate(facts) if fact not in facts[:n]]
    told = sorted(unlike, key=lambda f: f["kind"])
    meant = state["understanding"]
    return {"understanding": meant, "facts": told, "calls": calls, "spent": spent}


def _planned(state: State) -> set[Read]:
    """What intents and wishes need. An answer to a card needs only what the next card does."""
    intents, wants = intents_of(state), wants_in(state)
    if intents & {"confirm", "decline"}:
        order = state["turn"].get("focus", {}).get("order") or {}
        return set(ORDER) if order.get("waiting") else set()
    reads = {read for intent in intents for read in PLAN.get(intent, ())}
    reads |= {read for want in wants for read in BY_WANT.get(want, ())}
    reads -= {read for want in wants for read in INSTEAD.get(want, ())}
    if entities_named(state, "document"):
        reads.add(read_documents)
    reads |= {read_credit_notes} if credit_notes_asked(state) else set()
    reads |= {read_quotes} if quotes_asked(state) else set()
    # Who only asks for a rule is known by name too: at the beginning, not with every question.
    is_first = not state["turn"].get("history")
    return reads or ({read_relationship} if is_first and intents & BY_POLICIES else set())


def _called(read: Read, state: State, found: list[Fact]) -> ToolCall:
    """A read as it is kept with the turn; what the message names is what it was called with."""
    named = {kind: entities_named(state, kind) for kind in NAMED}
    is_away = any(fact["kind"] == "unavailable" for fact in found)
    return ToolCall(
        name=read.__name__,
        kind="read",
        args={f"{kind}s": values for kind, values in named.items() if values},
        outcome="unavailable" if is_away else "ok",
    )


async def _attempt(read: Read, state: State, context: Context) -> list[Fact]:
    try:
        return await read(state, context)
    except (BackendUnavailable, BackendRejected, ForeignDocument) as error:
        data = {"part": "accounts"} | ({"is_busy": True} if isinstance(error, Busy) else {})
        return [Fact(kind="unavailable", source="xero", data=data)]


ORDER = (read_prices, read_standing, read_sales_tax)
PLAN: dict[Intent, tuple[Read, ...]] = {
    "balance": (read_balance,),
    "statement": (read_statement,),
    "invoice": (read_documents,),
    "payment": (read_payments,),
    "product": (read_products,),
    "price": (read_products,),
    "stock": (read_products,),
    "order": ORDER,
    "reorder": (*ORDER, read_past_order),
    "order_status": (read_documents, read_orders),
    "order_change": ORDER,
    "order_cancel": ORDER,
    "quote": ORDER,
    "complaint": (read_standing,),
    "damage": (read_standing,),
    "food_safety": (read_standing,),
    "refund": (read_standing,),
    "credit": (read_standing, read_credit_notes),
    "person": (read_standing,),
    "account_change": (read_standing,),
    "privacy": (read_standing,),
}
BY_WANT: dict[Want, tuple[Read, ...]] = {
    "overdue": (read_balance,),
    "pdf": (read_documents,),
    "all_documents": (read_balance,),
    "pay_link": (read_documents,),
    "how_to_pay": (read_how_to_pay,),
    "received": (read_received,),
    "statement_file": (read_statement,),
    "differs": (read_differences,),
    "lines": (read_documents,),
    "tax": (read_documents, read_tax),
    "credit_left": (read_credit_notes,),
    "quote_valid": (read_quotes,),
    "accept_quote": ORDER,
    "ask_quote": ORDER,
    "delivery_order": (read_orders,),
    "when_delivered": (read_orders,),
}
# What a wish asks for more exactly than the intent it stands in; an action reads for itself.
INSTEAD: dict[Want, tuple[Read, ...]] = {
    "received": (read_payments,),
    "has_paid": (read_payments, read_documents),
    "how_to_pay": (read_payments,),
    "email_it": (read_documents,),
    "differs": (read_statement,),
    "quote_valid": ORDER,
}
