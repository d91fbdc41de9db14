"""Creating and changing invoices, credit notes and quotes by Xero's rules."""

import uuid
from dataclasses import dataclass
from datetime import date

from tools.sandbox.store import Json, Search
from tools.sandbox.xero.balances import settle
from tools.sandbox.xero.call import Books
from tools.sandbox.xero.kinds import Kind
from tools.sandbox.xero.lines import check_texts, priced, tax_mode
from tools.sandbox.xero.money import total_of
from tools.sandbox.xero.wire import Invalid, dated, day_of, ms_instant

ENDED = frozenset({"DELETED", "VOIDED"})
NOTES = (
    *("Reference", "Url", "Terms", "Title", "Summary"),
    *("DeliveryAddress", "AttentionTo", "Telephone", "DeliveryInstructions"),
)
PLAIN = (*NOTES, "SentToContact")
TEXTS = (*NOTES, "Type", "Status", "LineAmountTypes", "CurrencyCode")
# What was paid, credited or allocated: while there is any, a document stays as it is.
PARTS = ("Payments", "CreditNotes", "Prepayments", "Overpayments", "Allocations")
LONGEST_NUMBER = 255


@dataclass(frozen=True)
class Draft:
    """A document being written from what was sent."""

    kind: Kind
    document: Json
    sent: Json
    books: Books


def write_document(kind: Kind, sent: Json, earlier: Json | None, books: Books) -> Json:
    """The document as Xero would keep it, not yet stored; raises Invalid with each broken rule."""
    sent = _without_repetitions(sent, earlier)
    _check_fields(kind, sent)
    _check_move(kind, sent, earlier)
    document = dict(earlier or _blank(kind, books))
    document["Status"] = sent.get("Status", document["Status"])
    if document["Status"] in ENDED:
        document |= {name: 0 for name in ("AmountDue", "RemainingCredit") if name in document}
    else:
        _apply(Draft(kind, document, sent, books))
        if kind.table in ("invoice", "credit_note"):
            settle(document, books.today)
    document["UpdatedDateUTC"] = ms_instant(books.now)
    return document


def next_number(kind: Kind, books: Books) -> str:
    """The next free number of the organisation's own series."""
    key = f"next {kind.prefix}"
    count = int(books.store.read_meta(key) or "1001")
    while _holder(kind, f"{kind.prefix}{count}", books):
        count += 1
    books.store.write_meta(key, str(count + 1))
    return f"{kind.prefix}{count}"


def find_document(kind: Kind, name: str, books: Books) -> Json | None:
    """By id, or by printed number as Xero also allows."""
    return books.store.get(kind.table, name.lower()) or _holder(kind, name, books)


def _holder(kind: Kind, number: str, books: Books) -> Json | None:
    # A supplier's bill may carry any number, so only our own documents hold one.
    condition = "number = ? and (type is null or type not like 'ACCPAY%')"
    return next(iter(books.store.find(kind.table, Search(condition, (number,)))), None)


def _without_repetitions(sent: Json, earlier: Json | None) -> Json:
    """What is sent, less nothings and, in an update, less what already is so."""
    sent = {name: value for name, value in sent.items() if value is not None}
    if earlier is None:
        return sent
    return {n: v for n, v in sent.items() if n == "Status" or not _is_so(n, v, earlier)}


def _is_so(name: str, value: object, earlier: Json) -> bool:
    match name:
        case "Contact" if isinstance(value, dict):
            named = str(value.get("ContactID", "")).lower()
            return not value or named == earlier["Contact"]["ContactID"]
        case "LineItems":
            return value == []
        case "Date" | "DueDate" | "ExpiryDate" | "DeliveryDate" if name in earlier:
            return given_day(name, value) == day_of(earlier[name])
        case _ if name.endswith("ID"):
            return str(value).lower() == earlier.get(name)
        case _:
            return name in earlier and value == earlier[name]


def _check_fields(kind: Kind, sent: Json) -> None:
    if unknown := sorted(set(sent) - kind.writable):
        raise Invalid(f"Fields that do not exist or cannot be set: {', '.join(unknown)}")
    check_texts(sent, TEXTS)
    if sent.get("CurrencyCode", "SGD") != "SGD":
        raise Invalid(f"Organisation is not subscribed to currency {sent['CurrencyCode']}")


def _check_move(kind: Kind, sent: Json, earlier: Json | None) -> None:
    before = earlier["Status"] if earlier else ""
    allowed = kind.moves.get(before, frozenset())
    after = sent.get("Status", before or "DRAFT")
    if before and set(sent) - {"Status"} and before not in kind.editable:
        raise Invalid(f"{kind.plural} of status {before} cannot be modified")
    if after not in allowed and ("Status" in sent or not allowed):
        raise Invalid(f"Status cannot go from {before or 'nothing'} to {after}")
    if earlier and any(earlier.get(name) for name in PARTS):
        raise Invalid("A document with payments or credits allocated to it cannot be modified")


def _blank(kind: Kind, books: Books) -> Json:
    amounts = ("AmountDue", "AmountPaid", "AmountCredited") if kind.table == "invoice" else ()
    lists = {
        "invoice": ("Payments", "CreditNotes", "Prepayments", "Overpayments"),
        "credit_note": ("Allocations", "Payments"),
    }
    return {
        kind.id_field: str(uuid.uuid4()),
        "Status": "DRAFT",
        "Reference": "",
        "CurrencyCode": "SGD",
        "CurrencyRate": 1.0,
        "HasErrors": False,
        **dated("Date", books.today),
        "LineAmountTypes": next(iter(kind.tax_modes)),
        **dict.fromkeys(amounts, 0),
        **{name: [] for name in lists.get(kind.table, ())},
    }


def _apply(draft: Draft) -> None:
    document, sent = draft.document, draft.sent
    document |= {name: sent[name] for name in PLAIN if name in sent}
    problems: list[str] = []
    for step in (_set_type, _set_contact, _set_dates, _set_number, _set_lines):
        try:
            step(draft)
        except Invalid as invalid:
            problems += invalid.messages
    if problems:
        raise Invalid(*problems)


def _set_type(draft: Draft) -> None:
    kind, document, sent = draft.kind, draft.document, draft.sent
    if not kind.types:
        return
    if "Type" in sent and "Type" in document:
        raise Invalid("The type of a document cannot be changed")
    document["Type"] = sent.get("Type", document.get("Type"))
    if document["Type"] not in kind.types:
        raise Invalid(f"Type must be one of {', '.join(sorted(kind.types))}")


def _set_contact(draft: Draft) -> None:
    document, sent = draft.document, draft.sent
    if "Contact" not in sent and "Contact" in document:
        return
    asked = sent.get("Contact")
    found = _contact(asked, draft.books) if isinstance(asked, dict) else None
    if found is None:
        raise Invalid("A Contact must be specified, and must exist")
    if found["ContactStatus"] != "ACTIVE":
        raise Invalid("The contact is archived")
    document["Contact"] = {"ContactID": found["ContactID"], "Name": found["Name"]}


def _contact(asked: Json, books: Books) -> Json | None:
    if contact_id := asked.get("ContactID"):
        return books.store.get("contact", str(contact_id).lower())
    by_name = Search("number = ?", (str(asked.get("Name", "")),))
    return next(iter(books.store.find("contact", by_name)), None)


def _set_dates(draft: Draft) -> None:
    kind, document, sent = draft.kind, draft.document, draft.sent
    for name in ("Date", kind.due_field):
        if name in sent:
            document |= dated(name, given_day(name, sent[name]))
    if kind.table == "invoice" and document["Status"] == "AUTHORISED" and "DueDate" not in document:
        raise Invalid("A due date is needed to approve an invoice")


def given_day(name: str, value: object) -> date:
    """The day that a field holds; raises Invalid."""
    try:
        return day_of(value)
    except (ValueError, OverflowError) as error:
        raise Invalid(f"{name} '{value}' is not a date") from error


def _set_number(draft: Draft) -> None:
    kind, document, sent = draft.kind, draft.document, draft.sent
    number = sent.get(kind.number_field) or document.get(kind.number_field)
    is_bill = str(document.get("Type", "")).startswith("ACCPAY")
    if not number:
        document[kind.number_field] = "" if is_bill else next_number(kind, draft.books)
        return
    if not isinstance(number, str) or len(number) > LONGEST_NUMBER:
        raise Invalid(f"{kind.number_field} must be a text of at most {LONGEST_NUMBER} characters")
    holder = None if is_bill else _holder(kind, number, draft.books)
    if holder and holder[kind.id_field] != document[kind.id_field]:
        raise Invalid(f"{kind.number_field} must be unique: '{number}' is already in use")
    document[kind.number_field] = number


def _set_lines(draft: Draft) -> None:
    kind, document, sent = draft.kind, draft.document, draft.sent
    name = sent.get("LineAmountTypes", document["LineAmountTypes"])
    mode = tax_mode(dict(kind.tax_modes), name)
    if "LineItems" not in sent and "LineItems" in document:
        if name != document["LineAmountTypes"]:
            raise Invalid("LineAmountTypes can only be changed together with LineItems")
        return
    lines = sent.get("LineItems")
    if not isinstance(lines, list) or not lines:
        raise Invalid("One or more line items must be specified")
    day = day_of(document["Date"])
    done = [priced(line, mode, day, draft.books) for line in lines]
    totals = total_of([price for _, price in done], mode)
    if totals.total < 0:
        raise Invalid("The document total cannot be negative")
    document |= {
        "LineAmountTypes": name,
        "LineItems": [line for line, _ in done],
        "SubTotal": totals.subtotal,
        "TotalTax": totals.tax,
        "Total": totals.total,
    }
