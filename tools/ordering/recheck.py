"""Whether an order may still be placed as its card shows it."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from tools.ordering.delivery import resolve_slot

Change = Literal["account_on_hold", "card_outdated"]


def changed_since(
    card: Mapping[str, Any], prices: Mapping[str, str | Decimal], moment: datetime, *, on_hold: bool
) -> Change | None:
    """What has changed since the card was shown: the account, a price, or the slot.

    `prices` are unit prices by item code; `moment` is when the yes came, Singapore time.
    """
    if on_hold:
        return "account_on_hold"
    is_changed = _has_other_price(card, prices) or not _has_slot(card, moment)
    return "card_outdated" if is_changed else None


def _has_other_price(card: Mapping[str, Any], prices: Mapping[str, str | Decimal]) -> bool:
    """Free liners cost nothing whatever the list says."""
    return any(
        Decimal(prices.get(line["code"], "-1")) != Decimal(line["unit_price"])
        for line in card["lines"]
        if Decimal(line["unit_price"])
    )


def _has_slot(card: Mapping[str, Any], moment: datetime) -> bool:
    day = date.fromisoformat(card["delivery"]["day"])
    pieces = sum(line["pieces"] for line in card["lines"])
    return resolve_slot(moment, pieces, day, card["delivery"]["window"]).slot.day == day
