"""What seldom changes in an organisation: its details, tax rates, accounts, items and contacts.

All but the organisation itself stand in the books as documents of their own kinds.
"""

from datetime import date, datetime
from decimal import Decimal
from functools import cache

from tools.rules import gst_percent
from tools.sandbox.company import company, contact_id, email_of, products, stable_id
from tools.sandbox.store import Json, Row
from tools.sandbox.xero.wire import ms_instant

SALES_ACCOUNT = "200"
BANK_ACCOUNT = "090"
TAKES_PAYMENTS = ("BANK", "EQUITY")


def organisation() -> Json:
    """The demo company as Xero describes it."""
    facts = company()["organisation"]
    return {
        "OrganisationID": facts["tenant_id"],
        "Name": facts["name"],
        "LegalName": facts["legal_name"],
        "PaysTax": True,
        "Version": "GLOBAL",
        "OrganisationType": "COMPANY",
        "BaseCurrency": "SGD",
        "CountryCode": "SG",
        "IsDemoCompany": True,
        "OrganisationStatus": "ACTIVE",
        "RegistrationNumber": facts["registration_number"],
        "TaxNumber": facts["tax_number"],
        "SalesTaxBasis": "ACCRUALS",
        "Timezone": "SINGAPORESTANDARDTIME",
    }


@cache
def tax_percents() -> dict[str, Decimal]:
    """Per cents by tax type."""
    return {
        rate["type"]: gst_percent(rate["from"]) if "from" in rate else Decimal(0)
        for rate in company()["tax_rates"]
    }


def sales_tax_type(day: date) -> str:
    """The tax type of a sale on that day."""
    dated = [rate for rate in company()["tax_rates"] if "from" in rate]
    return str(next((r["type"] for r in dated if r["from"] <= day), dated[-1]["type"]))


def rows(at: datetime) -> list[Row]:
    """What the books hold before the first sale."""
    return [
        *(_tax_rate_row(rate, at) for rate in company()["tax_rates"]),
        *(account_row(account, at) for account in company()["accounts"]),
        *(_currency_row(currency, at) for currency in company()["currencies"]),
        *(_theme_row(theme, at) for theme in company()["branding_themes"]),
        *(_item_row(product, at) for product in products()),
        *(_contact_row(contact, at) for contact in company()["contacts"]),
    ]


def _tax_rate_row(rate: Json, at: datetime) -> Row:
    body = _tax_rate(rate["name"], rate["type"], tax_percents()[rate["type"]])
    name, status = rate["name"], body["Status"]
    return Row("tax_rate", rate["type"], body, at.isoformat(), number=name, status=status)


def _tax_rate(name: str, tax_type: str, percent: Decimal) -> Json:
    component = {"Name": name, "Rate": percent, "IsCompound": False, "IsNonRecoverable": False}
    return {
        "Name": name,
        "TaxType": tax_type,
        "TaxComponents": [component],
        "Status": "ACTIVE",
        "CanApplyToAssets": True,
        "CanApplyToEquity": True,
        "CanApplyToExpenses": False,
        "CanApplyToLiabilities": True,
        "CanApplyToRevenue": True,
        "DisplayTaxRate": percent,
        "EffectiveRate": percent,
    }


def account_row(entry: Json, at: datetime) -> Row:
    """An account out of its code, name, type and class."""
    body = _account(entry["code"]) | _account_type(entry) | {"UpdatedDateUTC": ms_instant(at)}
    return Row(
        "account",
        body["AccountID"],
        body,
        at.isoformat(),
        number=body["Code"],
        status=body["Status"],
        type=body["Type"],
    )


def _account(code: str) -> Json:
    return {
        "AccountID": stable_id("account", code),
        "Code": code,
        "Status": "ACTIVE",
        "EnablePaymentsToAccount": False,
        "TaxType": "NONE",
    }


def _account_type(entry: Json) -> Json:
    found = {"Name": entry["name"], "Type": entry["type"], "Class": entry["class"]}
    if entry["type"] == "BANK":
        found |= {"BankAccountNumber": "000-00000-0", "BankAccountType": "BANK"}
    if entry["type"] in TAKES_PAYMENTS:
        found["EnablePaymentsToAccount"] = True
    return found


def _currency_row(entry: Json, at: datetime) -> Row:
    body = {"Code": entry["code"], "Description": entry["description"]}
    return Row("currency", entry["code"], body, at.isoformat(), number=entry["code"])


def _theme_row(entry: Json, at: datetime) -> Row:
    body = {
        "BrandingThemeID": stable_id("theme", entry["name"]),
        "Name": entry["name"],
        "Type": "INVOICE",
        "SortOrder": entry["order"],
        "CreatedDateUTC": ms_instant(at),
    }
    return Row("theme", body["BrandingThemeID"], body, at.isoformat(), number=entry["name"])


def _item_row(product: Json, at: datetime) -> Row:
    code = product["code"]
    stock = company()["stock"]
    details = {
        "UnitPrice": Decimal(product["list_price"]),
        "AccountCode": SALES_ACCOUNT,
        "TaxType": sales_tax_type(at.date()),
    }
    body = {
        "ItemID": stable_id("item", code),
        "Code": code,
        "Name": product["name"],
        "Description": product["name"],
        "IsSold": True,
        "IsPurchased": False,
        "SalesDetails": details,
        "IsTrackedAsInventory": True,
        "QuantityOnHand": stock.get(code, stock["default"]),
        "UpdatedDateUTC": ms_instant(at),
    }
    return Row("item", body["ItemID"], body, at.isoformat(), number=code)


def _contact_row(entry: Json, at: datetime) -> Row:
    first, _, last = entry["person"].partition(" ")
    phone = {"PhoneType": "MOBILE", "PhoneNumber": entry["phone"], "PhoneCountryCode": "65"}
    body = {
        "ContactID": contact_id(entry["slug"]),
        "ContactStatus": "ACTIVE",
        "Name": entry["name"],
        "FirstName": first,
        "LastName": last,
        "EmailAddress": email_of(entry["slug"]) if entry.get("has_email", True) else "",
        "ContactPersons": [_person(p) for p in entry.get("persons", [])],
        "Addresses": [_address(entry["slug"])],
        "Phones": [phone],
        "IsSupplier": entry.get("is_supplier", False),
        "IsCustomer": True,
        "DefaultCurrency": "SGD",
        "UpdatedDateUTC": ms_instant(at),
    }
    return Row(
        "contact",
        body["ContactID"],
        body,
        at.isoformat(),
        number=entry["name"],
        status=body["ContactStatus"],
    )


def _person(entry: Json) -> Json:
    first, _, last = entry["name"].partition(" ")
    return {
        "FirstName": first,
        "LastName": last,
        "EmailAddress": entry["email"],
        "IncludeInEmails": entry["gets_invoices"],
    }


def _address(slug: str) -> Json:
    outlet = next(o for o in company()["outlets"] if o["contact"] == slug)
    return {
        "AddressType": "STREET",
        "AddressLine1": outlet["address"],
        "City": "Singapore",
        "PostalCode": outlet["postal_code"],
        "Country": "Singapore",
    }
