"""Facts that a builder returns where there is no card."""

from typing import Any

from nodes.cards.rights import NEEDED, may
from nodes.state import Fact
from tools.actions.store import Kind
from tools.context import Context


def fact(kind: str, /, **data: Any) -> list[Fact]:
    """One fact, as a builder returns it."""
    return [Fact(kind=kind, source="actions", data=data)]


def for_a_person(reason: str) -> list[Fact]:
    """Only a person can go on."""
    return fact("needs_person", reason=reason)


def refusal(context: Context, kind: Kind) -> list[Fact]:
    """What is told to a caller who may not ask for such a card; nothing to one who may."""
    if may(kind, context.accounts.scope.roles):
        return []
    return fact("not_permitted", needs=NEEDED[kind][0])
