"""Eighteen months of documents for the demo company, the same for every first day."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random

from tools.rules import load_rules
from tools.sandbox.company import company, contact_id, products, stable_id
from tools.sandbox.store import Json, Row, Search, Store
from tools.sandbox.xero import reference
from tools.sandbox.xero.auth import seed_tokens
from tools.sandbox.xero.call import Books
from tools.sandbox.xero.documents import write_document
from tools.sandbox.xero.kinds import CREDIT_NOTE, INVOICE, QUOTE, Kind, row_of
from tools.sandbox.xero.wire import day_of, ms_date, ms_instant

DAYS = 548
SEED = 20240101
STOPPED_PAYING_DAYS = 120  # so the oldest unpaid invoice is well over the credit hold
PREPAID_ORDERS_DAYS = (23, 9)
EVERY_VOIDED = 29
BILL_DAYS = 20
EXPIRED_QUOTE_DAYS, QUOTE_DAYS, QUOTE_LIFE = 70, 6, 30
SUNDAY = 6


@dataclass(frozen=True)
class Plan:
    """One invoice to be written, and how it ends."""

    contact: Json
    day: date
    status: str
    paid_on: date | None = None
    paid_share: Decimal = Decimal(1)


def seed(store: Store, now: datetime, today: date) -> None:
    """Fill an empty store; the caller holds the transaction."""
    random = Random(SEED)
    books = Books(store, now, today, places=4)
    seed_tokens(store)
    store.write_meta("link key", secrets.token_hex(16))
    begin = _instant(today - timedelta(days=DAYS))
    for row in [*reference.item_rows(begin), *reference.contact_rows(begin)]:
        store.save(row)
    for kind in (INVOICE, CREDIT_NOTE, QUOTE):
        store.write_meta(f"next {kind.prefix}", "1001")
    for plan in sorted(_plans(today, random), key=lambda p: (p.day, p.contact["slug"])):
        _write_invoice(plan, books, random)
    for contact in company()["contacts"]:
        _write_extras(contact, books, random)


def _plans(today: date, random: Random) -> Iterator[Plan]:
    count = 0
    for contact in company()["contacts"]:
        for day in _order_days(contact, today, random):
            count += 1
            may_void = contact["pays"] not in ("prepaid", "stopped") and day < _ago(today, 60)
            if may_void and count % EVERY_VOIDED == 0:
                yield Plan(contact, day, "VOIDED")
            else:
                yield _with_payment(Plan(contact, day, "AUTHORISED"), today, random)
        if contact.get("has_draft"):
            yield Plan(contact, _ago(today, 1), "DRAFT")


def _order_days(contact: Json, today: date, random: Random) -> Iterator[date]:
    if contact["pays"] == "prepaid":
        yield from (_ago(today, days) for days in PREPAID_ORDERS_DAYS)
        return
    payment = load_rules().payment
    # Nobody supplies a customer on credit hold.
    until = payment.credit_hold_days if contact["pays"] == "stopped" else 1
    between = 30 / contact["orders"]
    at = DAYS - random.uniform(0, between)
    while at > until:
        day = _ago(today, int(at))
        yield day if day.weekday() != SUNDAY else day - timedelta(days=1)
        at -= between * random.uniform(0.8, 1.2)


def _with_payment(plan: Plan, today: date, random: Random) -> Plan:
    terms = load_rules().payment.net_days
    paid_on = plan.day + timedelta(days=_delay(plan.contact["pays"], terms, random))
    age = (today - plan.day).days
    match plan.contact["pays"]:
        case "prepaid":
            return replace(plan, paid_on=plan.day)
        case "stopped" if age <= STOPPED_PAYING_DAYS:
            return plan
        case "part" if terms < age <= terms + 20:
            return replace(plan, paid_on=_ago(today, 2), paid_share=Decimal("0.5"))
        case _:
            return replace(plan, paid_on=paid_on) if paid_on < today else plan


def _delay(pays: str, terms: int, random: Random) -> int:
    earliest, latest = {
        "prompt": (4, 12),
        "slow": (terms + 3, terms + 18),
        "stopped": (terms - 4, terms),
    }.get(pays, (terms - 8, terms - 2))
    return random.randint(earliest, latest)


def _write_invoice(plan: Plan, books: Books, random: Random) -> None:
    terms = timedelta(days=load_rules().payment.net_days)
    contact = plan.contact
    sent = {
        **_order(INVOICE, contact, plan.day, random),
        "Type": "ACCREC",
        "Status": "AUTHORISED" if plan.status == "VOIDED" else plan.status,
        "DueDate": (plan.day if contact["pays"] == "prepaid" else plan.day + terms).isoformat(),
        "Reference": f"PO {random.randint(1000, 9999)}",
        "SentToContact": plan.status != "DRAFT",
    }
    document = _written(INVOICE, sent, books)
    if plan.status == "VOIDED":
        document |= {"Status": "VOIDED", "AmountDue": 0}
    if plan.paid_on:
        _pay(document, plan, books.store)
    _save(INVOICE, document, books.store)


def _order(kind: Kind, contact: Json, day: date, random: Random) -> Json:
    value = Decimal(str(contact["value"])) * Decimal(random.randint(70, 130)) / 100
    codes = random.sample(contact["mix"], k=min(len(contact["mix"]), random.randint(2, 3)))
    chosen = [p for p in products() if p["code"] in codes]
    return {
        "Contact": {"ContactID": contact_id(contact["slug"])},
        "Date": day.isoformat(),
        "LineAmountTypes": next(iter(kind.tax_modes)),
        "LineItems": [_line(product, value / len(chosen), day) for product in chosen],
    }


def _line(product: Json, worth: Decimal, day: date) -> Json:
    price, pack = Decimal(product["list_price"]), product["pack_size"]
    packs = max(round(worth / price / pack), 1)
    return {
        "ItemCode": product["code"],
        "Description": product["name"],
        "Quantity": packs * pack,
        "UnitAmount": price,
        "TaxType": reference.sales_tax_type(day),
    }


def _written(kind: Kind, sent: Json, books: Books) -> Json:
    """A document with ids that are the same in every sandbox."""
    day = day_of(sent["Date"])
    then = replace(books, now=_instant(day), today=day)
    document = write_document(kind, sent, None, then)
    name = document[kind.number_field] or sent["Reference"]
    document[kind.id_field] = stable_id(kind.table, name)
    for index, line in enumerate(document["LineItems"]):
        line["LineItemID"] = stable_id("line", f"{name}:{index}")
    return document


def _save(kind: Kind, document: Json, store: Store) -> None:
    at = _instant(day_of(document["Date"])).isoformat()
    store.save(row_of(kind, document, at))


def _pay(invoice: Json, plan: Plan, store: Store) -> None:
    assert plan.paid_on is not None  # noqa: S101 - the caller has looked
    amount = (invoice["AmountDue"] * plan.paid_share).quantize(Decimal("0.01"))
    how = "PayNow" if plan.contact["pays"] == "prepaid" else "Bank transfer"
    payment = {
        "PaymentID": stable_id("payment", invoice["InvoiceNumber"]),
        "Date": ms_date(plan.paid_on),
        "Amount": amount,
        "Reference": f"{how} {invoice['InvoiceNumber']}",
        "CurrencyRate": 1.0,
        "HasAccount": True,
        "HasValidationErrors": False,
    }
    invoice["Payments"] = [payment]
    invoice["AmountPaid"] = amount
    invoice["AmountDue"] -= amount
    if not invoice["AmountDue"]:
        invoice |= {"Status": "PAID", "FullyPaidOnDate": ms_date(plan.paid_on)}
    store.save(_payment_row(payment, invoice, plan.paid_on))


def _payment_row(payment: Json, invoice: Json, day: date) -> Row:
    at = _instant(day)
    names = ("InvoiceID", "InvoiceNumber", "Type", "Contact")
    account = {"AccountID": stable_id("account", reference.BANK_ACCOUNT)}
    body = {
        **payment,
        "Status": "AUTHORISED",
        "PaymentType": "ACCRECPAYMENT",
        "IsReconciled": True,
        "Account": {**account, "Code": reference.BANK_ACCOUNT},
        "Invoice": {name: invoice[name] for name in names},
        "UpdatedDateUTC": ms_instant(at),
    }
    return Row(
        "payment",
        payment["PaymentID"],
        body,
        at.isoformat(),
        contact_id=invoice["Contact"]["ContactID"],
        parent_id=invoice["InvoiceID"],
        reference=payment["Reference"],
        status="AUTHORISED",
        day=day.isoformat(),
    )


def _write_extras(contact: Json, books: Books, random: Random) -> None:
    if contact["credit"]:
        _write_credit(contact, books)
    for how in contact["quotes"]:
        _write_quote(contact, how, books, random)
    if contact.get("is_supplier"):
        _write_bill(contact, books)


def _write_credit(contact: Json, books: Books) -> None:
    amount = load_rules().quality.wrong_item_credit
    line = {"Description": "Credit for a wrong item delivered", "UnitAmount": amount}
    sent = {
        "Type": "ACCRECCREDIT",
        "Contact": {"ContactID": contact_id(contact["slug"])},
        "Date": _ago(books.today, 12).isoformat(),
        "LineItems": [line],
        "Status": "DRAFT" if contact["credit"] == "draft" else "AUTHORISED",
        "Reference": "Wrong item",
    }
    document = _written(CREDIT_NOTE, sent, books)
    if contact["credit"] == "used":
        _allocate(document, books.store)
    _save(CREDIT_NOTE, document, books.store)


def _allocate(credit: Json, store: Store) -> None:
    """Use up the credit on the contact's latest unpaid invoice."""
    condition = "contact_id = ? and status = 'AUTHORISED' and total > ?"
    values = (credit["Contact"]["ContactID"], float(credit["Total"]))
    invoice = store.find("invoice", Search(condition, values, "day desc, number desc", 1))[0]
    part = {"Amount": credit["Total"], "Date": credit["Date"]}
    names = ("CreditNoteID", "CreditNoteNumber")
    invoice["CreditNotes"] = [
        {**{name: credit[name] for name in names}, "AppliedAmount": credit["Total"], **part}
    ]
    invoice["AmountCredited"] = credit["Total"]
    invoice["AmountDue"] = Decimal(str(invoice["AmountDue"])) - credit["Total"]
    target = {name: invoice[name] for name in ("InvoiceID", "InvoiceNumber")}
    allocation = {"AllocationID": stable_id("allocation", credit["CreditNoteNumber"]), **part}
    credit |= {"Status": "PAID", "RemainingCredit": 0, "Allocations": [allocation]}
    allocation["Invoice"] = target
    _save(INVOICE, invoice, store)


def _write_quote(contact: Json, how: str, books: Books, random: Random) -> None:
    day = _ago(books.today, EXPIRED_QUOTE_DAYS if how == "EXPIRED" else QUOTE_DAYS)
    larger = {**contact, "value": contact["value"] * 10}
    sent = {
        **_order(QUOTE, larger, day, random),
        "ExpiryDate": (day + timedelta(days=QUOTE_LIFE)).isoformat(),
        "Status": "DRAFT" if how == "DRAFT" else "SENT",
        "Title": "Quotation",
    }
    document = _written(QUOTE, sent, books)
    if how in ("ACCEPTED", "DECLINED"):
        document["Status"] = how
    _save(QUOTE, document, books.store)


def _write_bill(contact: Json, books: Books) -> None:
    day = _ago(books.today, BILL_DAYS)
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
    _save(INVOICE, _written(INVOICE, sent, books), books.store)


def _ago(today: date, days: int) -> date:
    return today - timedelta(days=days)


def _instant(day: date) -> datetime:
    return datetime.combine(day, time(1), UTC)  # nine in the morning in Singapore
