from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tools.ordering.pricing import AccountStanding
from tools.ordering.recheck import changed_since
from tools.xero.seller import Listed

SINGAPORE = ZoneInfo("Asia/Singapore")
NOW = datetime(2026, 9, 2, 10, tzinfo=SINGAPORE)  # a Wednesday
SMALL, MEDIUM, LINER = "CNP-014-FB-01", "CNP-015-FB-01", "LIN-010"
PRICES = {
    SMALL: Listed(Decimal("0.45"), None),
    MEDIUM: Listed(Decimal("0.65"), None),
    LINER: Listed(Decimal(0), None),
}


@dataclass(frozen=True)
class Books:
    """What the recheck asks of a customer's books."""

    prices: dict[str, Listed]
    on_hold: bool = False

    async def price_list(self, *, fresh: bool = False) -> dict[str, Listed]:
        return self.prices

    async def standing(self, *, fresh: bool = False) -> AccountStanding:
        return AccountStanding("established", Decimal(640), 40, on_hold=self.on_hold)


def an_order(*lines: tuple[str, str, int, str]) -> dict[str, Any]:
    shown = [
        {"code": code, "name": name, "pieces": pieces, "unit_price": price}
        for code, name, pieces, price in lines
    ]
    delivery = {"day": "2026-09-05", "window": "morning", "window_text": "09:00-12:00"}
    card = {"lines": shown, "delivery": delivery}
    return {"kind": "order", "card": card, "confirmed_at": NOW}


async def test_liners_do_not_make_an_order_a_large_one() -> None:
    card = an_order((SMALL, "box", 2600, "0.45"), (LINER, "liner", 2600, "0.00"))
    assert await changed_since(card, Books(PRICES), NOW) is None


async def test_more_than_five_thousand_boxes_need_longer() -> None:
    card = an_order((SMALL, "box", 5200, "0.45"))
    assert await changed_since(card, Books(PRICES), NOW) == "card_outdated"


@pytest.mark.parametrize(
    ("name", "price", "expected"),
    [
        ("box, white", "0.6825", None),
        ("box, white", "0.65", "card_outdated"),
        ("box", "0.65", None),
        ("box", "0.6825", "card_outdated"),
    ],
)
async def test_a_finish_has_its_own_price(name: str, price: str, expected: str | None) -> None:
    card = an_order((MEDIUM, name, 200, price))
    assert await changed_since(card, Books(PRICES), NOW) == expected


async def test_an_account_on_hold_gets_nothing() -> None:
    card = an_order((MEDIUM, "box", 200, "0.65"))
    assert await changed_since(card, Books(PRICES, on_hold=True), NOW) == "account_on_hold"
