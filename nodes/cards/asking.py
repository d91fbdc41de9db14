"""What a written order still lacks: questions to its customer, or a rule that needs a person."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from nodes.state import Fact, State, facts_of
from tools.context import Context
from tools.ordering.finishes import named_in
from tools.ordering.pricing import AccountStanding, PricedOrder, price_order
from tools.ordering.types import OrderLine, OrderRequest, Outlet
from tools.rules import load_rules

# What a person must decide before a card may be shown.
FOR_A_PERSON = {"on_hold": "account_on_hold", "needs_quote": "quote", "urgent": "urgent_order"}
# Who looks at an unusual order after the customer has confirmed it (O8).
UNUSUAL_LEVEL = 2
MOST_OUTLETS = 8


def has_reads(state: State) -> bool:
    """Whether this turn read what pricing needs; where it did not, its facts say so."""
    return all(facts_of(state, kind) for kind in ("standing", "prices", "sales_tax"))


def in_stock(request: OrderRequest, state: State, context: Context) -> OrderRequest:
    """The request with a question on each line of which there is not enough (O10)."""
    on_hand: Mapping[str, int] = facts_of(state, "prices")[0]["on_hand"]
    return replace(request, lines=tuple(_checked(line, on_hand, context) for line in request.lines))


def questions_about(
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
        "outlets": [] if request.outlet else [o.name for o in candidates][:MOST_OUTLETS],
    }


def price(request: OrderRequest, state: State) -> PricedOrder | Fact:
    """The order at the prices that this turn read, or the rule that keeps it from a card."""
    order = at_list_prices(request, state)
    if not isinstance(order, PricedOrder):
        return order
    return _obstacle(order, request) or order


def at_list_prices(request: OrderRequest, state: State) -> PricedOrder | Fact:
    """The order's lines at the prices that this turn read."""
    prices: Mapping[str, str] = facts_of(state, "prices")[0]["by_code"]
    if any(line.code not in prices for line in request.lines):
        return _fact("needs_person", {"reason": "not_in_price_list"})
    outlet = request.outlet
    return price_order(
        request.lines,
        {code: Decimal(price) for code, price in prices.items()},
        datetime.fromisoformat(state["turn"]["received_at"]).date(),
        standing_of(state),
        f"{outlet.address} {outlet.area}" if outlet else "",
    )


def standing_of(state: State) -> AccountStanding:
    """The account's standing as this turn read it."""
    data = facts_of(state, "standing")[0]
    average = data["average_order"]
    return AccountStanding(
        segment=data["segment"],
        average_order=None if average is None else Decimal(average),
        completed_orders=data["completed_orders"],
        on_hold=data["on_hold"],
    )


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
    name = named_in(product.name, line.finish) if product else line.phrase
    return {"name": name, "pieces": line.pieces}


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


def _fact(kind: str, data: dict[str, Any]) -> Fact:
    return Fact(kind=kind, source="orders", data=data)
