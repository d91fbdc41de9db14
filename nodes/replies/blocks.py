"""What has to be said in a reply, most important first: templates and what fills them."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from nodes.state import BY_POLICIES, Intent, State, facts_of, intents_of
from tools.context import Context

# What an action did or asks is always told in our own words.
TOLD = (
    *("order_questions", "below_minimum", "committed", "declined", "card_gone", "card_outdated"),
    *("not_written", "still_placing", "nothing_to_repeat"),
)
BOOKS = ("balance", "documents", "payments", "orders")
# These tickets have words of their own; every other reason shares one template.
OWN_WORDS = ("complaint", "damage", "food_safety")
# What is said when nothing was found, by intent.
REST: tuple[Intent, ...] = ("small_talk", "out_of_scope", "order_status", "invoice")


class Block(NamedTuple):
    """One part of the reply: a template and what it is filled with."""

    name: str
    data: dict[str, Any]


def blocks_of(state: State, context: Context) -> list[Block]:
    """Every part of the reply, in the order in which it is said."""
    said = [*_handed_over(state), *_about_cards(state), *_answers(state)]
    if failed := facts_of(state, "unavailable"):
        return [*said, Block("unavailable", {"fact": failed[0]})]
    return said or [_nothing_found(state, context)]


def _handed_over(state: State) -> Iterator[Block]:
    if handoff := state.get("handoff"):
        name = handoff["reason"] if handoff["reason"] in OWN_WORDS else "handed_over"
        yield Block(name, {"handoff": handoff})


def _about_cards(state: State) -> Iterator[Block]:
    for kind in TOLD:
        for fact in facts_of(state, kind):
            yield Block(kind, {"fact": fact})
    card = state.get("card")
    if card and card["status"] == "proposed":
        yield Block("order_card", {"card": card})


def _answers(state: State) -> Iterator[Block]:
    for kind in BOOKS:
        for fact in facts_of(state, kind):
            if kind != "documents" or fact["found"] or fact["missing_count"]:
                yield Block(kind, {"fact": fact})
    for fact in facts_of(state, "computed"):
        yield Block("computed", {"fact": fact})
    yield from _about_products(state)
    yield from _from_policies(state)


def _about_products(state: State) -> Iterator[Block]:
    intents = intents_of(state)
    for fact in facts_of(state, "products"):
        if "price" in intents:
            yield Block("prices", {"fact": fact})
        if "stock" in intents:
            yield Block("stock", {"fact": fact})


def _from_policies(state: State) -> Iterator[Block]:
    """The best passage for each part of the message that asks for a rule."""
    if facts_of(state, "unavailable"):
        return
    computed = {fact["section_id"] for fact in facts_of(state, "computed")}
    asked = [f for f in state["understanding"]["intents"] if f["name"] in BY_POLICIES]
    shown: set[str] = set()
    for found in asked:
        passage = _passage(state, found["part"])
        key = passage["id"] if passage else ""
        if key in shown or key in computed or (computed and not passage):
            continue
        shown.add(key)
        yield Block("policy", {"passage": passage})


def _passage(state: State, part: str) -> dict[str, Any] | None:
    """The best passage for that part of the message, else for the message."""
    passages = state.get("passages", [])
    return next((p for p in passages if p["asked"] == part), next(iter(passages), None))


def _nothing_found(state: State, context: Context) -> Block:
    intents = intents_of(state)
    unclear = "card_open" if state["turn"].get("open_card") else "unclear"
    name = next((n for n in REST if n in intents), unclear)
    return Block(name, {"name": context.caller.name.split()[0]})
