"""What a turn shows of itself when it is answered, kept where a person can look for it."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal, cast

from nodes.state import State
from tools.rules import load_rules

# What a person should know of: how the customer feels, or that the answer may miss the question.
Concern = Literal["angry", "unhappy", "unsure", "misunderstood", "withheld"]


def signals_of(state: Mapping[str, Any]) -> dict[str, Any]:
    """Intents with their confidence, mood, language, what the gate said, and what the model cost.

    `concerns` is only there where there are some: an index holds those.
    """
    known = cast(State, state)
    understood, reply = known["understanding"], known["reply"]
    calls, concerns = known.get("spent", []), _concerns(known)
    return {
        "intents": [
            {"name": found["name"], "confidence": round(found["confidence"], 3)}
            for found in understood["intents"]
        ],
        "sentiment": understood["sentiment"],
        "misunderstood": understood["misunderstood"],
        "language": known["screened"]["language"],
        "by": reply["by"],
        "problems": known["verdict"]["problems"],
        "tries": known["verdict"]["tries"],
        "tokens": sum(call["tokens_in"] + call["tokens_out"] for call in calls),
        "usd": str(sum((Decimal(call["usd"]) for call in calls), Decimal(0))),
    } | ({"concerns": concerns} if concerns else {})


def _concerns(state: State) -> list[Concern]:
    understood, rules = state["understanding"], load_rules().escalation
    found: list[Concern] = []
    if understood["sentiment"] in ("angry", "unhappy"):
        found.append(cast(Concern, understood["sentiment"]))
    intents = understood["intents"]  # none where nobody asked anything
    if intents and all(_is_unsure(each, rules.min_confidence) for each in intents):
        found.append("unsure")
    if understood["misunderstood"] >= rules.misunderstandings:
        found.append("misunderstood")
    if state["reply"].get("withheld"):
        found.append("withheld")
    return found


def _is_unsure(intent: Mapping[str, Any], least: Decimal) -> bool:
    return intent["name"] == "unclear" or Decimal(str(intent["confidence"])) < least
