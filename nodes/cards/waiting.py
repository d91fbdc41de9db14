"""Cards of this conversation that the customer has agreed to and a person has not."""

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from nodes.cards.facts import fact
from nodes.state import Fact, State, entities_named
from tools.actions.store import Kind
from tools.context import Context

PLACING = frozenset({"order", "quote_accept"})
ORDERS = re.compile(r"\border|pesanan|tempahan|订单|订货|ஆர்டர்|ஆர்டரை", re.IGNORECASE)


async def noted_before(state: State, context: Context, kind: Kind, invoice: str) -> list[Fact]:
    """Says so where the same wish about the same invoice waits already."""
    card = await _waiting(state, context)
    is_same = card is not None and (card["kind"], card["card"].get("invoice")) == (kind, invoice)
    return fact("already_noted", kind=kind, invoice=invoice) if is_same else []


async def let_go(state: State, context: Context) -> list[Fact]:
    """What becomes of an order that is not in the books yet; empty where another one is meant."""
    customer_id = context.caller.customer_id
    named = set(entities_named(state, "document"))
    if not named and (told := await _about_open(state, context)):
        return told
    card = await _waiting(state, context)
    if card is None or not _is_meant(card, named, state["screened"]["text"]):
        return []
    if card["kind"] == "order_cancel":
        return fact("already_noted", kind="order_cancel", invoice=card["card"]["invoice"])
    if not await context.actions.withdraw(card["action_id"], customer_id):
        return []
    if card["kind"] == "order_change" and named:
        return []  # it is the order that goes, and not only its change
    return fact("withdrawn", kind=card["kind"], title=card["card"]["title"])


async def _about_open(state: State, context: Context) -> list[Fact]:
    """An order that nobody has agreed to goes; one that is being written has to be waited for."""
    customer_id = context.caller.customer_id
    card = await context.actions.open_of(UUID(state["turn"]["thread_id"]), customer_id)
    if card is None or card["kind"] not in PLACING:
        return []
    if await context.actions.decline(card["action_id"], customer_id, card["hash"]):
        return fact("declined", kind=card["kind"])
    return fact("still_placing")


def _is_meant(card: Mapping[str, Any], named: set[str], text: str) -> bool:
    """Whether a wish to cancel is about that card: "my order" is not a credit that is asked for."""
    about = {card["document_number"], card["card"].get("invoice"), card["card"].get("quote")}
    if named:
        return bool(named & about)
    is_order = card["kind"].startswith("order") or card["kind"] in PLACING
    return is_order or not ORDERS.search(text)


async def _waiting(state: State, context: Context) -> Mapping[str, Any] | None:
    thread_id = UUID(state["turn"]["thread_id"])
    return await context.actions.waiting_of(thread_id, context.caller.customer_id)
