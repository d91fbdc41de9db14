"""Contacts: reading one with its balances, creating and changing them."""

import uuid
from functools import partial

from tools.sandbox.store import Json, Row, Search
from tools.sandbox.xero.call import Books, Call
from tools.sandbox.xero.lines import check_texts
from tools.sandbox.xero.wire import Invalid, Reply, day_of, envelope, ms_instant, not_found
from tools.sandbox.xero.writes import answer, attempt

LONGEST = {"ContactNumber": 50, "AccountNumber": 50, "CompanyNumber": 50, "TaxNumber": 50}
TEXTS = (
    *("Name", "FirstName", "LastName", "EmailAddress", "BankAccountDetails", "DefaultCurrency"),
    *("AccountsReceivableTaxType", "AccountsPayableTaxType", "SalesDefaultAccountCode"),
    *("PurchasesDefaultAccountCode", "SalesDefaultLineAmountType", "TaxNumberType"),
    *("PurchasesDefaultLineAmountType", "ContactStatus", "ContactID", "XeroNetworkKey"),
    *LONGEST,
)
LISTS = (
    *("ContactPersons", "Addresses", "Phones", "ContactGroups"),
    *("SalesTrackingCategories", "PurchasesTrackingCategories"),
)
OTHERS = ("PaymentTerms", "IsSupplier", "IsCustomer")
FIELDS = frozenset({*TEXTS, *LISTS, *OTHERS})
STATUSES = ("ACTIVE", "ARCHIVED")


def find_contact(call: Call) -> Json:
    """The contact of the path; raises Refused with a 404."""
    contact = call.store.get("contact", call.path["ContactID"].lower())
    if contact is None:
        raise not_found()
    return contact


def get_contact(call: Call) -> Reply:
    """One contact with what it owes."""
    contact = find_contact(call)
    balances = {"AccountsReceivable": _receivable(contact["ContactID"], call)}
    return envelope("Contacts", [{**contact, "Balances": balances}], call.books.now)


def create_contacts(call: Call) -> Reply:
    """PUT: contacts that did not exist."""
    return _write_all([(sent, None) for sent in call.documents("Contacts")], call)


def upsert_contacts(call: Call) -> Reply:
    """POST without an id in the path: updates by id or else by name, creates the rest."""
    return _write_all([(sent, _existing(sent, call)) for sent in call.documents("Contacts")], call)


def update_contact(call: Call) -> Reply:
    """POST to one contact."""
    return _write_all([(call.documents("Contacts")[0], find_contact(call))], call)


def _receivable(contact_id: str, call: Call) -> Json:
    condition = "contact_id = ? and type = 'ACCREC' and status = 'AUTHORISED'"
    unpaid = call.store.find("invoice", Search(condition, (contact_id,)))
    overdue = [i for i in unpaid if day_of(i["DueDate"]) < call.books.today]
    return {
        name: round(sum(i["AmountDue"] for i in invoices), 2)
        for name, invoices in (("Outstanding", unpaid), ("Overdue", overdue))
    }


def _existing(sent: Json, call: Call) -> Json | None:
    if contact_id := sent.get("ContactID"):
        found = call.store.get("contact", str(contact_id).lower())
        if found is None:
            raise not_found()
        return found
    return _holder(str(sent.get("Name", "")), call.books)


def _holder(name: str, books: Books) -> Json | None:
    # Names are unique among the contacts in use, whatever their case.
    active = Search("lower(number) = lower(?) and status = 'ACTIVE'", (name.strip(),))
    return next(iter(books.store.find("contact", active)), None)


def _write_all(pairs: list[tuple[Json, Json | None]], call: Call) -> Reply:
    attempts = [
        attempt(sent, FIELDS, partial(_write, sent, old, call.books)) for sent, old in pairs
    ]
    return answer("Contacts", attempts, call)


def _write(sent: Json, earlier: Json | None, books: Books) -> Json:
    sent = {name: value for name, value in sent.items() if value is not None}
    _check_fields(sent)
    contact = {**(earlier or _blank()), **sent, "UpdatedDateUTC": ms_instant(books.now)}
    contact["ContactID"] = earlier["ContactID"] if earlier else str(uuid.uuid4())
    _check_name(contact, books)
    books.store.save(contact_row(contact, books.now.isoformat()))
    return contact


def contact_row(contact: Json, updated: str) -> Row:
    """A contact with the fields it is found by."""
    return Row(
        "contact",
        contact["ContactID"],
        contact,
        updated,
        number=contact["Name"],
        status=contact["ContactStatus"],
    )


def _blank() -> Json:
    texts = dict.fromkeys(("FirstName", "LastName", "EmailAddress"), "")
    flags = {"IsSupplier": False, "IsCustomer": False}
    lists: Json = {name: [] for name in ("ContactPersons", "Addresses", "Phones")}
    return {"ContactStatus": "ACTIVE", **flags, **texts, **lists}


def _check_fields(sent: Json) -> None:
    if unknown := sorted(set(sent) - FIELDS):
        raise Invalid(f"Fields that do not exist or cannot be set: {', '.join(unknown)}")
    check_texts(sent, TEXTS)
    for name in TEXTS:
        if len(sent.get(name, "")) > LONGEST.get(name, 255):
            raise Invalid(f"{name} is longer than {LONGEST.get(name, 255)} characters")
    for name in LISTS:
        if not _is_list_of_objects(sent.get(name, [])):
            raise Invalid(f"{name} must be a list of objects")
    if sent.get("ContactStatus", "ACTIVE") not in STATUSES:
        raise Invalid(f"ContactStatus must be one of {', '.join(STATUSES)}")


def _is_list_of_objects(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)


def _check_name(contact: Json, books: Books) -> None:
    name = contact.get("Name", "").strip()
    if not name:
        raise Invalid("The contact name must be specified")
    holder = _holder(name, books) if contact["ContactStatus"] == "ACTIVE" else None
    if holder and holder["ContactID"] != contact["ContactID"]:
        raise Invalid(
            f"The contact name {name} is already assigned to another contact. "
            "The contact name must be unique across all active contacts."
        )
