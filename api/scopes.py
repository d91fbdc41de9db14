"""What a sign-in may open: a small closed set, of which each kind has its share."""

from collections.abc import Mapping
from typing import Literal, get_args

from api.tokens import Kind

Scope = Literal[
    "threads:read",  # conversations, runs, states, histories and streams
    "threads:write",  # make, change and delete conversations
    "runs:write",  # say something, stop a run
    "store",
    "operate",  # change a state, resume, go elsewhere; for staff and services: any write
    "console",  # what staff see and decide
    "metrics",
    "admin",  # connect Xero
]
SCOPES: tuple[Scope, ...] = get_args(Scope)
OWN: frozenset[Scope] = frozenset(("threads:read", "threads:write", "runs:write", "store"))
# Without "threads:read", which shows conversations unmasked and leaves no trace: the console masks.
CONSOLE: frozenset[Scope] = frozenset(("console", "metrics"))

# What a sign-in of each kind may carry at most; what it carries unless it says so is below.
MOST: Mapping[Kind, frozenset[Scope]] = {
    "customer": OWN,  # never operate: a state that is changed could forge a fact or a card
    "staff": CONSOLE | {"threads:read", "operate", "store", "admin"},
    "service": frozenset(("threads:read", "operate", "store", "metrics")),
}
