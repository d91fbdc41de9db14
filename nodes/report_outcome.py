"""Tell a customer what happened since: how a card ended, or that a payment came in."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from langgraph.runtime import Runtime

from nodes.cards.draft import shown
from nodes.cards.facts import fact
from nodes.cards.outcome import ended
from nodes.state import Fact, State
from tools.context import Context

SILENT = "en"


async def report_outcome(state: State, runtime: Runtime[Context]) -> State:
    """The first step of a turn that no message asked for. What it tells is read from the books."""
    notice = state["turn"]["notice"] or {}
    told: State = {"facts": []}
    if notice["kind"] == "action":
        told = await _of_action(UUID(notice["action_id"]), runtime.context)
    elif notice["kind"] == "changed":
        told = await _of_change(notice, runtime.context)
    elif notice["kind"] == "payment":
        told = {"facts": [Fact(kind="payment_received", source="xero", data=notice["payment"])]}
    return told | _without_message(state)


async def _of_action(action_id: UUID, context: Context) -> State:
    action = await context.actions.get(action_id, context.caller.customer_id)
    if action is None:
        return {"facts": []}
    return {"facts": ended(action), "card": shown(action)}


async def _of_change(notice: Mapping[str, Any], context: Context) -> State:
    """A person has changed what waited for them: from here on the customer can answer it."""
    action_id = UUID(notice["action_id"])
    action = await context.actions.present(action_id, context.caller.customer_id)
    if action is None:
        return await _of_gone(action_id, context)
    told: State = {"facts": fact("card_changed", kind=action["kind"]), "card": shown(action)}
    if order := notice.get("order"):
        told["order"] = order
    return told


async def _of_gone(action_id: UUID, context: Context) -> State:
    """It ended before it was shown; who took it back then has told the customer nothing."""
    action = await context.actions.get(action_id, context.caller.customer_id)
    if action is None or action["status"] != "cancelled":
        return await _of_action(action_id, context)
    about = {"kind": action["kind"], "title": action["card"]["title"]}
    return {"facts": fact("lapsed", **about), "card": shown(action)}


def _without_message(state: State) -> State:
    language: Any = state["turn"].get("focus", {}).get("language", SILENT)
    return {
        "screened": {
            "text": "",
            "masked": "",
            "language": language,
            "injection": 0.0,
            "personal": {},
        },
        "understanding": {
            "intents": [],
            "entities": [],
            "order": None,
            "is_urgent": False,
            "sentiment": "neutral",
            "misunderstood": 0,
            "by": "code",
        },
    }
