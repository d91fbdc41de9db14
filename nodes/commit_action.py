"""Carry out the customer's answer to a card: write the document once, or let the card go."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from langgraph.runtime import Runtime

from nodes.state import Fact, State, facts_of, intents_of
from tools.context import Context
from tools.errors import BackendRejected, BackendUnavailable, OutcomeUnknown
from tools.ordering.delivery import resolve_slot
from tools.xero.documents import Invoice


async def commit_action(state: State, runtime: Runtime[Context]) -> State:
    """Safe to run again at any point: the document is looked up by our number before it is sent."""
    context = runtime.context
    action_id, digest = _answered(state)
    if action_id is None:
        return {"facts": [_fact("card_gone", {})]}
    customer_id = context.caller.customer_id
    shown = await context.actions.get(action_id, customer_id)
    if shown is None or str(shown["thread_id"]) != state["turn"]["thread_id"]:
        return {"facts": [_fact("card_gone", {})]}
    if "decline" in intents_of(state):
        if await context.actions.decline(action_id, customer_id, digest):
            return {"facts": [_fact("declined", {})]}
        return await _answered_before(action_id, context)
    action = await context.actions.confirm(action_id, customer_id, digest, context.now())
    if action is None:
        return await _answered_before(action_id, context)
    return await _write(state, action, context)


def _answered(state: State) -> tuple[UUID | None, str]:
    """The card that was answered: the button's, else the one that is open in the conversation."""
    card = state["turn"].get("decision") or state["turn"].get("open_card")
    return (UUID(card["action_id"]), card["hash"]) if card else (None, "")


async def _answered_before(action_id: UUID, context: Context) -> State:
    action = await context.actions.get(action_id, context.caller.customer_id)
    if action and action["status"] == "committed":
        return {"facts": [_committed(action)], "card": _shown(action, "committed")}
    is_placing = action is not None and action["status"] == "confirmed"
    return {"facts": [_fact("still_placing" if is_placing else "card_gone", {})]}


def _obstacle(state: State, action: dict[str, Any]) -> Fact | None:
    """What has changed since the card was shown: the account, a price, or the slot."""
    prices = facts_of(state, "prices")
    if not prices:
        raise BackendUnavailable("the prices could not be read again")
    if any(standing["on_hold"] for standing in facts_of(state, "standing")):
        return _fact("needs_person", {"reason": "account_on_hold"})
    card = action["card"]
    day = date.fromisoformat(card["delivery"]["day"])
    slot = resolve_slot(
        datetime.fromisoformat(state["turn"]["received_at"]),
        sum(line["pieces"] for line in card["lines"]),
        day,
        card["delivery"]["window"],
    )
    is_changed = slot.slot.day != day or any(
        float(prices[0]["by_code"].get(line["code"], "-1")) != float(line["unit_price"])
        for line in card["lines"]
        if float(line["unit_price"])
    )
    return _fact("card_outdated", {}) if is_changed else None


async def _write(state: State, action: dict[str, Any], context: Context) -> State:
    action_id = action["action_id"]
    try:
        invoice = await _look_up(action["document_number"], context)
        if invoice is None:
            if obstacle := _obstacle(state, action):
                await context.actions.settle(action_id, "expired", error=obstacle["kind"])
                return {"facts": [obstacle]}
            invoice = await _create_once(action, context)
    except BackendUnavailable:
        return {"facts": [_fact("not_written", {})]}
    except OutcomeUnknown:
        return {"facts": [_fact("needs_person", {"reason": "unknown_outcome"})]}
    except BackendRejected as error:
        await context.actions.settle(action_id, "failed", error=str(error))
        return {"facts": [_fact("needs_person", {"reason": "write_refused"})]}
    if f"{invoice.total:.2f}" != action["card"]["total"]:
        await context.actions.settle(action_id, "failed", error=f"total is {invoice.total}")
        return {"facts": [_fact("needs_person", {"reason": "total_differs"})]}
    if not await context.actions.settle(action_id, "committed", document_id=invoice.invoice_id):
        return await _answered_before(action_id, context)
    return {"facts": [_committed(action)], "card": _shown(action, "committed")}


async def _create_once(action: dict[str, Any], context: Context) -> Invoice:
    """Send; after a lost or refused answer look the document up before believing it."""
    try:
        return await context.accounts.create_draft(
            bytes(action["payload"]), f"tria-{action['action_id']}"
        )
    except (OutcomeUnknown, BackendRejected):
        try:
            found = await _look_up(action["document_number"], context)
        except BackendUnavailable as error:
            raise OutcomeUnknown("sent, and the look-up after it failed") from error
        if found is None:
            raise
        return found


async def _look_up(number: str, context: Context) -> Invoice | None:
    """Our document by its number. A look-up that is refused proves nothing about the document."""
    try:
        return await context.accounts.find_draft(number)
    except BackendRejected as error:
        raise BackendUnavailable("the look-up was refused") from error


def _committed(action: dict[str, Any]) -> Fact:
    card = action["card"]
    return _fact(
        "committed",
        {
            "number": action["document_number"],
            "total": card["total"],
            "delivery": card["delivery"],
            "outlet": card["outlet"]["name"],
        },
    )


def _shown(action: dict[str, Any], status: str) -> dict[str, Any]:
    return {
        **action["card"],
        "action_id": str(action["action_id"]),
        "hash": action["hash"],
        "status": status,
        "document_number": action["document_number"],
    }


def _fact(kind: str, data: dict[str, Any]) -> Fact:
    return Fact(kind=kind, source="actions", data=data)
