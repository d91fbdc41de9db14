"""The parts of Xero's documents that are used here. Unknown fields and statuses are tolerated."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_pascal

MS_DATE = re.compile(r"/Date\((-?\d+)(?:[+-]\d{4})?\)/")


def _business_date(value: Any) -> Any:
    """Xero writes a business date as midnight UTC: take that day, never shift it."""
    if not isinstance(value, str):
        return value
    if found := MS_DATE.fullmatch(value):
        return datetime.fromtimestamp(int(found[1]) / 1000, UTC).date()
    return value[:10]


BusinessDate = Annotated[date, BeforeValidator(_business_date)]
ZERO = Decimal(0)


class Document(BaseModel):
    """Reads Xero's PascalCase names; amounts arrive as Decimal."""

    model_config = ConfigDict(alias_generator=to_pascal, populate_by_name=True, frozen=True)


class ContactRef(Document):
    """Whose document it is."""

    contact_id: UUID = Field(alias="ContactID")
    name: str = ""


class LineItem(Document):
    """One line of an invoice."""

    item_code: str | None = None
    description: str | None = None
    quantity: Decimal | None = None
    unit_amount: Decimal | None = None
    line_amount: Decimal | None = None
    tax_amount: Decimal | None = None


class Invoice(Document):
    """A sales invoice (Type ACCREC) or a supplier's bill (ACCPAY)."""

    invoice_id: UUID = Field(alias="InvoiceID")
    type: str
    invoice_number: str | None = None
    reference: str | None = None
    contact: ContactRef
    date: BusinessDate | None = None
    due_date: BusinessDate | None = None
    status: str
    line_items: list[LineItem] = []
    sub_total: Decimal = ZERO
    total_tax: Decimal = ZERO
    total: Decimal = ZERO
    amount_due: Decimal = ZERO
    amount_paid: Decimal = ZERO
    currency_code: str = "SGD"
    fully_paid_on_date: BusinessDate | None = None


class PaymentInvoice(Document):
    """The invoice that a payment settles."""

    invoice_id: UUID = Field(alias="InvoiceID")
    invoice_number: str | None = None
    contact: ContactRef | None = None


class Payment(Document):
    """Money received."""

    payment_id: UUID = Field(alias="PaymentID")
    date: BusinessDate | None = None
    amount: Decimal = ZERO
    status: str = ""
    invoice: PaymentInvoice | None = None


class SalesDetails(Document):
    """An item's price when sold."""

    unit_price: Decimal | None = None


class Item(Document):
    """A product in Xero's price list; stock is known where Xero tracks it."""

    code: str
    name: str | None = None
    sales_details: SalesDetails | None = None
    is_tracked_as_inventory: bool = False
    quantity_on_hand: Decimal | None = None


def loads(body: bytes) -> dict[str, Any]:
    """Parse an answer without ever passing an amount through a float."""
    parsed: dict[str, Any] = json.loads(body, parse_float=Decimal)
    return parsed


def invoice_payload(document: Mapping[str, Any]) -> bytes:
    """The exact bytes of a new draft sales invoice in SGD. `document` has Xero's field names."""
    fixed = {
        "Type": "ACCREC",
        "Status": "DRAFT",
        "LineAmountTypes": "Exclusive",
        "CurrencyCode": "SGD",
    }
    return json.dumps({"Invoices": [fixed | dict(document)]}, separators=(",", ":")).encode()
