"""Where a turn goes next. Routes are total and pure: no I/O, and a branch for everything."""

from typing import Literal

from nodes.state import State, facts_of, intents_of

Step = Literal["propose_action", "commit_action", "hand_off", "adapt_tone"]

SUSPICIOUS = 0.5
MOST_TRIES = 2
FOR_PEOPLE = {"complaint", "food_safety", "person", "order_change", "order_cancel"}


def after_call_xero_tools(state: State) -> list[Step]:
    """Writes and hand-offs that the message asks for; a suspicious message may trigger no write."""
    intents = intents_of(state)
    steps: list[Step] = []
    if state["screened"]["injection"] < SUSPICIOUS:
        if intents & {"confirm", "decline"}:
            steps.append("commit_action")
        elif "order" in intents:
            steps.append("propose_action")
    if intents & FOR_PEOPLE:
        steps.append("hand_off")
    return steps or ["adapt_tone"]


def after_action(state: State) -> Literal["hand_off", "adapt_tone"]:
    """An action that turned out to need a person goes to one, unless the message did already."""
    is_handed_over = intents_of(state) & FOR_PEOPLE
    needs_person = facts_of(state, "needs_person") and not is_handed_over
    return "hand_off" if needs_person else "adapt_tone"


def after_validate_output(state: State) -> Literal["compose_reply", "__end__"]:
    """At most one rewrite, and that one comes from the templates."""
    verdict = state["verdict"]
    return "__end__" if verdict["passed"] or verdict["tries"] >= MOST_TRIES else "compose_reply"
