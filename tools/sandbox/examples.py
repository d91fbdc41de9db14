"""The documents that the examples in Xero's official description speak of, under those ids."""

from decimal import Decimal

from tools.sandbox.company import contact_id
from tools.sandbox.extras import early_money
from tools.sandbox.store import Json, Row
from tools.sandbox.xero import reference
from tools.sandbox.xero.call import Books
from tools.sandbox.xero.contacts import contact_row
from tools.sandbox.xero.documents import write_document
from tools.sandbox.xero.kinds import CREDIT_NOTE, INVOICE, PURCHASE_ORDER, QUOTE, Kind, row_of
from tools.sandbox.xero.lines import find_account
from tools.sandbox.xero.payments import Receipt, record

ZERO = "00000000-0000-0000-0000-000000000000"
OTHER_CONTACT = "430fa14a-f945-44d3-9f97-5df5e28441b8"
OTHER_INVOICE = "c45720a1-ade3-4a38-a064-d15489be6841"
PAID_INVOICE = "00000000-0000-0000-0000-000000000001"
ACCOUNTS = (
    {"code": "400", "name": "Advertising", "type": "EXPENSE", "class": "EXPENSE"},
    {"code": "710", "name": "Office Equipment", "type": "FIXED", "class": "ASSET"},
    {"code": "970", "name": "Owner's Funds", "type": "EQUITY", "class": "EQUITY"},
    {"code": "12775", "name": "Other Sales", "type": "REVENUE", "class": "REVENUE"},
)


def write_examples(books: Books) -> Json:
    """Write them, unless they are there; the ids of both cases."""
    ids = {"every": ZERO, "contact": OTHER_CONTACT, "invoice": OTHER_INVOICE}
    if books.store.get("contact", ZERO):
        return ids
    for account in ACCOUNTS:
        books.store.save(reference.account_row(account, books.now))
    for name, example in (("Example Buyer", ZERO), ("Example Supplier", OTHER_CONTACT)):
        books.store.save(contact_row(_contact(example, name, books), books.now.isoformat()))
    _write_documents(books)
    _write_payment(books)
    _write_others(books)
    return ids


def _contact(example: str, name: str, books: Books) -> Json:
    like = books.store.get("contact", contact_id("green-bowl")) or {}
    return {**like, "ContactID": example, "Name": name, "ContactPersons": []}


def _write_documents(books: Books) -> None:
    sale = {"Type": "ACCREC", "Status": "AUTHORISED"}
    bill = {"Type": "ACCPAY", "Status": "AUTHORISED"}
    _write(INVOICE, ZERO, _sent(ZERO, **sale, DueDate=_due(books)), books)
    _write(INVOICE, PAID_INVOICE, _sent(ZERO, **sale, DueDate=_due(books)), books)
    _write(INVOICE, OTHER_INVOICE, _sent(OTHER_CONTACT, **bill, DueDate=_due(books)), books)
    credit = _sent(OTHER_CONTACT, Type="ACCPAYCREDIT", Status="AUTHORISED")
    _write(CREDIT_NOTE, ZERO, credit, books)
    _write(QUOTE, ZERO, _sent(ZERO), books)
    _write(PURCHASE_ORDER, ZERO, _sent(ZERO), books)


def _sent(contact: str, **more: str) -> Json:
    line = {"Description": "Example", "Quantity": 10, "UnitAmount": 100, "TaxType": "NONE"}
    return {"Contact": {"ContactID": contact}, "LineItems": [line], **more}


def _due(books: Books) -> str:
    return books.today.isoformat()


def _write(kind: Kind, document_id: str, sent: Json, books: Books) -> None:
    document = write_document(kind, sent, None, books) | {kind.id_field: document_id}
    books.store.save(row_of(kind, document, books.now.isoformat()))


def _write_payment(books: Books) -> None:
    account = find_account(reference.BANK_ACCOUNT, books) or {}
    invoice = books.store.get("invoice", PAID_INVOICE) or {}
    named = {name: account[name] for name in ("AccountID", "Code", "Name")}
    record(Receipt(Decimal(1), books.today, named, payment_id=ZERO), invoice, books)


def _write_others(books: Books) -> None:
    contact = books.store.get("contact", ZERO) or {}
    for table in ("overpayment", "prepayment"):
        books.store.save(early_money(table, ZERO, contact, Decimal(20), books.today))
    item = books.store.find("item")[0] | {"ItemID": ZERO, "Code": "EXAMPLE"}
    books.store.save(Row("item", ZERO, item, books.now.isoformat(), number=item["Code"]))
