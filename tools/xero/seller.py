"""What Xero knows of the seller, the same for every customer: name, price list, taxes."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tools.errors import BackendRejected
from tools.xero.cache import SETTINGS
from tools.xero.documents import Item, Organisation, TaxRate, read
from tools.xero.scope import Xero

# How old an answer may be, in seconds. Prices hold for a month, stock does not.
ITEMS, SELDOM = 3600, 24 * 3600


@dataclass(frozen=True)
class Listed:
    """One item of the price list; `on_hand` is None where stock is not tracked."""

    price: Decimal
    on_hand: Decimal | None


class Seller:
    """Reads in the seller's own settings."""

    def __init__(self, client: Xero) -> None:
        self._client = client

    async def organisation(self) -> Organisation:
        """Who sells, with the tax number."""
        answer = await self._ask("/Organisation", {}, SELDOM)
        [organisation] = read(Organisation, (answer.get("Organisations") or [{}])[:1])
        return organisation

    async def price_list(self, *, fresh: bool = False) -> dict[str, Listed]:
        """Item code to unit price before GST in SGD, and the stock where it is tracked."""
        answer = await self._ask("/Items", {"unitdp": "4"}, 0 if fresh else ITEMS)
        return {
            i.code: Listed(
                i.sales_details.unit_price,
                i.quantity_on_hand if i.is_tracked_as_inventory else None,
            )
            for i in read(Item, answer.get("Items") or [])
            if i.sales_details and i.sales_details.unit_price is not None
        }

    async def sales_tax(self, percent: Decimal) -> str:
        """Xero's tax type for sales at that rate; raises BackendRejected when it has none."""
        answer = await self._ask("/TaxRates", {}, SELDOM)
        for rate in read(TaxRate, answer.get("TaxRates") or []):
            is_for_sales = rate.status == "ACTIVE" and rate.can_apply_to_revenue
            if is_for_sales and rate.effective_rate == percent:
                return rate.tax_type
        raise BackendRejected(f"Xero has no sales tax of {percent}%")

    async def _ask(self, path: str, params: Mapping[str, str], keep: int) -> dict[str, Any]:
        return await self._client.get(path, params, keep_seconds=keep, tags=(SETTINGS,))
