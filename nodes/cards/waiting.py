"""Cards of this conversation that the customer has agreed to and a person has not."""

from collections.abc import Mapping, Set
from typing import Any
from uuid import UUID

from nodes.cards.facts import fact
from nodes.state import Fact, State, entities_named
from tools.actions.store import Kind
from tools.context import Context

PLACING = frozenset({"order", "quote_accept"})
OF_ORDERS = PLACING | {"order_change", "order_cancel"}


async def noted_before(state: State, context: Context, kind: Kind, invoice: str) -> list[Fact]:
    """Says so where the same wish about the same invoice waits already."""
    card = await _waiting(state, context)
    is_same = card is not None and (card["kind"], card["card"].get("invoice")) == (kind, invoice)
    return fact("already_noted", kind=kind, invoice=invoice) if is_same else []


async def let_go(state: State, context: Context) -> list[Fact]:
    """What becomes of an order that is not in the books yet; empty where another one is meant."""
    customer_id = context.caller.customer_id
    named = set(entities_named(state, "document"))
    if told := await _about_open(state, named, context):
        return told
    card = await _waiting(state, context)
    if card is None or not _is_meant(card, named):
        return []
    if card["kind"] == "order_cancel":
        return fact("already_noted", kind="order_cancel", invoice=card["card"]["invoice"])
    if not await context.actions.withdraw(card["action_id"], customer_id):
        return []
    if card["kind"] == "order_change" and named:
        return []  # it is the order that goes, and not only its change
    return fact("withdrawn", kind=card["kind"], title=card["card"]["title"])


async def _about_open(state: State, named: Set[str], context: Context) -> list[Fact]:
    """An order that nobody has agreed to goes; one that is being written has to be waited for."""
    customer_id = context.caller.customer_id
    card = await context.actions.open_of(UUID(state["turn"]["thread_id"]), customer_id)
    if card is None or card["kind"] not in PLACING or not _is_meant(card, named):
        return []
    if await context.actions.decline(card["action_id"], customer_id, card["hash"]):
        return fact("declined", kind=card["kind"])
    return fact("still_placing")


def _is_meant(card: Mapping[str, Any], named: Set[str]) -> bool:
    """Whether a wish to cancel is about that card: a delivery is no credit that is asked for."""
    about = {card["document_number"], card["card"].get("invoice"), card["card"].get("quote")}
    return bool(named & about) if named else card["kind"] in OF_ORDERS


async def _waiting(state: State, context: Context) -> Mapping[str, Any] | None:
    thread_id = UUID(state["turn"]["thread_id"])
    return await context.actions.waiting_of(thread_id, context.caller.customer_id)
