"""The parts of Xero's documents that are used here. Unknown fields and statuses are tolerated."""

import json
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, TypeVar
from uuid import UUID

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_pascal

from tools.errors import BackendRejected

MS_DATE = re.compile(r"/Date\((-?\d+)(?:[+-]\d{4})?\)/")


def _business_date(value: Any) -> Any:
    """Xero writes a business date as midnight UTC: take that day, never shift it."""
    if not isinstance(value, str):
        return value
    if found := MS_DATE.fullmatch(value):
        return datetime.fromtimestamp(int(found[1]) / 1000, UTC).date()
    return value[:10]


def _instant(value: Any) -> Any:
    found = MS_DATE.fullmatch(value) if isinstance(value, str) else None
    return datetime.fromtimestamp(int(found[1]) / 1000, UTC) if found else value


BusinessDate = Annotated[date, BeforeValidator(_business_date)]
Instant = Annotated[datetime, BeforeValidator(_instant)]
ZERO = Decimal(0)


class Document(BaseModel):
    """Reads Xero's PascalCase names; amounts arrive as Decimal. Nulls are as good as absent."""

    model_config = ConfigDict(
        alias_generator=to_pascal, populate_by_name=True, frozen=True, hide_input_in_errors=True
    )

    @model_validator(mode="before")
    @classmethod
    def _drop_nulls(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {name: part for name, part in value.items() if part is not None}


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


class PaidPart(Document):
    """Money received for an invoice, or paid back out of a credit, as the document tells it."""

    amount: Decimal = ZERO
    date: BusinessDate | None = None
    status: str = ""


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
    amount_credited: Decimal = ZERO
    currency_code: str = "SGD"
    fully_paid_on_date: BusinessDate | None = None
    payments: list[PaidPart] = []


class Allocation(Document):
    """What of a credit was set against an invoice."""

    amount: Decimal = ZERO
    date: BusinessDate | None = None
    invoice: "PaymentInvoice | None" = None


class Credit(Document):
    """What a contact has with us: a credit note, or money paid too much or in advance."""

    type: str = ""
    reference: str | None = None
    contact: ContactRef
    date: BusinessDate | None = None
    status: str
    total: Decimal = ZERO
    remaining_credit: Decimal = ZERO
    currency_code: str = "SGD"
    allocations: list[Allocation] = []
    payments: list[PaidPart] = []


class CreditNote(Credit):
    """A credit to a customer (Type ACCRECCREDIT) or of a supplier (ACCPAYCREDIT)."""

    credit_note_id: UUID = Field(alias="CreditNoteID")
    type: str
    credit_note_number: str | None = None
    line_items: list[LineItem] = []


class Overpayment(Credit):
    """Money received beyond what was due (RECEIVE-OVERPAYMENT), or paid to a supplier."""

    overpayment_id: UUID = Field(alias="OverpaymentID")


class Prepayment(Credit):
    """Money received before there was an invoice (RECEIVE-PREPAYMENT), or paid to a supplier."""

    prepayment_id: UUID = Field(alias="PrepaymentID")


class Quote(Document):
    """An offer. Xero writes its tax modes in capitals and keeps no `Type`."""

    quote_id: UUID = Field(alias="QuoteID")
    quote_number: str | None = None
    reference: str | None = None
    contact: ContactRef
    date: BusinessDate | None = None
    expiry_date: BusinessDate | None = None
    status: str
    line_items: list[LineItem] = []
    sub_total: Decimal = ZERO
    total_tax: Decimal = ZERO
    total: Decimal = ZERO
    currency_code: str = "SGD"


class PaymentInvoice(Document):
    """The invoice that a payment settles."""

    invoice_id: UUID = Field(alias="InvoiceID")
    invoice_number: str | None = None
    contact: ContactRef | None = None
    currency_code: str | None = None


class Payment(Document):
    """Money received."""

    payment_id: UUID = Field(alias="PaymentID")
    date: BusinessDate | None = None
    amount: Decimal = ZERO
    status: str = ""
    invoice: PaymentInvoice | None = None
    updated_date_utc: Instant | None = Field(None, alias="UpdatedDateUTC")


class Balance(Document):
    """What is open on one side of an account, not converted to the base currency."""

    outstanding: Decimal = ZERO
    overdue: Decimal = ZERO


class Balances(Document):
    """The two sides of an account."""

    accounts_receivable: Balance = Balance()


class ContactPerson(Document):
    """Somebody at a contact; some of them get a copy of what is sent by e-mail."""

    email_address: str | None = None
    include_in_emails: bool = False


class Contact(Document):
    """A party of the books."""

    contact_id: UUID = Field(alias="ContactID")
    name: str = ""
    contact_status: str = ""
    email_address: str | None = None
    contact_persons: list[ContactPerson] = []
    merged_to_contact_id: UUID | None = Field(None, alias="MergedToContactID")
    balances: Balances = Balances()

    @property
    def recipients(self) -> list[str]:
        """Everybody whom Xero sends this contact's documents to; nobody without a main address."""
        copies = [p.email_address for p in self.contact_persons if p.include_in_emails]
        return [a for a in (self.email_address, *copies) if a] if self.email_address else []


class HistoryRecord(Document):
    """One entry of a document's history; `date_utc` is an instant."""

    changes: str | None = None
    details: str | None = None
    date_utc: Instant | None = Field(None, alias="DateUTC")


class Organisation(Document):
    """Who sells, as documents must name them."""

    name: str = ""
    legal_name: str = ""
    tax_number: str | None = None


class TaxRate(Document):
    """A tax that lines can carry; the rate is in per cent."""

    tax_type: str
    status: str = ""
    can_apply_to_revenue: bool = False
    effective_rate: Decimal | None = None


class OnlineInvoice(Document):
    """Where an invoice can be seen and paid by whoever knows the address."""

    online_invoice_url: str = ""


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


Read = TypeVar("Read", bound=Document)


def read(kind: type[Read], written: Iterable[Any]) -> list[Read]:
    """Documents out of an answer; raises BackendRejected for one that lacks what it must have."""
    try:
        return [kind.model_validate(document) for document in written]
    except ValidationError as error:
        raise BackendRejected(
            f"a document that Xero sent cannot be read: {kind.__name__}"
        ) from error


def loads(body: bytes) -> dict[str, Any]:
    """Parse an answer without ever passing an amount through a float."""
    parsed: dict[str, Any] = json.loads(body, parse_float=Decimal)
    return parsed
