"""What has to be said in a reply, most important first: templates and what fills them."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from nodes.state import BY_POLICIES, Intent, State, facts_of, intents_of
from tools.context import Context

# What an action did or asks is always told in our own words.
TOLD = (
    *("order_questions", "below_minimum", "committed", "payment_received"),
    *("declined", "withdrawn", "not_approved", "lapsed", "failed_action"),
    *("card_gone", "card_outdated", "not_written", "still_placing", "awaiting_approval"),
    *("order_processed", "nothing_to_cancel", "nothing_to_repeat", "which_document"),
    *("no_email_on_file", "quote_not_open", "quote_too_small", "no_credit_left"),
    *("credit_needs_details", "already_noted", "not_permitted"),
)
# What was read in the books, and in the end where it can be fetched and how it can be paid.
BOOKS = (
    *("balance", "documents", "received", "payments", "statement", "differences"),
    *("credit_notes", "quotes", "orders", "tax", "how_to_pay", "downloads"),
)
# Beside a card these would only say what the card says.
ON_CARDS = frozenset({"documents", "credit_notes", "quotes", "orders"})
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
    told = [*_about_cards(state)]
    handed = [*_handed_over(state)]
    is_agreed_on = bool(facts_of(state, "awaiting_approval"))
    said = [*(told + handed if is_agreed_on else handed + told), *_answers(state)]
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
    if card := _proposed(state):
        name = "order_card" if card.get("kind", "order") == "order" else "action_card"
        yield Block(name, {"card": card})


def _proposed(state: State) -> dict[str, Any] | None:
    card = state.get("card")
    return card if card and card["status"] == "proposed" else None


def _answers(state: State) -> Iterator[Block]:
    hidden = ON_CARDS if _proposed(state) or facts_of(state, "which_document") else frozenset()
    for kind in BOOKS:
        if kind not in hidden:
            for fact in facts_of(state, kind):
                yield from _from_books(kind, fact, state)
    for fact in facts_of(state, "computed"):
        yield Block("computed", {"fact": fact})
    yield from _about_products(state)
    yield from _from_policies(state)


def _from_books(kind: str, fact: dict[str, Any], state: State) -> Iterator[Block]:
    if kind == "documents":
        yield from _documents(fact, state)
    elif kind == "tax":
        yield Block("tax", {"fact": fact, "found": _with_lines(state)})
    else:
        yield Block(kind, {"fact": fact})


def _documents(fact: dict[str, Any], state: State) -> Iterator[Block]:
    """Of invoices whose lines were asked for, the lines; of orders that are told, nothing more."""
    wants = state["understanding"].get("wants", [])
    ordered = {
        order["number"] for orders in facts_of(state, "orders") for order in orders["listed"]
    }
    asked = [i for i in fact["found"] if i["number"] not in ordered]
    with_lines = [i for i in asked if "lines" in i]
    if "lines" in wants and with_lines:
        yield Block("lines", {"found": with_lines})
    told = {i["number"] for i in with_lines}
    rest = {**fact, "found": [i for i in asked if i["number"] not in told]}
    if rest["found"] or rest["missing_count"]:
        yield Block("documents", {"fact": rest})


def _with_lines(state: State) -> list[dict[str, Any]]:
    """The invoices whose tax is asked for."""
    return [i for fact in facts_of(state, "documents") for i in fact["found"] if "gst" in i]


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
