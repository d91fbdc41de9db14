"""The kinds of document that carry lines, and what Xero allows for each."""

from collections.abc import Mapping
from dataclasses import dataclass

from tools.sandbox.store import Json, Row
from tools.sandbox.xero.wire import day_of

SHARED_FIELDS = frozenset(
    {"Contact", "LineItems", "Date", "LineAmountTypes", "Reference", "CurrencyCode"}
    | {"CurrencyRate", "BrandingThemeID", "Status"}
)
LINE_FIELDS = frozenset(
    {"LineItemID", "Description", "Quantity", "UnitAmount", "ItemCode", "AccountCode"}
    | {"TaxType", "TaxAmount", "LineAmount", "DiscountRate", "Tracking"}
)


@dataclass(frozen=True)
class Kind:
    """Names, fields and life of one kind of document."""

    table: str
    title: str
    plural: str
    id_field: str
    number_field: str
    prefix: str
    due_field: str
    types: frozenset[str]
    writable: frozenset[str]
    tax_modes: Mapping[str, str]
    moves: Mapping[str, frozenset[str]]  # status -> the statuses it may be set to
    editable: frozenset[str]


_MODES = {"Exclusive": "exclusive", "Inclusive": "inclusive", "NoTax": "notax"}
_MOVES = {
    "": frozenset({"DRAFT", "SUBMITTED", "AUTHORISED"}),
    "DRAFT": frozenset({"DRAFT", "SUBMITTED", "AUTHORISED", "DELETED"}),
    "SUBMITTED": frozenset({"DRAFT", "SUBMITTED", "AUTHORISED", "DELETED"}),
    "AUTHORISED": frozenset({"AUTHORISED", "VOIDED"}),
}

INVOICE = Kind(
    table="invoice",
    title="Tax invoice",
    plural="Invoices",
    id_field="InvoiceID",
    number_field="InvoiceNumber",
    prefix="INV-",
    due_field="DueDate",
    types=frozenset({"ACCREC", "ACCPAY"}),
    writable=SHARED_FIELDS
    | {"Type", "InvoiceID", "InvoiceNumber", "DueDate", "Url", "SentToContact"}
    | {"ExpectedPaymentDate", "PlannedPaymentDate"},
    tax_modes=_MODES,
    moves=_MOVES,
    editable=frozenset({"DRAFT", "SUBMITTED", "AUTHORISED"}),
)
CREDIT_NOTE = Kind(
    table="credit_note",
    title="Credit note",
    plural="CreditNotes",
    id_field="CreditNoteID",
    number_field="CreditNoteNumber",
    prefix="CN-",
    due_field="DueDate",
    types=frozenset({"ACCRECCREDIT", "ACCPAYCREDIT"}),
    writable=SHARED_FIELDS | {"Type", "CreditNoteID", "CreditNoteNumber", "DueDate"},
    tax_modes=_MODES,
    moves=_MOVES,
    editable=frozenset({"DRAFT", "SUBMITTED", "AUTHORISED"}),
)
QUOTE = Kind(
    table="quote",
    title="Quote",
    plural="Quotes",
    id_field="QuoteID",
    number_field="QuoteNumber",
    prefix="QU-",
    due_field="ExpiryDate",
    types=frozenset(),
    writable=SHARED_FIELDS | {"QuoteID", "QuoteNumber", "ExpiryDate", "Terms", "Title", "Summary"},
    tax_modes={name.upper(): mode for name, mode in _MODES.items()},
    moves={
        "": frozenset({"DRAFT", "SENT"}),
        "DRAFT": frozenset({"DRAFT", "SENT", "DELETED"}),
        "SENT": frozenset({"SENT", "DRAFT", "ACCEPTED", "DECLINED", "DELETED"}),
        "DECLINED": frozenset({"DRAFT", "DELETED"}),
        "ACCEPTED": frozenset({"INVOICED", "DRAFT", "SENT", "DELETED"}),
        "INVOICED": frozenset({"DELETED"}),
    },
    editable=frozenset({"DRAFT", "SENT"}),
)
PURCHASE_ORDER = Kind(
    table="purchase_order",
    title="Purchase order",
    plural="PurchaseOrders",
    id_field="PurchaseOrderID",
    number_field="PurchaseOrderNumber",
    prefix="PO-",
    due_field="DeliveryDate",
    types=frozenset(),
    writable=SHARED_FIELDS
    | {"PurchaseOrderID", "PurchaseOrderNumber", "DeliveryDate", "ExpectedArrivalDate"}
    | {"DeliveryAddress", "AttentionTo", "Telephone", "DeliveryInstructions", "SentToContact"},
    tax_modes=_MODES,
    moves={
        "": frozenset({"DRAFT", "SUBMITTED", "AUTHORISED"}),
        "DRAFT": frozenset({"DRAFT", "SUBMITTED", "AUTHORISED", "DELETED"}),
        "SUBMITTED": frozenset({"DRAFT", "SUBMITTED", "AUTHORISED", "DELETED"}),
        "AUTHORISED": frozenset({"AUTHORISED", "BILLED", "DELETED"}),
        "BILLED": frozenset({"DELETED"}),
    },
    editable=frozenset({"DRAFT", "SUBMITTED", "AUTHORISED"}),
)
KINDS = {kind.plural: kind for kind in (INVOICE, CREDIT_NOTE, QUOTE, PURCHASE_ORDER)}


def row_of(kind: Kind, document: Json, updated: str, created: str | None = None) -> Row:
    """A document with the fields it is found by."""
    due = document.get(kind.due_field)
    return Row(
        kind=kind.table,
        id=document[kind.id_field],
        body=document,
        updated=updated,
        contact_id=document["Contact"]["ContactID"],
        number=document[kind.number_field],
        reference=document.get("Reference"),
        status=document["Status"],
        type=document.get("Type"),
        day=day_of(document["Date"]).isoformat(),
        due=day_of(due).isoformat() if due else None,
        total=float(document["Total"]),
        created=created,
    )
