"""Facts that a builder returns where there is no card."""

from typing import Any, Literal

from nodes.state import Fact
from tools.context import Context

Right = Literal["buyer", "accounts"]


def fact(kind: str, /, **data: Any) -> list[Fact]:
    """One fact, as a builder returns it."""
    return [Fact(kind=kind, source="actions", data=data)]


def for_a_person(reason: str) -> list[Fact]:
    """Only a person can go on."""
    return fact("needs_person", reason=reason)


def refusal(context: Context, *rights: Right) -> list[Fact]:
    """What is told to a caller who has none of these rights; nothing for one who has."""
    scope = context.accounts.scope
    held = {"buyer": scope.is_buyer, "accounts": scope.is_accountant}
    return [] if any(held[right] for right in rights) else fact("not_permitted", needs=rights[0])
