"""What the one log line of a turn tells: everything about how it went, nothing of what was said."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any, cast

from nodes.state import State
from tools.synthetic import MARK


def turn_fields(run: Mapping[str, Any], state: Mapping[str, Any]) -> dict[str, Any]:
    """Closed words, counts and ids of policies, so that one line answers most questions."""
    known = cast(State, state)
    screened, understood, reply = known["screened"], known["understanding"], known["reply"]
    calls = known.get("calls", [])
    return {
        "turn": run["turn"],
        "attempt": run["attempts"],
        "queued_ms": _queued_ms(run),
        "is_synthetic": run["metadata"].items() >= MARK.items(),
        "language": screened["language"],
        "masked": len(screened["personal"]),
        "injection": round(screened["injection"], 2),
        "intents": {each["name"]: round(each["confidence"], 2) for each in understood["intents"]},
        "wants": sorted(understood.get("wants", [])),
        "understood_by": understood["by"],
        "sentiment": understood["sentiment"],
        "misunderstood": understood["misunderstood"],
        "reads": sorted({call["name"] for call in calls if call["outcome"] == "ok"}),
        "unavailable": sorted({call["name"] for call in calls if call["outcome"] != "ok"}),
        "facts": sorted({fact["kind"] for fact in known.get("facts", [])}),
        **_found(known),
        **_led_to(known),
        "by": reply["by"],
        "citations": len(reply["citations"]),
        "tries": known["verdict"]["tries"],
        "problems": len(known["verdict"]["problems"]),
        "withheld": len(reply.get("withheld", [])),
        **_spent(known),
    }


def _queued_ms(run: Mapping[str, Any]) -> int:
    """From the message until it was worked on; a claim is what changed the run last."""
    waited: timedelta = run["updated_at"] - run["created_at"]
    return max(0, round(waited.total_seconds() * 1000))


def _found(state: State) -> dict[str, Any]:
    """How the policies were searched: how many passages, and how good the best one is."""
    scores = [passage.get("score", 0.0) for passage in state.get("passages", [])]
    return {"passages": len(scores)} | ({"best_score": max(scores)} if scores else {})


def _led_to(state: State) -> dict[str, Any]:
    """The card and the ticket that came of it, by kind and reason."""
    card, handoff = state.get("card"), state.get("handoff")
    told: dict[str, Any] = {}
    if card:
        told |= {"card_kind": card["kind"], "card_status": card.get("status", "proposed")}
    if handoff:
        told |= {"handoff_reason": handoff.get("reason")}
    return told


def _spent(state: State) -> dict[str, Any]:
    """Calls of the model in this turn, their tokens and what they cost."""
    calls = state.get("spent", [])
    return {
        "model_calls": len(calls),
        "tokens": sum(call["tokens_in"] + call["tokens_out"] for call in calls),
        "usd": str(sum((Decimal(call["usd"]) for call in calls), Decimal(0))),
    }
