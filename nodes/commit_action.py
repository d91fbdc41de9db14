"""Write what the customer said yes to, and a person where one was needed: once, or not at all."""

from typing import Any
from uuid import UUID

from langgraph.runtime import Runtime

from nodes.cards.draft import shown
from nodes.cards.outcome import ended
from nodes.cards.recheck import recheck_with
from nodes.state import Fact, State
from tools.actions.commit import Carried, Hands, carry_out
from tools.context import Context


async def commit_action(state: State, runtime: Runtime[Context]) -> State:
    """Safe to run again at any point: each write is looked up before it is sent.

    What is stored decides, and not what the state says about approval. Where a person has decided
    this turn gave its answer before, and another one tells the end.
    """
    context, action_id = runtime.context, UUID(state["action"]["action_id"])
    hands = Hands(
        actions=context.actions,
        books=context.books,
        recheck=recheck_with(context),
        is_told="decision" not in state,
    )
    action = await context.actions.get(action_id, context.caller.customer_id)
    if action is None:
        return {"facts": [_fact("card_gone", {})]}
    carried = await carry_out(action_id, hands)
    after = await context.actions.get(action_id, context.caller.customer_id)
    return _result(carried, after or action)


def _result(carried: Carried, action: dict[str, Any]) -> State:
    match carried.status:
        case "committed":
            return {"facts": ended(action), "card": shown(action)}
        case "ended":
            return {"facts": ended(action) or [_fact("card_gone", {})], "card": shown(action)}
        case _:
            return {"facts": [_not_done(carried, action["kind"])]}


def _not_done(carried: Carried, kind: str) -> Fact:
    """Why nothing stands in the books, or nobody can say yet."""
    match carried.status, carried.reason:
        case ("failed", reason) | ("outdated", "account_on_hold" as reason):
            return _fact("needs_person", {"reason": reason})
        case "outdated", _:
            return _fact("card_outdated", {})
        case "unavailable", _:
            return _fact("not_written", {"kind": kind})
        case "held", _:
            return _fact("still_placing", {})
        case _:
            return _fact("needs_person", {"reason": "unknown_outcome"})


def _fact(kind: str, data: dict[str, Any]) -> Fact:
    return Fact(kind=kind, source="actions", data=data)
