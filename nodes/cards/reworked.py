"""A card that waits for a person, as that person changes it."""

from collections.abc import Mapping
from typing import Any

from nodes.cards.recancelled import recancelled
from nodes.cards.recredited import recredited
from nodes.cards.reordered import reordered
from nodes.cards.wish import Reworked, Wish
from tools.context import Context
from tools.errors import OperationRefused

CHANGEABLE = ("order", "credit", "order_cancel")


async def reworked(
    action: Mapping[str, Any], wish: Wish, context: Context, language: str
) -> Reworked:
    """The card that takes its place; raises OperationRefused with what to do instead."""
    match action["kind"]:
        case "order":
            made = await reordered(action, wish, context, language)
        case "credit":
            made = await recredited(action, wish, context)
        case "order_cancel":
            made = await recancelled(action, wish, context)
        case _:
            raise OperationRefused("This kind of card cannot be changed: decline it and say why.")
    if _agreed_to(made.draft.card) == _agreed_to(action["card"]):
        raise OperationRefused("Nothing is changed: approve the card as it is, or decline it.")
    made.draft.card["replaces"] = str(action["action_id"])
    return made


def _agreed_to(card: Mapping[str, Any]) -> list[Any]:
    delivery = card.get("delivery") or {}
    return [
        card["lines"],
        card["fees"],
        card.get("total"),
        delivery.get("day"),
        delivery.get("window"),
    ]
