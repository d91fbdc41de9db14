"""Turn an order in free text into an action card that the customer can say yes to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from langgraph.runtime import Runtime

from nodes.cards.draft import Draft, account_of, keep
from nodes.replies import note
from nodes.state import Fact, State, facts_of, intents_of
from tools.context import Context
from tools.ordering.card import card_of, note_keys, order_write
from tools.ordering.changes import amend
from tools.ordering.delivery import resolve_slot
from tools.ordering.orders import parse_order
from tools.ordering.pricing import AccountStanding, PricedOrder, price_order
from tools.ordering.records import dump, from_lines, load, split
from tools.ordering.types import OrderLine, OrderRequest, Outlet
from tools.rules import load_rules

# What a person must decide before a card may be shown.
FOR_A_PERSON = {"on_hold": "account_on_hold", "needs_quote": "quote", "urgent": "urgent_order"}


# Who looks at an unusual order after the customer has confirmed it (O8).
UNUSUAL_LEVEL = 2


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
    if not all(facts_of(state, kind) for kind in ("standing", "prices", "sales_tax")):
        return {}  # the reads failed, and their facts say so
    if await _is_placing(state, context):
        return {"facts": [_fact("still_placing", {})]}
    outlets = await context.outlets.of_contacts(context.caller.contact_ids)
    order = _order(state, context, outlets)
    if order is None:
        return {"facts": [_fact("nothing_to_repeat", {})]}
    order = replace(order, current=_in_stock(order.current, facts_of(state, "prices")[0], context))
    if questions := _questions(order.current, outlets, context):
        return {"facts": [_fact("order_questions", questions)], "order": order.stored()}
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
        pieces = facts_of(state, "past_order")[0]["pieces"] if facts_of(state, "past_order") else {}
        lines = from_lines(pieces.items(), context.catalogue)
        repeat = replace(written, lines=lines)
        changed = amend(repeat, text, context.catalogue, outlets, received)
        return _opened(split(changed or repeat)) if lines else None
    return _opened(split(written))


def _all(kept: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [kept["current"], *kept["waiting"]]


def _opened(requests: Sequence[OrderRequest]) -> _Open | None:
    return _Open(requests[0], tuple(requests[1:])) if requests else None


def _in_stock(request: OrderRequest, prices: Mapping[str, Any], context: Context) -> OrderRequest:
    """The request with a question on each line of which there is not enough (O10)."""
    on_hand: Mapping[str, int] = prices["on_hand"]
    return replace(request, lines=tuple(_checked(line, on_hand, context) for line in request.lines))


def _checked(line: OrderLine, on_hand: Mapping[str, int], context: Context) -> OrderLine:
    product = context.catalogue.get(line.code) if line.code else None
    if product is None or line.problem or line.pieces <= on_hand.get(product.code, line.pieces):
        return line
    others = [
        p
        for p in context.catalogue.products
        if p.family == product.family and p != product and on_hand.get(p.code, 0) >= line.pieces
    ]
    whole_packs = on_hand[product.code] // product.pack_size * product.pack_size
    return replace(
        line,
        problem="out_of_stock",
        suggested_pieces=whole_packs,
        alternatives=tuple(others),
    )


async def _carded(state: State, context: Context, order: _Open) -> State:
    """The order priced and stored as a card, or the rule that keeps it from becoming one."""
    request, outlet = order.current, order.current.outlet
    assert outlet is not None  # noqa: S101 (asked for before)
    received = datetime.fromisoformat(state["turn"]["received_at"])
    prices, standing = facts_of(state, "prices")[0], facts_of(state, "standing")[0]
    by_code = {code: Decimal(price) for code, price in prices["by_code"].items()}
    if any(line.code not in by_code for line in request.lines):
        return {"facts": [_fact("needs_person", {"reason": "not_in_price_list"})]}
    priced = price_order(
        request.lines,
        by_code,
        received.date(),
        _standing(standing),
        f"{outlet.address} {outlet.area}",
    )
    if obstacle := _obstacle(priced, request):
        return {"facts": [obstacle], "order": order.stored()}
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
    return card is not None and card["status"] == "confirmed"


def _questions(
    request: OrderRequest, outlets: Sequence[Outlet], context: Context
) -> dict[str, Any]:
    """What must be asked before the order can be priced; empty when nothing."""
    unclear = [_unclear(line, context) for line in request.lines if line.problem]
    if request.lines and not unclear and request.outlet:
        return {}
    candidates = request.outlet_candidates or outlets
    return {
        "lines": unclear,
        "clear": [_clear(line, context) for line in request.lines if not line.problem],
        "outlets": [] if request.outlet else [o.name for o in candidates][:8],
    }


def _unclear(line: OrderLine, context: Context) -> dict[str, Any]:
    product = context.catalogue.get(line.code) if line.code else None
    return {
        "phrase": line.phrase,
        "problem": line.problem,
        "product": product.name if product else "",
        "pieces": line.pieces,
        "suggested_pieces": line.suggested_pieces,
        "alternatives": [p.name for p in line.alternatives],
    }


def _clear(line: OrderLine, context: Context) -> dict[str, Any]:
    product = context.catalogue.get(line.code or "")
    return {"name": product.name if product else line.phrase, "pieces": line.pieces}


def _obstacle(order: PricedOrder, request: OrderRequest) -> Fact | None:
    """The rule that keeps this order from becoming a card."""
    if not order.lines:
        return _fact("order_questions", {"lines": [], "clear": [], "outlets": []})
    flags = set(order.flags) | ({"urgent"} if request.urgent else set())
    for flag, reason in FOR_A_PERSON.items():
        if flag in flags:
            return _fact("needs_person", {"reason": reason})
    if "below_minimum" not in flags:
        return None
    minimum = load_rules().ordering.minimum_new_customer
    return _fact("below_minimum", {"minimum": f"{minimum:.2f}"})


def _standing(data: dict[str, Any]) -> AccountStanding:
    average = data["average_order"]
    return AccountStanding(
        segment=data["segment"],
        average_order=None if average is None else Decimal(average),
        completed_orders=data["completed_orders"],
        on_hold=data["on_hold"],
    )


def _fact(kind: str, data: dict[str, Any]) -> Fact:
    return Fact(kind=kind, source="orders", data=data)
