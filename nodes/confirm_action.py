"""Take the customer's answer to a card: let it go, or keep the yes to exactly what was shown."""

from typing import Any
from uuid import UUID

from langgraph.runtime import Runtime

from nodes.cards.draft import shown
from nodes.cards.outcome import committed
from nodes.state import Fact, State, intents_of
from tools.context import Context
from tools.rules import load_rules


async def confirm_action(state: State, runtime: Runtime[Context]) -> State:
    """Writes nothing in the books. A card that needs a person waits for one from here on."""
    context = runtime.context
    action_id, digest = _answered(state)
    if action_id is None:
        return {"facts": [_fact("card_gone", {})]}
    customer_id = context.caller.customer_id
    card = await context.actions.get(action_id, customer_id)
    if card is None or str(card["thread_id"]) != state["turn"]["thread_id"]:
        return {"facts": [_fact("card_gone", {})]}
    if "decline" in intents_of(state):
        if await context.actions.decline(action_id, customer_id, digest):
            return {"facts": [_fact("declined", {"kind": card["kind"]})]}
        return await _answered_before(action_id, context)
    action = await context.actions.confirm(action_id, customer_id, digest, context.now())
    if action is None:
        return await _answered_before(action_id, context)
    if action["approval_level"] is None or action["status"] == "approved":
        return {"action": {"action_id": str(action_id)}}
    return await _awaiting(state, action, context)


def _answered(state: State) -> tuple[UUID | None, str]:
    """The card that was answered: the button's, else the one that is open in the conversation."""
    card = state["turn"].get("decision") or state["turn"].get("open_card")
    return (UUID(card["action_id"]), card["hash"]) if card else (None, "")


async def _awaiting(state: State, action: dict[str, Any], context: Context) -> State:
    """A ticket is opened for the decision, and this run waits for it once it has answered."""
    await context.actions.wait_for_person(action["action_id"], UUID(state["turn"]["run_id"]))
    level = action["approval_level"]
    who = load_rules().escalation.levels[level].who
    return {
        "action": {"action_id": str(action["action_id"])},
        "card": shown(action),
        "facts": [
            _fact("awaiting_approval", {"kind": action["kind"], "who": who}),
            _fact("needs_person", {"reason": "approval", "level": level}),
        ],
    }


async def _answered_before(action_id: UUID, context: Context) -> State:
    action = await context.actions.get(action_id, context.caller.customer_id)
    if action and action["status"] == "committed":
        return {"facts": [committed(action)], "card": shown(action)}
    is_placing = action is not None and action["status"] in ("confirmed", "approved")
    return {"facts": [_fact("still_placing" if is_placing else "card_gone", {})]}


def _fact(kind: str, data: dict[str, Any]) -> Fact:
    return Fact(kind=kind, source="actions", data=data)
