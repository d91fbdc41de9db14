"""Writing documents of days gone by, with ids that are the same in every sandbox."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random

from tools.sandbox.company import contact_id, products, stable_id
from tools.sandbox.store import Json, Store
from tools.sandbox.xero import reference
from tools.sandbox.xero.call import Books
from tools.sandbox.xero.documents import write_document
from tools.sandbox.xero.kinds import Kind, row_of
from tools.sandbox.xero.lines import find_account
from tools.sandbox.xero.payments import Receipt, pay
from tools.sandbox.xero.wire import day_of

DAYS = 548


def order(kind: Kind, contact: Json, day: date, random: Random) -> Json:
    """What a contact usually orders, as a document of that kind."""
    value = Decimal(str(contact["value"])) * Decimal(random.randint(70, 130)) / 100
    codes = random.sample(contact["mix"], k=min(len(contact["mix"]), random.randint(2, 3)))
    chosen = [p for p in products() if p["code"] in codes]
    return {
        "Contact": {"ContactID": contact_id(contact["slug"])},
        "Date": day.isoformat(),
        "LineAmountTypes": next(iter(kind.tax_modes)),
        "LineItems": [_line(product, value / len(chosen), day) for product in chosen],
    }


def written(kind: Kind, sent: Json, books: Books) -> Json:
    """A document with ids that follow from its number."""
    day = day_of(sent["Date"])
    then = replace(books, now=instant(day), today=day)
    document = write_document(kind, sent, None, then)
    name = document[kind.number_field] or sent["Reference"]
    document[kind.id_field] = stable_id(kind.table, name)
    for index, line in enumerate(document["LineItems"]):
        line["LineItemID"] = stable_id("line", f"{name}:{index}")
    return document


def save(kind: Kind, document: Json, store: Store) -> None:
    """Store a document as of its day."""
    at = instant(day_of(document["Date"])).isoformat()
    store.save(row_of(kind, document, at))


def receive(invoice: Json, amount: Decimal, day: date, how: str, books: Books) -> None:
    """Put a payment on the invoice, which is left to be saved, and store the payment."""
    number = invoice["InvoiceNumber"]
    account = find_account(reference.BANK_ACCOUNT, books) or {}
    receipt = Receipt(
        amount=amount,
        day=day,
        account={name: account[name] for name in ("AccountID", "Code", "Name")},
        reference=f"{how} {number}",
        is_reconciled=True,
        payment_id=stable_id("payment", number),
    )
    books.store.save(pay(invoice, receipt, instant(day)))


def ago(today: date, days: int) -> date:
    """The day so many days before."""
    return today - timedelta(days=days)


def instant(day: date) -> datetime:
    """Nine in the morning in Singapore."""
    return datetime.combine(day, time(1), UTC)


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
