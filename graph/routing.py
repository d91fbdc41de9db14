"""Where a turn goes next. Routes are total and pure: no I/O, and a branch for everything."""

from typing import Literal

from nodes.state import (
    ORDERING,
    Intent,
    State,
    entities_named,
    facts_of,
    intents_of,
    is_suspicious,
    wants_in,
)
from tools.rules import load_rules
from tools.understanding.wants import Want

Step = Literal["propose_order", "propose_action", "confirm_action", "hand_off", "adapt_tone"]

MOST_TRIES = 2
FOR_PEOPLE: frozenset[Intent] = frozenset(
    ("complaint", "damage", "food_safety", "person", "account_change", "privacy")
)
# These become a card; what else does is a want inside another intent.
CHANGING: frozenset[Intent] = frozenset(("order_change", "order_cancel", "quote", "refund"))
ASKING_FOR_A_WRITE = frozenset(("email_it", "has_paid", "accept_quote", "apply_credit"))
# What only asks how things stand, of an intent that would otherwise become a card.
ONLY_ASKED: dict[Want, frozenset[Intent]] = {
    "quote_valid": frozenset(("quote",)),
    "credit_left": frozenset(("credit",)),
    "pdf": frozenset(("quote",)),
    "paid_twice": frozenset(("refund", "credit")),
}


def after_start(state: State) -> Literal["report_outcome", "screen_message"]:
    """A turn either answers a message or tells what happened since."""
    return "report_outcome" if state["turn"].get("notice") else "screen_message"


def after_call_xero_tools(state: State) -> list[Step]:
    """Writes and hand-offs that the message asks for; a suspicious message may trigger no write.

    Where somebody's health is at stake a person has to act first, whatever else is asked for.
    """
    may_write = not is_suspicious(state)
    intents = intents_of(state)
    if "food_safety" in intents:
        return ["hand_off"]
    if may_write and intents & {"confirm", "decline"}:
        return ["confirm_action"]
    if may_write and _asks_for_a_card(state) and not intents & ORDERING:
        return ["propose_action"]
    steps: list[Step] = []
    if may_write and intents & ORDERING:
        steps.append("propose_order")
    is_urgent = state["understanding"]["is_urgent"] and not steps
    if _is_for_people(state) or is_urgent or (facts_of(state, "needs_person") and not steps):
        steps.append("hand_off")
    return steps or ["adapt_tone"]


def after_confirm_action(state: State) -> Literal["commit_action", "hand_off", "adapt_tone"]:
    """A yes is carried out at once, unless a person must agree."""
    if state.get("action") and not facts_of(state, "awaiting_approval"):
        return "commit_action"
    return after_action(state)


def after_commit_action(
    state: State,
) -> Literal["propose_order", "hand_off", "adapt_tone", "__end__"]:
    """What a person agreed to later is told by a turn of its own.

    When an order is placed and another part of it waits, that part gets its card at once.
    """
    if state.get("decision"):
        return "__end__"
    order = state["turn"].get("focus", {}).get("order") or {}
    is_placed = any(fact.get("kind") == "order" for fact in facts_of(state, "committed"))
    if order.get("waiting") and is_placed:
        return "propose_order"
    return after_action(state)


def after_action(state: State) -> Literal["hand_off", "adapt_tone"]:
    """An action that turned out to need a person goes to one, unless the message did already."""
    needs_person = facts_of(state, "needs_person") and not _is_for_people(state)
    return "hand_off" if needs_person else "adapt_tone"


def after_propose_action(state: State) -> Literal["hand_off", "adapt_tone"]:
    """Beside a card, a message may still be for people."""
    is_for_people = _is_for_people(state) or facts_of(state, "needs_person")
    return "hand_off" if is_for_people else "adapt_tone"


def after_validate_output(
    state: State,
) -> Literal["compose_reply", "await_approval", "__end__"]:
    """At most one rewrite, and that one comes from the templates. Then a card may wait."""
    verdict = state["verdict"]
    is_last = verdict["tries"] >= MOST_TRIES or "withheld" in state["reply"]
    if not verdict["passed"] and not is_last:
        return "compose_reply"
    return "await_approval" if facts_of(state, "awaiting_approval") else "__end__"


def after_await_approval(state: State) -> Literal["commit_action", "__end__"]:
    """Only a person's yes leads to the write."""
    return "commit_action" if state["decision"].get("approved") is True else "__end__"


def _asks_for_a_card(state: State) -> bool:
    """A credit is asked for by the document that it is about; else credits are only looked up."""
    wants, intents = wants_in(state), intents_of(state)
    intents -= {intent for want in wants for intent in ONLY_ASKED.get(want, ())}
    is_credit = intents & {"credit", "damage"} and entities_named(state, "document")
    return bool(intents & CHANGING or wants & ASKING_FOR_A_WRITE or is_credit)


def _is_for_people(state: State) -> bool:
    return bool(intents_of(state) & FOR_PEOPLE) or _needs_attention(state)


def _needs_attention(state: State) -> bool:
    """Urgent words go to a person at once (O5), and so does the third misunderstanding in a row.

    An urgent order is handed over by the step that proposes it, which knows what is ordered.
    """
    understood = state["understanding"]
    is_urgent = understood["is_urgent"] and not intents_of(state) & (
        ORDERING | {"confirm", "decline"}
    )
    return is_urgent or understood["misunderstood"] >= load_rules().escalation.misunderstandings
