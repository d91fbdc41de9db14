"""Payments of invoices: recording one, taking one back, and what Xero refuses."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import partial

from tools.sandbox.store import Json, Row
from tools.sandbox.xero.balances import ZERO, money, settle
from tools.sandbox.xero.call import Books, Call
from tools.sandbox.xero.documents import find_document, given_day
from tools.sandbox.xero.kinds import INVOICE, row_of
from tools.sandbox.xero.lines import find_account
from tools.sandbox.xero.money import cents
from tools.sandbox.xero.wire import (
    Invalid,
    Reply,
    day_of,
    envelope,
    ms_date,
    ms_instant,
    not_found,
    validation_error,
)
from tools.sandbox.xero.writes import answer, attempt

FIELDS = frozenset(
    {"Invoice", "InvoiceNumber", "Account", "Code", "Date", "Amount", "Reference", "Status"}
    | {"CurrencyRate", "IsReconciled", "PaymentID", "Particulars", "Details"}
)
LARGEST = Decimal(10) ** 11
TYPES = {"ACCREC": "ACCRECPAYMENT", "ACCPAY": "ACCPAYPAYMENT"}


@dataclass(frozen=True)
class Receipt:
    """Money that came in for an invoice."""

    amount: Decimal
    day: date
    account: Json
    reference: str = ""
    is_reconciled: bool = False
    payment_id: str = field(default_factory=lambda: str(uuid.uuid4()))


def create_payments(call: Call) -> Reply:
    """PUT: each payment of its own invoice."""
    sent = call.documents("Payments")
    attempts = [attempt(one, FIELDS, partial(_record, one, call.books)) for one in sent]
    return answer("Payments", attempts, call)


def delete_payment(call: Call) -> Reply:
    """POST with the status DELETED: the invoice is open again."""
    payment = call.store.get("payment", call.path["PaymentID"].lower())
    if payment is None:
        raise not_found()
    sent = call.documents("Payments")[0]
    if sent.get("Status") != "DELETED" or payment["Status"] == "DELETED":
        message = "A payment can only be deleted, and only once"
        raise validation_error([{**sent, "ValidationErrors": [{"Message": message}]}])
    return envelope("Payments", [_take_back(payment, call.books)], call.books.now)


def record(receipt: Receipt, invoice: Json, books: Books) -> Json:
    """Check and store a payment and what it does to its invoice; raises Invalid."""
    _check(receipt, invoice)
    row = pay(invoice, receipt, books.now)
    save_invoice(invoice, books)
    books.store.save(row)
    return row.body


def pay(invoice: Json, receipt: Receipt, at: datetime) -> Row:
    """Put the receipt on the invoice, and return the payment to be stored."""
    part = {
        "PaymentID": receipt.payment_id,
        "Date": ms_date(receipt.day),
        "Amount": receipt.amount,
        "Reference": receipt.reference,
        "CurrencyRate": 1.0,
        "HasAccount": True,
        "HasValidationErrors": False,
    }
    invoice["Payments"] = [*invoice["Payments"], part]
    settle(invoice, receipt.day)
    return _row(_body(part, receipt, invoice, at), at)


def save_invoice(invoice: Json, books: Books) -> None:
    """Store an invoice that a payment or a credit has changed."""
    invoice["UpdatedDateUTC"] = ms_instant(books.now)
    books.store.save(row_of(INVOICE, invoice, books.now.isoformat()))


def _record(sent: Json, books: Books) -> Json:
    if unknown := sorted(set(sent) - FIELDS):
        raise Invalid(f"Fields that do not exist or cannot be set: {', '.join(unknown)}")
    named = _part(sent, "Invoice")
    name = named.get("InvoiceID") or named.get("InvoiceNumber") or sent.get("InvoiceNumber")
    invoice = find_document(INVOICE, str(name or ""), books)
    if invoice is None:
        raise Invalid("The document to be paid could not be found")
    return record(_receipt(sent, books), invoice, books)


def _receipt(sent: Json, books: Books) -> Receipt:
    amount = sent.get("Amount")
    if isinstance(amount, bool) or not isinstance(amount, int | float | Decimal):
        raise Invalid("Amount must be a number")
    if not ZERO < money(amount) < LARGEST:
        raise Invalid("The payment amount must be greater than zero")
    day = given_day("Date", sent["Date"]) if sent.get("Date") else books.today
    reference = sent.get("Reference") or ""
    if not isinstance(reference, str):
        raise Invalid("Reference must be a text")
    is_reconciled = sent.get("IsReconciled") is True
    return Receipt(cents(money(amount)), day, _account(sent, books), reference, is_reconciled)


def _account(sent: Json, books: Books) -> Json:
    named = _part(sent, "Account")
    name = named.get("AccountID") or named.get("Code") or sent.get("Code") or ""
    account = find_account(name, books)
    if account is None or not account["EnablePaymentsToAccount"]:
        raise Invalid("The account must be a bank account or have payments enabled")
    return {field: account[field] for field in ("AccountID", "Code", "Name")}


def _part(sent: Json, name: str) -> Mapping[str, object]:
    part = sent.get(name)
    return part if isinstance(part, dict) else {}


def _check(receipt: Receipt, invoice: Json) -> None:
    if invoice["Status"] != "AUTHORISED":
        raise Invalid("Payments can only be made against Authorised documents")
    if receipt.amount > money(invoice["AmountDue"]):
        raise Invalid("Payment amount exceeds the amount outstanding on this document")


def _body(part: Json, receipt: Receipt, invoice: Json, at: datetime) -> Json:
    names = ("InvoiceID", "InvoiceNumber", "Type", "Contact")
    return {
        **part,
        "BankAmount": receipt.amount,
        "Status": "AUTHORISED",
        "PaymentType": TYPES[invoice["Type"]],
        "IsReconciled": receipt.is_reconciled,
        "Account": receipt.account,
        "Invoice": {name: invoice[name] for name in names},
        "UpdatedDateUTC": ms_instant(at),
    }


def _row(body: Json, at: datetime) -> Row:
    invoice = body["Invoice"]
    return Row(
        "payment",
        body["PaymentID"],
        body,
        at.isoformat(),
        contact_id=invoice["Contact"]["ContactID"],
        parent_id=invoice["InvoiceID"],
        number=invoice["InvoiceNumber"],
        reference=body["Reference"],
        status=body["Status"],
        type=body["PaymentType"],
        day=day_of(body["Date"]).isoformat(),
        total=float(body["Amount"]),
    )


def _take_back(payment: Json, books: Books) -> Json:
    invoice = books.store.get("invoice", payment["Invoice"]["InvoiceID"])
    if invoice is not None:
        kept = [p for p in invoice["Payments"] if p["PaymentID"] != payment["PaymentID"]]
        invoice["Payments"] = kept
        settle(invoice, books.today)
        save_invoice(invoice, books)
    payment |= {"Status": "DELETED", "UpdatedDateUTC": ms_instant(books.now)}
    books.store.save(_row(payment, books.now))
    return payment
