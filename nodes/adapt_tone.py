"""Choose how the reply sounds. What it says is not decided here."""

from langgraph.runtime import Runtime

from nodes.state import Intent, Situation, State, facts_of, intents_of
from tools.context import Context
from tools.tone import directions_for

REFUSALS = (
    *("card_gone", "card_outdated", "below_minimum", "not_written", "unavailable"),
    *("nothing_to_repeat", "not_permitted", "not_approved", "lapsed", "failed_action"),
    *("order_processed", "nothing_to_cancel", "no_email_on_file", "quote_not_open"),
    *("quote_too_small", "no_credit_left"),
)
COMPLAINTS: frozenset[Intent] = frozenset({"complaint", "damage", "food_safety"})
ROUTINE: frozenset[Intent] = frozenset({"order", "reorder", "confirm", "decline", "small_talk"})
OF_MONEY: frozenset[Intent] = frozenset(
    (
        *("balance", "invoice", "payment", "statement", "credit", "refund", "quote"),
        *("order_cancel", "privacy", "policy"),
    )
)


def adapt_tone(state: State, runtime: Runtime[Context]) -> State:
    """Look up the directions for situation, channel, segment and sentiment."""
    situation = _situation(state)
    segment = next((s["segment"] for s in facts_of(state, "standing")), "established")
    directions = directions_for(
        situation,
        runtime.context.caller.channel,
        segment,
        state["understanding"]["sentiment"],
        of_money=bool(intents_of(state) & OF_MONEY),
    )
    return {
        "tone": {
            "situation": situation,
            "directions": directions.text,
            "max_lines": directions.lines,
            "most_emoji": directions.emoji,
            "language": state["screened"]["language"],
        }
    }


def _situation(state: State) -> Situation:
    intents = intents_of(state)
    if intents & COMPLAINTS:
        return "complaint"
    if state["understanding"]["is_urgent"]:
        return "urgent"
    if any(facts_of(state, kind) for kind in REFUSALS):
        return "bad_news"
    return "routine" if intents & ROUTINE else "question"
