"""What the inbox says of each reason: a short label, a sentence, and how grave it is."""

from collections.abc import Mapping
from typing import Any, Literal

from tools.operators.attention import LATER, NOW, Reason

Gravity = Literal["bad", "warn", ""]

LABELS: Mapping[Reason, str] = {
    "failed": "Failed",
    "stuck": "Stuck",
    "outcome": "Xero",
    "approval": "Approval",
    "handoff": "Hand-off",
    "person": "Taken over",
    "unhappy": "Unhappy",
    "unsure": "Unsure",
}
MEANINGS: Mapping[Reason, str] = {
    "failed": "a message that got no answer",
    "stuck": "an answer that does not come on",
    "outcome": "a write that Xero has not confirmed",
    "approval": "a card that waits for one of us",
    "handoff": "an open ticket with its deadline",
    "person": "a colleague has the conversation",
    "unhappy": "the customer sounds angry or unhappy",
    "unsure": "we may not have understood",
}
_SENTENCES: Mapping[str, str] = {
    "waiting": "Nobody has begun to answer",
    "lost": "The worker that answers is gone",
    "dying": "Its workers die on it",
    "slow": "It has been running for long",
    "unknown": "Sent to Xero, and no answer came back",
    "unwritten": "Tried, and not yet in Xero",
    "angry": "The customer is angry",
    "unhappy": "The customer is unhappy",
    "not_solved": "The customer says it is not solved",
    "unsure": "It is not certain what was asked",
    "misunderstood": "Not understood several times in a row",
    "withheld": "The reply was withheld by the gate",
}


def ticket_number(ticket_id: int) -> str:
    """As customers and colleagues know it."""
    return f"T-{ticket_id:06}"


def told(reason: Mapping[str, Any]) -> dict[str, Any]:
    """One reason of a conversation in words."""
    name: Reason = reason["reason"]
    return {
        "reason": name,
        "label": LABELS[name],
        "text": _text(name, reason),
        "gravity": _gravity(reason),
        "ticket": ticket_number(reason["ticket_id"]) if reason["ticket_id"] else None,
        "levels": reason["levels"] or [],
        "since": reason["since"],
        "due": reason["due"],
        "left_s": reason["left_s"],
        "age_s": reason["age_s"],
        "run_id": reason["run_id"],
        "action_id": reason["action_id"],
    }


def _text(name: Reason, reason: Mapping[str, Any]) -> str:
    what = str(reason["what"] or "")
    plain = what.replace("_", " ")
    match name:
        case "failed":
            return f"No answer: {plain}" if plain else "No answer"
        case "approval":
            return f"{plain.capitalize()} waits for {_levels(reason)}"
        case "handoff":
            return f"{plain.capitalize()}, {_levels(reason)}"
        case "person":
            waits = reason["step"] != LATER
            return f"The customer waits for {what}" if waits else f"{what} has it"
        case _:
            return _SENTENCES.get(what, plain)


def _levels(reason: Mapping[str, Any]) -> str:
    levels = [str(level) for level in reason["levels"] or []]
    return f"level{'s' if len(levels) > 1 else ''} {', '.join(levels)}"


def _gravity(reason: Mapping[str, Any]) -> Gravity:
    if reason["step"] == NOW:
        return "bad"
    return "warn" if reason["step"] != LATER else ""
