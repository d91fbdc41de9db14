"""How each kind of document is listed: which fields `where`, `order` and typed filters know."""

from collections.abc import Mapping

from tools.sandbox.xero.listing import Listing


def _inside(*names: str) -> Mapping[str, str]:
    """Fields that have no column of their own are looked up in the document."""
    return {name: f"json_extract(body, '$.{name}')" for name in names}


_SHARED = {
    "Type": "type",
    "Status": "status",
    "Reference": "reference",
    "Date": "day",
    "Total": "total",
    "UpdatedDateUTC": "updated",
    "Contact.ContactID": "contact_id",
    **_inside("SubTotal", "TotalTax", "Contact.Name"),
}
_PAGED_LEDGER = {**_SHARED, **_inside("RemainingCredit")}

INVOICES = Listing(
    "invoice",
    "Invoices",
    {**_SHARED, "InvoiceNumber": "number", "InvoiceID": "id", "DueDate": "due"}
    | {**_inside("AmountDue", "AmountPaid", "AmountCredited", "SentToContact")},
    {"IDs": "id", "InvoiceNumbers": "number", "ContactIDs": "contact_id", "Statuses": "status"},
    searched=("number", "reference"),
)
CREDIT_NOTES = Listing(
    "credit_note",
    "CreditNotes",
    {**_PAGED_LEDGER, "CreditNoteNumber": "number", "CreditNoteID": "id", "DueDate": "due"},
)
PAYMENTS = Listing(
    "payment",
    "Payments",
    {"Invoice.InvoiceID": "parent_id", "Invoice.InvoiceNumber": "number", "PaymentID": "id"}
    | {"Contact.ContactID": "contact_id", "Invoice.Contact.ContactID": "contact_id"}
    | {"Date": "day", "Status": "status", "PaymentType": "type", "Amount": "total"}
    | {"Reference": "reference", "UpdatedDateUTC": "updated", **_inside("IsReconciled")},
)
OVERPAYMENTS = Listing(
    "overpayment",
    "Overpayments",
    {**_PAGED_LEDGER, "OverpaymentID": "id"},
    {"References": "reference"},
)
PREPAYMENTS = Listing(
    "prepayment",
    "Prepayments",
    {**_PAGED_LEDGER, "PrepaymentID": "id", "InvoiceNumber": "number"},
    {"InvoiceNumbers": "number"},
)
# Xero ignores `where` on quotes and then returns them all.
QUOTES = Listing(
    "quote",
    "Quotes",
    {"Date": "day", "ExpiryDate": "due", "QuoteNumber": "number", "UpdatedDateUTC": "updated"}
    | {"Status": "status", "Total": "total", "Reference": "reference"},
    {"ContactID": "contact_id", "Status": "status", "QuoteNumber": "number"},
    {"DateFrom": "day >=", "DateTo": "day <="}
    | {"ExpiryDateFrom": "due >=", "ExpiryDateTo": "due <="},
    understands_where=False,
)
# Nor can purchase orders be asked for by contact.
PURCHASE_ORDERS = Listing(
    "purchase_order",
    "PurchaseOrders",
    {"Date": "day", "DeliveryDate": "due", "PurchaseOrderNumber": "number", "Status": "status"}
    | {"Total": "total", "UpdatedDateUTC": "updated"},
    {"Status": "status"},
    {"DateFrom": "day >=", "DateTo": "day <="},
    understands_where=False,
)
CONTACTS = Listing(
    "contact",
    "Contacts",
    {"Name": "number", "ContactID": "id", "ContactStatus": "status", "UpdatedDateUTC": "updated"}
    | {**_inside("EmailAddress", "AccountNumber", "IsCustomer", "IsSupplier")},
    {"IDs": "id"},
    searched=(
        "number",
        *_inside("FirstName", "LastName", "EmailAddress", "ContactNumber").values(),
    ),
)
ITEMS = Listing(
    "item",
    "Items",
    {"Code": "number", "ItemID": "id", "UpdatedDateUTC": "updated"}
    | {**_inside("Name", "IsSold", "IsPurchased", "IsTrackedAsInventory", "QuantityOnHand")},
)
ACCOUNTS = Listing(
    "account",
    "Accounts",
    {"Code": "number", "AccountID": "id", "Status": "status", "Type": "type"}
    | {**_inside("Name", "Class", "EnablePaymentsToAccount"), "UpdatedDateUTC": "updated"},
)
TAX_RATES = Listing(
    "tax_rate",
    "TaxRates",
    {"Name": "number", "TaxType": "id", "Status": "status"}
    | {**_inside("EffectiveRate", "CanApplyToRevenue")},
)
CURRENCIES = Listing("currency", "Currencies", {"Code": "id", **_inside("Description")})
BRANDING_THEMES = Listing("theme", "BrandingThemes", understands_where=False)
# Nobody has made one, so that is what every filter finds.
REPEATING_INVOICES = Listing("repeating_invoice", "RepeatingInvoices", _SHARED)
