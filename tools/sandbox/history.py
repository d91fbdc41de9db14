"""Eighteen months of documents for the demo company, the same for every first day."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random

from tools.rules import load_rules
from tools.sandbox.company import company
from tools.sandbox.extras import write_demo_needs, write_extras
from tools.sandbox.paper import DAYS, ago, instant, order, receive, save, written
from tools.sandbox.store import Json, Store
from tools.sandbox.xero import reference
from tools.sandbox.xero.call import Books
from tools.sandbox.xero.kinds import INVOICE, KINDS
from tools.sandbox.xero.tokens import seed_tokens

SEED = 20240101
STOPPED_PAYING_DAYS = 120  # so the oldest unpaid invoice is well over the credit hold
PREPAID_ORDERS_DAYS = (23, 9)
EVERY_VOIDED = 29
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
    for row in reference.rows(instant(ago(today, DAYS))):
        store.save(row)
    for kind in KINDS.values():
        store.write_meta(f"next {kind.prefix}", "1001")
    for plan in sorted(_plans(today, random), key=lambda p: (p.day, p.contact["slug"])):
        _write_invoice(plan, books, random)
    for contact in company()["contacts"]:
        write_extras(contact, books, random)
    for contact in company()["contacts"]:
        write_demo_needs(contact, books)
    store.clear(("events",))  # nobody is told of what was there before the first start


def _plans(today: date, random: Random) -> Iterator[Plan]:
    count = 0
    for contact in company()["contacts"]:
        for day in _order_days(contact, today, random):
            count += 1
            may_void = contact["pays"] not in ("prepaid", "stopped") and day < ago(today, 60)
            if may_void and count % EVERY_VOIDED == 0:
                yield Plan(contact, day, "VOIDED")
            else:
                yield _with_payment(Plan(contact, day, "AUTHORISED"), today, random)
        if contact.get("has_draft"):
            yield Plan(contact, ago(today, 1), "DRAFT")


def _order_days(contact: Json, today: date, random: Random) -> Iterator[date]:
    if contact["pays"] == "prepaid":
        yield from (ago(today, days) for days in PREPAID_ORDERS_DAYS)
        return
    payment = load_rules().payment
    # Nobody supplies a customer on credit hold.
    until = payment.credit_hold_days if contact["pays"] == "stopped" else 1
    between = 30 / contact["orders"]
    at = DAYS - random.uniform(0, between)
    while at > until:
        day = ago(today, int(at))
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
            return replace(plan, paid_on=ago(today, 2), paid_share=Decimal("0.5"))
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
        **order(INVOICE, contact, plan.day, random),
        "Type": "ACCREC",
        "Status": "AUTHORISED" if plan.status == "VOIDED" else plan.status,
        "DueDate": (plan.day if contact["pays"] == "prepaid" else plan.day + terms).isoformat(),
        "Reference": f"PO {random.randint(1000, 9999)}",
        "SentToContact": plan.status != "DRAFT",
    }
    document = written(INVOICE, sent, books)
    if plan.status == "VOIDED":
        document |= {"Status": "VOIDED", "AmountDue": 0}
    if plan.paid_on:
        how = "PayNow" if contact["pays"] == "prepaid" else "Bank transfer"
        amount = (document["AmountDue"] * plan.paid_share).quantize(Decimal("0.01"))
        receive(document, amount, plan.paid_on, how, books)
    save(INVOICE, document, books.store)
