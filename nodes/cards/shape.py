"""What every card but an order's is made of, and how its rows are written."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from tools.actions.store import Kind
from tools.ordering.pricing import PricedLine
from tools.rules import load_rules

Key = Literal[
    "invoice",
    "quote",
    "credit_note",
    "amount",
    "fee",
    "refund",
    "remaining",
    "new_total",
    "address_masked",
    "paid_on",
    "reason",
    "items",
    "slot",
    "outlet",
    "expires",
    "approval",
]
Row = tuple[Key, str | Decimal | date]


def a_card(kind: Kind, title: str, rows: Sequence[Row], **more: Any) -> dict[str, Any]:
    """Everything that is agreed to: money as text with its cents, days in ISO form."""
    return {
        "kind": kind,
        "title": title,
        "lines": [],
        "fees": [],
        "rows": [[key, _text(value)] for key, value in rows],
        "currency": load_rules().company.currency,
        "notes": [],
        **more,
    }


def approval(level: int) -> Row:
    """Who must agree after the customer."""
    return "approval", load_rules().escalation.levels[level].who


def items(lines: Sequence[PricedLine]) -> Row:
    """Goods in one line."""
    return "items", ", ".join(f"{line.pieces} x {line.name}" for line in lines)


def money(amount: Decimal) -> str:
    """An amount with its cents."""
    return f"{amount:.2f}"


def _text(value: str | Decimal | date) -> str:
    match value:
        case Decimal():
            return money(value)
        case date():
            return value.isoformat()
        case str():
            return value
