"""Turn an order in free text into an action card that the customer can say yes to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from langgraph.runtime import Runtime

from nodes.cards.asking import (
    FOR_A_PERSON,
    UNUSUAL_LEVEL,
    has_reads,
    in_stock,
    price,
    questions_about,
)
from nodes.cards.draft import Draft, account_of, keep
from nodes.cards.facts import refusal
from nodes.cards.rush import rushed
from nodes.cards.waiting import PLACING
from nodes.replies import note
from nodes.state import Fact, State, facts_of, intents_of
from tools.context import Context
from tools.ordering.card import card_of, note_keys, order_write
from tools.ordering.changes import amend
from tools.ordering.delivery import resolve_slot
from tools.ordering.orders import parse_order
from tools.ordering.pricing import PricedOrder
from tools.ordering.records import Bought, dump, from_lines, load, split
from tools.ordering.types import OrderRequest, Outlet


@dataclass(frozen=True)
class _Open:
    """The order being put together: what is asked now, and what waits for a card of its own."""

    current: OrderRequest
    waiting: tuple[OrderRequest, ...]

    def stored(self) -> dict[str, Any]:
        return {"current": dump(self.current), "waiting": [dump(r) for r in self.waiting]}


async def propose_order(state: State, runtime: Runtime[Context]) -> State:
    """Resolve, price and store the order; or say what is missing. Writes nothing in Xero.

    The order so far is kept in `order`, so that the next message can complete or change it.
    """
    context = runtime.context
    if refused := refusal(context, "order"):
        return {"facts": refused}
    if not has_reads(state):
        return {}
    if await _is_placing(state, context):
        return {"facts": [_fact("still_placing", {})]}
    outlets = await context.outlets.of_contacts(context.caller.contact_ids)
    order = _order(state, context, outlets)
    if order is None:
        return {"facts": [_fact("nothing_to_repeat", {})]}
    order = replace(order, current=in_stock(order.current, state, context))
    if questions := questions_about(order.current, outlets, context):
        hurried = rushed(state, context) if state["understanding"]["is_urgent"] else []
        facts = [_fact("order_questions", questions), *hurried]
        return {"facts": facts, "order": order.stored()}
    return await _carded(state, context, order)


def _order(state: State, context: Context, outlets: Sequence[Outlet]) -> _Open | None:
    """What to propose: the changed order, the next one that waits, a repeat, or what was written.

    None when there is no earlier order to repeat.
    """
    focus = state["turn"].get("focus", {})
    received = datetime.fromisoformat(state["turn"]["received_at"])
    text = state["screened"]["text"]
    if kept := state["understanding"]["order"]:
        current, *waiting = [load(r, outlets, context.catalogue) for r in _all(kept)]
        return _opened([*split(current), *waiting])
    if "confirm" in intents_of(state):
        waiting = (focus.get("order") or {}).get("waiting", [])
        return _opened([load(r, outlets, context.catalogue) for r in waiting])
    written = parse_order(text, context.catalogue, outlets, received)
    if "reorder" in intents_of(state):
        past = [line for fact in facts_of(state, "past_order") for line in fact["lines"]]
        lines = from_lines((Bought(*line) for line in past), context.catalogue)
        repeat = replace(written, lines=lines)
        changed = amend(repeat, text, context.catalogue, outlets, received)
        return _opened(split(changed or repeat)) if lines else None
    return _opened(split(written))


def _all(kept: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [kept["current"], *kept["waiting"]]


def _opened(requests: Sequence[OrderRequest]) -> _Open | None:
    return _Open(requests[0], tuple(requests[1:])) if requests else None


async def _carded(state: State, context: Context, order: _Open) -> State:
    """The order priced and stored as a card, or the rule that keeps it from becoming one."""
    request, outlet = order.current, order.current.outlet
    assert outlet is not None  # noqa: S101 (asked for before)
    received = datetime.fromisoformat(state["turn"]["received_at"])
    priced = price(request, state)
    if not isinstance(priced, PricedOrder):
        hurried = rushed(state, context) if _is_rush(priced) else [priced]
        return {"facts": hurried, "order": order.stored()}
    slot = resolve_slot(received, priced.counted, request.wanted_day, request.wanted_window)
    language = state["screened"]["language"]
    card = card_of(priced, request, slot) | {
        "bill_to": context.caller.company,
        "notes": [note(key, language) for key in note_keys(priced, slot)],
        "waiting": len(order.waiting),
    }
    number = await context.actions.next_number()
    write = order_write(
        card,
        contact_id=outlet.bill_to,
        number=number,
        today=context.now().date(),
        account=account_of(state, context),
    )
    level = UNUSUAL_LEVEL if "unusual" in priced.flags else None
    draft = Draft("order", card, (write,), number, level)
    return {"card": await keep(draft, state, context), "order": order.stored()}


async def _is_placing(state: State, context: Context) -> bool:
    """Whether a confirmed order of this conversation is not in the books yet."""
    thread_id = UUID(state["turn"]["thread_id"])
    card = await context.actions.open_of(thread_id, context.caller.customer_id)
    return card is not None and card["status"] != "proposed" and card["kind"] in PLACING


def _is_rush(fact: Fact) -> bool:
    return fact["data"].get("reason") == FOR_A_PERSON["urgent"]


def _fact(kind: str, data: dict[str, Any]) -> Fact:
    return Fact(kind=kind, source="orders", data=data)
