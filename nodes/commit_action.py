"""Write what the customer said yes to, and a person where one was needed: once, or not at all."""

from datetime import datetime
from typing import Any
from uuid import UUID

from langgraph.runtime import Runtime

from nodes.cards.draft import shown
from nodes.cards.outcome import committed
from nodes.state import Fact, State, facts_of
from tools.actions.commit import Carried, carry_out
from tools.context import Context
from tools.ordering.recheck import changed_since


async def commit_action(state: State, runtime: Runtime[Context]) -> State:
    """Safe to run again at any point: each write is looked up before it is sent.

    The stored status decides, and not what the state says about approval.
    """
    context = runtime.context
    action_id = UUID(state["action"]["action_id"])
    action = await context.actions.get(action_id, context.caller.customer_id)
    if action is None or not _is_due(action):
        return {"facts": [_told(action) if action else _fact("card_gone", {})]}
    is_fresh = action["kind"] == "order" and not await context.actions.has_begun(action_id)
    if is_fresh and (obstacle := _changed(state, action["card"])):
        if obstacle["kind"] != "not_written":  # then the sweeper goes on with it
            await context.actions.settle(action_id, "expired", error=obstacle["kind"])
        return {"facts": [obstacle]}
    return _result(await carry_out(action, context.actions, context.books), action)


def _is_due(action: dict[str, Any]) -> bool:
    """Whether nothing but the write is missing."""
    due = "confirmed" if action["approval_level"] is None else "approved"
    return bool(action["status"] == due)


def _told(action: dict[str, Any]) -> Fact:
    return committed(action) if action["status"] == "committed" else _fact("card_gone", {})


def _changed(state: State, card: dict[str, Any]) -> Fact | None:
    """What keeps an order from being placed as it was shown."""
    prices = facts_of(state, "prices")
    if not prices:
        return _fact("not_written", {"kind": "order"})
    change = changed_since(
        card,
        prices[0]["by_code"],
        datetime.fromisoformat(state["turn"]["received_at"]),
        on_hold=any(standing["on_hold"] for standing in facts_of(state, "standing")),
    )
    if change == "account_on_hold":
        return _fact("needs_person", {"reason": change})
    return _fact(change, {}) if change else None


def _result(carried: Carried, action: dict[str, Any]) -> State:
    match carried.status:
        case "committed":
            done = {**action, "status": "committed"}
            return {"facts": [committed(done), *_left_to_people(done)], "card": shown(done)}
        case "failed":
            return {"facts": [_fact("needs_person", {"reason": carried.reason})]}
        case "unavailable":
            return {"facts": [_fact("not_written", {"kind": action["kind"]})]}
        case "unknown":
            return {"facts": [_fact("needs_person", {"reason": "unknown_outcome"})]}
        case "held":
            return {"facts": [_fact("still_placing", {})]}


def _left_to_people(action: dict[str, Any]) -> list[Fact]:
    """A payment that a customer reports is matched by a person."""
    if action["kind"] != "payment_report":
        return []
    return [_fact("needs_person", {"reason": "payment_reported"})]


def _fact(kind: str, data: dict[str, Any]) -> Fact:
    return Fact(kind=kind, source="actions", data=data)
