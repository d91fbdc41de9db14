"""What has to be said in a reply, most important first: templates and what fills them."""

import re
from collections.abc import Iterator, Mapping, Set
from typing import Any, NamedTuple

from nodes.state import (
    BY_POLICIES,
    ORDERING,
    Intent,
    State,
    entities_named,
    facts_of,
    intents_of,
    is_suspicious,
)
from tools.context import Context
from tools.search.knowledge import CLEARLY
from tools.understanding.rule_questions import is_question
from tools.understanding.worded import ending_of

# What an action did or asks is always told in our own words.
TOLD = (
    *("order_questions", "below_minimum", "committed", "payment_received"),
    *("declined", "withdrawn", "not_approved", "lapsed", "failed_action", "card_changed"),
    *("card_gone", "card_outdated", "not_written", "still_placing", "awaiting_approval"),
    *("order_processed", "nothing_to_cancel", "nothing_to_repeat", "which_document"),
    *("no_email_on_file", "quote_not_open", "quote_too_small", "no_credit_left"),
    *("credit_needs_details", "already_noted", "not_permitted", "own_account_only"),
)
# What was read in the books, and in the end where it can be fetched and how it can be paid.
BOOKS = (
    *("balance", "documents", "received", "payments", "statement", "differences"),
    *("credit_notes", "quotes", "orders", "tax", "how_to_pay", "downloads"),
)
# What a suspicious message asks for is not done, and that is said.
WRITING: frozenset[Intent] = ORDERING | {"order_change", "order_cancel", "quote", "refund"}
# Beside a card these would only say what the card says.
ON_CARDS = frozenset({"documents", "credit_notes", "quotes", "orders"})
# And these say of it what has to be said.
BESIDE: Mapping[str, frozenset[str]] = {
    "which_document": ON_CARDS,
    "credit_needs_details": ON_CARDS,
    "quote_not_open": frozenset({"quotes"}),
    "not_permitted": frozenset({"credit_notes"}),
}
# With one of these the goods are known, or are asked for already.
TELLS_OF_DAMAGE = ("credit_needs_details", "already_noted")
# An order rounds to whole packs itself, and asks.
ROUNDING = "pack_rounding"
# These tickets have words of their own; every other reason shares one template.
OWN_WORDS = ("complaint", "damage", "food_safety")
SUPPOSED = re.compile(
    r"\W*(?:(?:and|so|but|what)\s+)*(?:if|suppose|kalau|jika)\b|\W*(?:如果|要是|万一)",
    re.IGNORECASE,
)
# A part this short asks when the rest of the message does.
FEW_WORDS = 3
# What is said when nothing was found, by intent.
REST: tuple[Intent, ...] = ("small_talk", "out_of_scope", "order_status", "invoice")
# After these nobody gets a cheerful list of what else we can do.
EARNEST = frozenset({"complaint", "damage", "food_safety"})


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
        is_told = bool(_proposed(state) or any(facts_of(state, kind) for kind in TELLS_OF_DAMAGE))
        named = entities_named(state, "document")
        yield Block(name, {"handoff": handoff, "is_told": is_told, "named": named})


def _about_cards(state: State) -> Iterator[Block]:
    if is_suspicious(state) and intents_of(state) & WRITING:
        yield Block("not_taken", {})
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
    hidden = _hidden(state)
    for kind in BOOKS:
        if kind not in hidden:
            for fact in facts_of(state, kind):
                yield from _from_books(kind, fact, state)
    for fact in facts_of(state, "computed"):
        if fact["rule"] != ROUNDING or not intents_of(state) & ORDERING:
            yield Block("computed", {"fact": fact})
    yield from _about_products(state)
    yield from _from_policies(state)


def _hidden(state: State) -> Set[str]:
    """What of the books is not told beside what an action says."""
    if _proposed(state):
        return ON_CARDS
    return frozenset[str]().union(*(less for kind, less in BESIDE.items() if facts_of(state, kind)))


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
        if fact.get("unsold"):
            yield Block("not_sold", {"fact": fact})
        is_told = not fact["listed"] and facts_of(state, "computed")  # "what is SGD 325 with GST?"
        if "price" in intents and not is_told:
            yield Block("prices", {"fact": fact})
        if "stock" in intents and not is_told:
            yield Block("stock", {"fact": fact})


def _from_policies(state: State) -> Iterator[Block]:
    """The best passage for each part of the message that asks for a rule."""
    if facts_of(state, "unavailable"):
        return
    computed = {fact["section_id"] for fact in facts_of(state, "computed")}
    shown: set[str] = set()
    for part in _asking_for_rules(state):
        passage = _passage(state, part)
        key = passage["id"] if passage else ""
        if key in shown or key in computed or (computed and not _is_clear(passage, state)):
            continue
        shown.add(key)
        yield Block("policy", {"passage": passage})


def _asking_for_rules(state: State) -> list[str]:
    """The parts with an intent of the policies; all parts where each of them is a clear question.

    "Payment terms, and late fees?" is one intent and asks for two rules.
    """
    found = state["understanding"]["intents"]
    asked = [f["part"] for f in found if f["name"] in BY_POLICIES]
    if len(asked) < len(found) or not asked:
        return asked
    best = {p["asked"]: p for p in reversed(state.get("passages", [])) if p["asked"]}
    whole = best.pop(state["screened"]["masked"], None)
    parts = [part for part, p in best.items() if _is_clear(p, state) and _may_ask(part)]
    is_each_clear = whole and len(best) > 1 and len(parts) == len(best)
    return sorted(parts, key=state["screened"]["masked"].find) if is_each_clear else asked


def _is_clear(passage: dict[str, Any] | None, state: State) -> bool:
    return bool(passage and passage["score"] >= CLEARLY[state["screened"]["language"]])


def _may_ask(part: str) -> bool:
    """Whether a part asks by itself: "if you send too much" only says when."""
    is_asking = is_question(part) or len(part.split()) <= FEW_WORDS
    return is_asking and not SUPPOSED.match(part)


def _passage(state: State, part: str) -> dict[str, Any] | None:
    """The best passage for that part of the message, else for the message."""
    passages = state.get("passages", [])
    return next((p for p in passages if p["asked"] == part), next(iter(passages), None))


def _nothing_found(state: State, context: Context) -> Block:
    intents = intents_of(state)
    unclear = "card_open" if state["turn"].get("open_card") else "unclear"
    name: str = next((n for n in REST if n in intents), unclear)
    if name in ("small_talk", "out_of_scope"):
        name = _small_talk(state) or name
    return Block(name, {"name": context.caller.name.split()[0]})


def _small_talk(state: State) -> str | None:
    """The answer to thanks, to a goodbye, and to what is added to a complaint."""
    is_earnest = EARNEST & set(state["turn"].get("focus", {}).get("intents", []))
    return ending_of(state["screened"]["text"]) or ("noted" if is_earnest else None)
