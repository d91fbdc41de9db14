"""What a contact has besides invoices: credit notes, quotes, bills, and money paid too early.

`write_extras` draws on the one stream of chance, so what it writes must keep its order;
`write_demo_needs` comes after it and leaves the figures of everything before it alone.
"""

from datetime import date, timedelta
from decimal import Decimal
from random import Random

from tools.rules import load_rules
from tools.sandbox.company import contact_id, stable_id
from tools.sandbox.paper import ago, instant, order, receive, save, written
from tools.sandbox.store import Json, Row, Search
from tools.sandbox.xero.allocations import allocate
from tools.sandbox.xero.call import Books
from tools.sandbox.xero.kinds import CREDIT_NOTE, INVOICE, QUOTE
from tools.sandbox.xero.wire import dated, day_of, ms_instant

BILL_DAYS = 20
CREDIT_DAYS, OLD_CREDIT_DAYS = 12, 95
EXPIRED_QUOTE_DAYS, QUOTE_DAYS, QUOTE_LIFE = 70, 6, 30
PART_PAID_DAYS, EARLY_MONEY_DAYS = 2, 8
BANK = "Bank transfer"
UNPAID = "contact_id = ? and status = 'AUTHORISED' and total > ?"


def write_extras(contact: Json, books: Books, random: Random) -> None:
    """Credit notes, quotes and bills of a contact."""
    if contact["credit"]:
        _write_credit(contact, books)
    for how in contact["quotes"]:
        _write_quote(contact, how, books, random)
    if contact.get("is_supplier"):
        _write_bill(contact, books)


def write_demo_needs(contact: Json, books: Books) -> None:
    """What the demo shows of a contact on top of its usual business."""
    random = Random(contact["slug"])
    if contact.get("has_old_credit"):
        _write_old_credit(contact, books)
    if amount := contact.get("pays_in_part"):
        _pay_in_part(contact, Decimal(amount), books)
    for how in contact.get("further_quotes", []):
        _write_quote(contact, how, books, random)
    for table in ("overpayment", "prepayment"):
        if amount := contact.get(table):
            payer = books.store.get("contact", contact_id(contact["slug"])) or {}
            document_id = stable_id(table, contact["slug"])
            day = ago(books.today, EARLY_MONEY_DAYS)
            books.store.save(early_money(table, document_id, payer, Decimal(amount), day))


def _write_credit(contact: Json, books: Books) -> None:
    status = "DRAFT" if contact["credit"] == "draft" else "AUTHORISED"
    credit = _credit(contact, ago(books.today, CREDIT_DAYS), status, books)
    if contact["credit"] == "used":
        values = (credit["Contact"]["ContactID"], float(credit["Total"]))
        latest = Search(UNPAID, values, "day desc, number desc", 1)
        _use_up(credit, books.store.find("invoice", latest)[0], books)
    save(CREDIT_NOTE, credit, books.store)


def _write_old_credit(contact: Json, books: Books) -> None:
    """A credit that was used on an invoice which has been paid since: nothing of it is left."""
    day = ago(books.today, OLD_CREDIT_DAYS)
    credit = _credit(contact, day, "AUTHORISED", books)
    condition = "contact_id = ? and status = 'PAID' and day <= ?"
    values = (credit["Contact"]["ContactID"], day.isoformat())
    invoice = books.store.find("invoice", Search(condition, values, "day desc, number desc", 1))[0]
    payment = books.store.get("payment", invoice["Payments"][0]["PaymentID"]) or {}
    invoice |= {"Payments": [], "Status": "AUTHORISED"}
    _use_up(credit, invoice, books)
    receive(invoice, invoice["AmountDue"], day_of(payment["Date"]), BANK, books)
    save(INVOICE, invoice, books.store)
    save(CREDIT_NOTE, credit, books.store)


def _credit(contact: Json, day: date, status: str, books: Books) -> Json:
    amount = load_rules().quality.wrong_item_credit
    line = {"Description": "Credit for a wrong item delivered", "UnitAmount": amount}
    sent = {
        "Type": "ACCRECCREDIT",
        "Contact": {"ContactID": contact_id(contact["slug"])},
        "Date": day.isoformat(),
        "LineItems": [line],
        "Status": status,
        "Reference": "Wrong item",
    }
    return written(CREDIT_NOTE, sent, books)


def _use_up(credit: Json, invoice: Json, books: Books) -> None:
    allocation = allocate(credit, invoice, credit["Total"], day_of(credit["Date"]))
    allocation["AllocationID"] = stable_id("allocation", credit["CreditNoteNumber"])
    save(INVOICE, invoice, books.store)


def _pay_in_part(contact: Json, amount: Decimal, books: Books) -> None:
    """The invoice that falls due first is paid in part."""
    day = ago(books.today, PART_PAID_DAYS)
    values = (contact_id(contact["slug"]), float(amount))
    invoice = books.store.find("invoice", Search(UNPAID, values, "due, number", 1))[0]
    receive(invoice, amount, day, BANK, books)
    save(INVOICE, invoice, books.store)


def early_money(table: str, document_id: str, contact: Json, amount: Decimal, day: date) -> Row:
    """An overpayment or a prepayment of a contact, of which nothing is used."""
    name = table.capitalize()
    body = {
        f"{name}ID": document_id,
        "Type": f"RECEIVE-{table.upper()}",
        "Status": "AUTHORISED",
        "Reference": f"{BANK} {contact['Name']}",
        "Contact": {field: contact[field] for field in ("ContactID", "Name")},
        **dated("Date", day),
        "LineAmountTypes": "NoTax",
        "LineItems": [],
        **dict.fromkeys(("SubTotal", "Total", "RemainingCredit"), amount),
        "TotalTax": 0,
        "CurrencyCode": "SGD",
        "CurrencyRate": 1.0,
        "Allocations": [],
        "Payments": [],
        "UpdatedDateUTC": ms_instant(instant(day)),
    }
    return Row(
        table,
        document_id,
        body,
        instant(day).isoformat(),
        contact_id=contact["ContactID"],
        reference=body["Reference"],
        status=body["Status"],
        type=body["Type"],
        day=day.isoformat(),
        total=float(amount),
    )


def _write_quote(contact: Json, how: str, books: Books, random: Random) -> None:
    day = ago(books.today, EXPIRED_QUOTE_DAYS if how == "EXPIRED" else QUOTE_DAYS)
    larger = {**contact, "value": contact["value"] * 10}
    sent = {
        **order(QUOTE, larger, day, random),
        "ExpiryDate": (day + timedelta(days=QUOTE_LIFE)).isoformat(),
        "Status": "DRAFT" if how == "DRAFT" else "SENT",
        "Title": "Quotation",
    }
    document = written(QUOTE, sent, books)
    if how in ("ACCEPTED", "DECLINED"):
        document["Status"] = how
    save(QUOTE, document, books.store)


def _write_bill(contact: Json, books: Books) -> None:
    day = ago(books.today, BILL_DAYS)
    line = {"Description": "Coffee for the office", "UnitAmount": 180, "AccountCode": "310"}
    sent = {
        "Type": "ACCPAY",
        "Contact": {"ContactID": contact_id(contact["slug"])},
        "InvoiceNumber": f"BILL-{contact['phone'][-4:]}",
        "LineItems": [line],
        "Status": "AUTHORISED",
        "Date": day.isoformat(),
        "DueDate": (day + timedelta(days=30)).isoformat(),
    }
    save(INVOICE, written(INVOICE, sent, books), books.store)
