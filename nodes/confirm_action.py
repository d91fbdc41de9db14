"""Take the customer's answer to a card: let it go, or keep the yes to exactly what was shown."""

from typing import Any
from uuid import UUID

from langgraph.runtime import Runtime

from nodes.cards.draft import shown
from nodes.cards.facts import refusal
from nodes.cards.outcome import ended
from nodes.state import Fact, State, intents_of
from tools.context import Context
from tools.rules import load_rules


async def confirm_action(state: State, runtime: Runtime[Context]) -> State:
    """Writes nothing in the books. A card that needs a person waits for one from here on."""
    context = runtime.context
    action_id, digest = _answered(state)
    card = await _own_card(action_id, state, context)
    if action_id is None or card is None:
        return {"facts": [_fact("card_gone", {})]}
    if _is_again(state):
        return {"facts": _as_before(card)}
    if not _is_clear(state):  # the last question was another one: ask this one again
        return {"card": shown(card)}
    if "decline" in intents_of(state):
        return await _declined(card, digest, context)
    return await _confirmed(state, card, digest, context)


async def _own_card(
    action_id: UUID | None, state: State, context: Context
) -> dict[str, Any] | None:
    """The customer's own card, of this conversation."""
    card = action_id and await context.actions.get(action_id, context.caller.customer_id)
    is_here = card and str(card["thread_id"]) == state["turn"]["thread_id"]
    return card if card and is_here else None


async def _declined(card: dict[str, Any], digest: str, context: Context) -> State:
    customer_id = context.caller.customer_id
    if await context.actions.decline(card["action_id"], customer_id, digest):
        return {"facts": [_fact("declined", {"kind": card["kind"]})]}
    return await _answered_before(card["action_id"], context)


async def _confirmed(state: State, card: dict[str, Any], digest: str, context: Context) -> State:
    action_id, customer_id = card["action_id"], context.caller.customer_id
    if refused := refusal(context, card["kind"]):
        return {"facts": refused}
    run_id = UUID(state["turn"]["run_id"])
    action = await context.actions.confirm(action_id, customer_id, digest, context.now(), run_id)
    if action is None:
        return await _answered_before(action_id, context)
    if action["approval_level"] is None or action["status"] == "approved":
        return {"action": {"action_id": str(action_id)}}
    if action["run_id"] not in (None, run_id):
        return {"facts": [_fact("already_noted", {"kind": action["kind"]})]}
    return await _awaiting(state, action, context)


def _answered(state: State) -> tuple[UUID | None, str]:
    """The card that was answered: the button's, the one that is open, or the one just before."""
    turn = state["turn"]
    card = turn.get("decision") or turn.get("open_card") or turn.get("focus", {}).get("answered")
    return (UUID(card["action_id"]), card["hash"]) if card else (None, "")


def _is_again(state: State) -> bool:
    """Whether a further yes comes to a card that was carried out just before."""
    return not (state["turn"].get("decision") or state["turn"].get("open_card"))


def _is_clear(state: State) -> bool:
    """Whether a yes or no in words can only mean this card; a button names its card."""
    turn = state["turn"]
    return bool(turn.get("decision")) or (turn.get("open_card") or {}).get("is_asked", True)


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
        return {"facts": _as_before(action), "card": shown(action)}
    is_placing = action is not None and action["status"] in ("confirmed", "approved")
    return {"facts": [_fact("still_placing" if is_placing else "card_gone", {})]}


def _as_before(action: dict[str, Any]) -> list[Fact]:
    """How it ended, told once more; whatever it left to people was left to them then."""
    return [fact for fact in ended(action) if fact["kind"] != "needs_person"]


def _fact(kind: str, data: dict[str, Any]) -> Fact:
    return Fact(kind=kind, source="actions", data=data)
