"""Choose how the reply sounds. What it says is not decided here."""

from nodes.state import Situation, State, facts_of, intents_of

DIRECTIONS: dict[Situation, tuple[str, int]] = {
    "routine": ("Efficient and positive: items, total, delivery slot.", 5),
    "question": ("Helpful: the answer first, then the next step.", 8),
    "complaint": (
        "Own it and fix it: acknowledge, apologise once, the action, when they hear.",
        10,
    ),
    "urgent": ("Calm and quick: acknowledge, status, when the next word comes.", 6),
    "bad_news": ("Honest: the reason, then the options.", 8),
    "vip": ("Attentive: recognise the relationship.", 8),
}
MANNERS = (
    "Sentences of 15 to 20 words, active voice, concrete dates and amounts, no jargon, no blame,"
    " no sarcasm, no emoji."
)
REFUSALS = ("card_gone", "card_outdated", "below_minimum", "not_written", "unavailable")
VALUED = {"vip", "major"}


def adapt_tone(state: State) -> State:
    """Pick the situation from what was understood and found."""
    situation = _situation(state)
    directions, max_lines = DIRECTIONS[situation]
    return {
        "tone": {
            "situation": situation,
            "directions": f"{directions} {MANNERS}",
            "max_lines": max_lines,
            "language": state["screened"]["language"],
        }
    }


def _situation(state: State) -> Situation:
    intents = intents_of(state)
    if intents & {"complaint", "food_safety"}:
        return "complaint"
    if state["understanding"]["level_words"]:
        return "urgent"
    if any(facts_of(state, kind) for kind in REFUSALS):
        return "bad_news"
    if any(fact["segment"] in VALUED for fact in facts_of(state, "standing")):
        return "vip"
    return "routine" if intents & {"order", "confirm", "decline"} else "question"
