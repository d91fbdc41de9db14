"""The customer's own books: the only view of Xero that a node ever gets.

The scope comes from the sign-in. It is put into every question and every returned document is
checked against it again. A document of somebody else reads like one that does not exist.
"""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from tools.errors import BackendRejected
from tools.ordering.pricing import AccountStanding
from tools.rules import load_rules
from tools.xero.client import XeroClient
from tools.xero.documents import ZERO, Invoice, Item, Payment
from tools.xero.scope import WHOLE, Scope, ScopedReads
from tools.xero.where import received_since

NUMBER = re.compile(r"[A-Z]{1,5}-?\d{1,10}")
VISIBLE = {"AUTHORISED", "PAID"}
OURS = re.compile(r"TRIA-\d{6,}")


@dataclass(frozen=True)
class Listed:
    """One item of the price list; `on_hand` is None where stock is not tracked."""

    price: Decimal
    on_hand: Decimal | None


class Accounts:
    """Reads and writes in the books of one caller's contacts, and no others."""

    def __init__(self, client: XeroClient, scope: Scope, today: Callable[[], date]) -> None:
        self._client = client
        self._reads = ScopedReads(client, scope)
        self._today = today

    async def open_invoices(self) -> list[Invoice]:
        """Invoices that are approved and not fully paid, oldest due first."""
        invoices = await self._reads.invoices({"Statuses": "AUTHORISED"})
        due = [i for i in invoices if i.amount_due > ZERO]
        return sorted(due, key=lambda i: (i.due_date or date.max, i.invoice_number or ""))

    async def invoice_by_number(self, number: str) -> Invoice | None:
        """The caller's invoice with that printed number; None when missing or foreign."""
        wanted = number.upper()
        if not NUMBER.fullmatch(wanted):
            return None
        invoices = await self._reads.invoices({"InvoiceNumbers": wanted})
        visible = [i for i in invoices if i.status in VISIBLE or _is_our_draft(i)]
        return next((i for i in visible if (i.invoice_number or "").upper() == wanted), None)

    async def payments(self) -> list[Payment]:
        """Payments received for the caller's invoices of the last twelve months, latest first."""
        own = {i.invoice_id for i in await self._year_of_invoices()}
        if not own:
            return []
        since = self._today() - timedelta(days=365)
        answer = await self._client.get("/Payments", {"where": received_since(since), **WHOLE})
        payments = [Payment.model_validate(p) for p in answer.get("Payments", [])]
        mine = [p for p in payments if p.invoice and p.invoice.invoice_id in own]
        return sorted(mine, key=lambda p: p.date or date.min, reverse=True)

    async def price_list(self) -> dict[str, Listed]:
        """Item code to unit price before GST in SGD, and the stock where it is tracked."""
        answer = await self._client.get("/Items", {"unitdp": "4"})
        items = [Item.model_validate(i) for i in answer.get("Items", [])]
        return {
            i.code: Listed(
                i.sales_details.unit_price,
                i.quantity_on_hand if i.is_tracked_as_inventory else None,
            )
            for i in items
            if i.sales_details and i.sales_details.unit_price is not None
        }

    async def past_orders(self) -> list[Invoice]:
        """What was ordered in the last twelve months, latest first; our drafts among them."""
        since = self._today() - timedelta(days=365)
        invoices = await self._reads.invoices({"Statuses": "DRAFT,AUTHORISED,PAID"})
        ordered = [i for i in invoices if i.date and i.date >= since and _is_order(i)]
        ordered.sort(key=lambda i: (i.date or since, i.invoice_number or ""), reverse=True)
        return ordered

    async def standing(self) -> AccountStanding:
        """Segment, average order and credit hold, from the invoices of the last twelve months."""
        rules = load_rules()
        invoices, unpaid = await asyncio.gather(self._year_of_invoices(), self.open_invoices())
        spent = sum((i.sub_total for i in invoices), ZERO)
        limit = self._today() - timedelta(days=rules.payment.credit_hold_days)
        on_hold = any(i.due_date and i.due_date < limit for i in unpaid)
        return AccountStanding(
            segment=_segment(on_hold=on_hold, orders=len(invoices), spent=spent),
            average_order=spent / len(invoices) if invoices else None,
            completed_orders=len(invoices),
            on_hold=on_hold,
        )

    async def sales_tax(self, percent: Decimal) -> str:
        """Xero's tax type for sales at that rate; raises BackendRejected when it has none."""
        answer = await self._client.get("/TaxRates")
        for rate in answer.get("TaxRates", []):
            if (
                rate.get("Status") == "ACTIVE"
                and rate.get("CanApplyToRevenue")
                and Decimal(str(rate.get("EffectiveRate"))) == percent
            ):
                return str(rate["TaxType"])
        raise BackendRejected(f"Xero has no sales tax of {percent}%")

    async def _year_of_invoices(self) -> list[Invoice]:
        since = self._today() - timedelta(days=365)
        invoices = await self._reads.invoices({"Statuses": "AUTHORISED,PAID"})
        return [i for i in invoices if i.date and i.date >= since]


def _is_order(invoice: Invoice) -> bool:
    is_visible = invoice.status in VISIBLE or _is_our_draft(invoice)
    return is_visible and any(line.item_code for line in invoice.line_items)


def _is_our_draft(invoice: Invoice) -> bool:
    return invoice.status == "DRAFT" and bool(OURS.fullmatch(invoice.invoice_number or ""))


def _segment(*, on_hold: bool, orders: int, spent: Decimal) -> str:
    segments = load_rules().segments
    if on_hold:
        return "on hold"
    if spent > segments.major_over:
        return "major"
    if spent > segments.vip_over:
        return "vip"
    return "new" if orders < segments.new_below_orders else "established"
