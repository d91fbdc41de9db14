"""Read what the message needs from the customer's own books."""

import asyncio
from collections.abc import Awaitable, Callable

from langgraph.runtime import Runtime

from nodes.intents.by_passages import settled
from nodes.reads.asked import asks_for_one, credit_notes_asked, quotes_asked
from nodes.reads.balance import read_balance
from nodes.reads.credits import read_credit_notes
from nodes.reads.documents import read_documents, read_tax
from nodes.reads.early import read_early_discount
from nodes.reads.links import read_downloads
from nodes.reads.long_tail import is_open, read_more
from nodes.reads.orders import (
    read_orders,
    read_past_order,
    read_relationship,
    read_standing,
)
from nodes.reads.others import account_asked
from nodes.reads.paying import read_how_to_pay
from nodes.reads.payments import read_payments, read_received
from nodes.reads.products import read_prices, read_products, read_sales_tax
from nodes.reads.quotes import read_quotes
from nodes.reads.requests import read_requests
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
    is_suspicious,
    wants_in,
)
from tools.context import Context
from tools.errors import BackendRejected, BackendUnavailable, ForeignDocument
from tools.understanding.entities import EntityKind
from tools.understanding.others import Asked
from tools.understanding.wants import Want
from tools.xero.limits import Busy

Read = Callable[[State, Context], Awaitable[list[Fact]]]
NAMED: tuple[EntityKind, ...] = ("document", "product")


async def call_xero_tools(state: State, runtime: Runtime[Context]) -> State:
    """Run the fixed plan of reads, all at once; results become typed facts.

    First what was found in the policies settles what is meant. Where the plan finds nothing a
    model may pick what to read. Then come the links to the documents that were found.
    """
    meant = settled(state)
    changed = State(understanding=meant) if meant != state["understanding"] else State()
    state = {**state, "understanding": meant}
    context, spent = runtime.context, list[Spent]()
    reads = _planned(state)
    whose = await account_asked(state, context) if reads & OF_ACCOUNT else "own"
    planned = sorted(reads - _of_others(whose, state), key=lambda read: read.__name__)
    found = await asyncio.gather(*(_attempt(read, state, context) for read in planned))
    facts = [fact for some in found for fact in some]
    if whose != "own":
        facts.append(Fact(kind="own_account_only", source="rules", data={}))
    calls = [_called(read, state, some) for read, some in zip(planned, found, strict=True)]
    if context.model and whose == "own" and is_open(state, facts):
        more = await read_more(state, context, context.model)
        facts, calls, spent = more.facts or facts, calls + more.calls, more.spent
    facts += await read_downloads(facts, state, context)
    unlike = [fact for n, fact in enumerate(facts) if fact not in facts[:n]]
    told = sorted(unlike, key=lambda f: f["kind"])
    return changed | State(facts=told, calls=calls, spent=spent)


def _planned(state: State) -> set[Read]:
    """What intents and wishes need. An answer to a card needs only what the next card does."""
    intents, wants = intents_of(state), wants_in(state)
    if intents & {"confirm", "decline"}:
        order = state["turn"].get("focus", {}).get("order") or {}
        return set(ORDER) if order.get("waiting") else set()
    reads = {read for intent in intents for read in PLAN.get(intent, ())}
    reads |= {read for want in wants for read in BY_WANT.get(want, ())}
    reads -= {read for want in wants for read in INSTEAD.get(want, ())}
    if entities_named(state, "document") and "differs" not in wants:
        reads.add(read_documents)
    if asks_for_one(state):
        reads = reads - {read_balance} | {read_documents}
    if intents & TROUBLE and not wants & OF_PAYMENTS:
        reads.discard(read_payments)
    reads |= {read_credit_notes} if credit_notes_asked(state) else set()
    reads |= {read_quotes} if quotes_asked(state) else set()
    return reads or ({read_relationship} if _should_know_who(state) else set())


def _of_others(whose: Asked, state: State) -> frozenset[Read]:
    """What is not read for a message about another account: own figures are no answer to it."""
    if whose != "others":
        return frozenset()
    is_named = bool(entities_named(state, "document"))  # a number is told whose it is by itself
    return OF_ACCOUNT - {read_documents} if is_named else OF_ACCOUNT


def _should_know_who(state: State) -> bool:
    """Whoever begins with a question is known by name too; a person who is called at once is told.

    Later questions about rules ask Xero nothing.
    """
    is_first = not state["turn"].get("history") and not is_suspicious(state)
    is_question = is_first and intents_of(state) & BY_POLICIES
    return bool(is_question or state["understanding"]["is_urgent"])


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


OF_ACCOUNT: frozenset[Read] = frozenset(
    {read_balance, read_statement, read_documents, read_payments, read_received, read_orders}
    | {read_credit_notes, read_quotes, read_differences, read_tax}
)
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
    "payments": (read_payments,),
    "paid_twice": (read_requests,),
    "bank_changed": (read_how_to_pay,),
    "more_time": (read_documents, read_requests),
    "waive": (read_documents, read_requests),
    "discount": (read_requests,),
    "early_discount": (read_early_discount,),
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
# Beside trouble a payment is looked up only where it is asked for: "I am not paying this".
TROUBLE: frozenset[Intent] = frozenset({"complaint", "damage", "food_safety"})
OF_PAYMENTS: frozenset[Want] = frozenset({"received", "payments", "has_paid"})
# What a wish asks for more exactly than the intent it stands in; an action reads for itself.
INSTEAD: dict[Want, tuple[Read, ...]] = {
    "received": (read_payments,),
    "has_paid": (read_payments, read_documents),
    "how_to_pay": (read_payments,),
    "pay_link": (read_payments,),
    "paid_twice": (read_payments,),
    "bank_changed": (read_payments,),
    "more_time": (read_payments,),
    "waive": (read_payments,),
    "early_discount": (read_payments,),
    "email_it": (read_documents,),
    "differs": (read_statement,),
    "quote_valid": ORDER,
}
