"""Which right each kind of card needs: asked before it is made, and again at the yes."""

from collections.abc import Mapping, Set
from typing import Literal

from tools.actions.store import Kind
from tools.xero.scope import ACCOUNTANTS, BUYERS

Right = Literal["buyer", "accounts"]

HOLDERS: Mapping[Right, frozenset[str]] = {"buyer": BUYERS, "accounts": ACCOUNTANTS}
# One of these is enough; the first is the one that a refusal names.
NEEDED: Mapping[Kind, tuple[Right, ...]] = {
    "order": ("buyer",),
    "order_change": ("buyer",),
    "order_cancel": ("buyer",),
    "quote": ("buyer",),
    "quote_accept": ("buyer",),
    "credit": ("buyer",),
    "allocation": ("accounts",),
    "email": ("accounts", "buyer"),
    "payment_report": ("accounts", "buyer"),
}


def may(kind: Kind, roles: Set[str]) -> bool:
    """Whether somebody in these roles may ask for such a card, and say yes to it."""
    return any(HOLDERS[right] & roles for right in NEEDED[kind])
