"""What a person wants to be different about a card that waits for them, and what it becomes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from nodes.cards.draft import Draft
from tools.rules import WindowName


@dataclass(frozen=True)
class Wish:
    """What is to be different. `pieces` are by the card's line, 0 leaves it out.

    `amount` is what a credit grants, or what a cancellation costs, before GST.
    """

    pieces: Mapping[int, int] = field(default_factory=dict)
    amount: Decimal | None = None
    day: date | None = None
    window: WindowName | None = None


@dataclass(frozen=True)
class Reworked:
    """The other card, and for an order what the customer may go on changing."""

    draft: Draft
    order: Mapping[str, Any] | None = None
