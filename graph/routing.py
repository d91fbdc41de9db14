"""Where a turn goes next. Routes are total and pure: no I/O, and a branch for everything."""

from typing import Literal

from nodes.state import ORDERING, Intent, State, facts_of, intents_of
from tools.rules import load_rules

Step = Literal["propose_action", "commit_action", "hand_off", "adapt_tone"]

SUSPICIOUS = 0.5
MOST_TRIES = 2
FOR_PEOPLE: frozenset[Intent] = frozenset(
    (
        *("complaint", "damage", "food_safety", "person", "order_change", "order_cancel"),
        *("refund", "credit", "quote", "account_change", "privacy"),
    )
)


def after_call_xero_tools(state: State) -> list[Step]:
    """Writes and hand-offs that the message asks for; a suspicious message may trigger no write."""
    intents = intents_of(state)
    steps: list[Step] = []
    if state["screened"]["injection"] < SUSPICIOUS:
        if intents & {"confirm", "decline"}:
            steps.append("commit_action")
        elif intents & ORDERING:
            steps.append("propose_action")
    if intents & FOR_PEOPLE or _needs_attention(state):
        steps.append("hand_off")
    return steps or ["adapt_tone"]


def after_commit_action(state: State) -> Literal["propose_action", "hand_off", "adapt_tone"]:
    """When an order is placed and another part of it waits, that part gets its card at once."""
    order = state["turn"].get("focus", {}).get("order") or {}
    if order.get("waiting") and facts_of(state, "committed"):
        return "propose_action"
    return after_action(state)


def after_action(state: State) -> Literal["hand_off", "adapt_tone"]:
    """An action that turned out to need a person goes to one, unless the message did already."""
    is_handed_over = intents_of(state) & FOR_PEOPLE or _needs_attention(state)
    needs_person = facts_of(state, "needs_person") and not is_handed_over
    return "hand_off" if needs_person else "adapt_tone"


def _needs_attention(state: State) -> bool:
    """Urgent words go to a person at once (O5), and so does the third misunderstanding in a row.

    An urgent order is handed over by the action, which knows what was ordered.
    """
    understood = state["understanding"]
    is_urgent = understood["is_urgent"] and not intents_of(state) & (
        ORDERING | {"confirm", "decline"}
    )
    return is_urgent or understood["misunderstood"] >= load_rules().escalation.misunderstandings


def after_validate_output(state: State) -> Literal["compose_reply", "__end__"]:
    """At most one rewrite, and that one comes from the templates."""
    verdict = state["verdict"]
    return "__end__" if verdict["passed"] or verdict["tries"] >= MOST_TRIES else "compose_reply"
