"""Whether what a card promises can still be kept, asked anew before anything of it is written."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, Protocol
from zoneinfo import ZoneInfo

from tools.ordering.card import slot_of
from tools.ordering.delivery import resolve_slot
from tools.ordering.finishes import finish_of, priced_in
from tools.ordering.pricing import AccountStanding, counted_of
from tools.rules import load_rules
from tools.xero.seller import Listed

Change = Literal["account_on_hold", "card_outdated"]


class Asked(Protocol):
    """What is asked of the customer's books."""

    async def price_list(self, *, fresh: bool = False) -> dict[str, Listed]: ...

    async def standing(self, *, fresh: bool = False) -> AccountStanding: ...


async def changed_since(action: Mapping[str, Any], accounts: Asked, now: datetime) -> Change | None:
    """What has changed since the card was shown: the account, a price, or the slot.

    Only what delivers goods depends on them. The lead time counts from the customer's yes.
    Raises BackendUnavailable when the books cannot be asked.
    """
    card, kind = action["card"], action["kind"]
    if not card.get("delivery") or kind == "order_cancel":
        return None
    if (await accounts.standing(fresh=True)).on_hold:
        return "account_on_hold"
    if slot_of(card).begins <= now:
        return "card_outdated"
    if kind != "order":
        return None
    prices = await accounts.price_list(fresh=True)
    is_changed = _has_other_price(card, prices) or not _has_slot(card, action["confirmed_at"])
    return "card_outdated" if is_changed else None


def _has_other_price(card: Mapping[str, Any], prices: Mapping[str, Listed]) -> bool:
    """Free liners cost nothing whatever the list says."""
    return any(
        line["code"] not in prices
        or priced_in(prices[line["code"]].price, finish_of(line.get("name", "")))
        != Decimal(line["unit_price"])
        for line in card["lines"]
        if Decimal(line["unit_price"])
    )


def _has_slot(card: Mapping[str, Any], confirmed_at: datetime) -> bool:
    moment = confirmed_at.astimezone(ZoneInfo(load_rules().company.timezone))
    slot = slot_of(card)
    pieces = counted_of((line["code"], line["pieces"]) for line in card["lines"])
    return resolve_slot(moment, pieces, slot.day, slot.window).slot.day == slot.day
