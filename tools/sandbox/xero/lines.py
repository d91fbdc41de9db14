"""The lines of a document: item defaults, prices, taxes and what Xero refuses in them."""

import uuid
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import cast

from tools.sandbox.store import Json, Search
from tools.sandbox.xero import reference
from tools.sandbox.xero.call import Books
from tools.sandbox.xero.kinds import LINE_FIELDS
from tools.sandbox.xero.money import PricedLine, TaxMode, price_line, rounded_unit
from tools.sandbox.xero.wire import Invalid

LARGEST = Decimal(10) ** 11
QUANTITY_PLACES = 4
TEXTS = ("LineItemID", "Description", "ItemCode", "AccountCode", "TaxType")


def priced(sent: object, mode: TaxMode, day: date, books: Books) -> tuple[Json, PricedLine]:
    """One line as Xero keeps it, with its amounts; raises Invalid."""
    if not isinstance(sent, dict):
        raise Invalid("A line item must be an object")
    if unknown := sorted(set(sent) - LINE_FIELDS):
        raise Invalid(f"Line item fields that do not exist or cannot be set: {', '.join(unknown)}")
    sent = {name: value for name, value in sent.items() if value is not None}
    check_texts(sent, TEXTS)
    line = _with_defaults(sent, _item(sent, books), mode, day)
    _check_line(line, books)
    quantity = _number(line, "Quantity").quantize(Decimal(1).scaleb(-QUANTITY_PLACES))
    unit = rounded_unit(_number(line, "UnitAmount"), books.places)
    discount = _number(line, "DiscountRate") if "DiscountRate" in line else Decimal(0)
    price = price_line(quantity, unit, discount, _percent(line), mode)
    _check_sent_amounts(sent, price)
    amounts = {"UnitAmount": unit, "LineAmount": price.amount, "TaxAmount": price.tax}
    return {**line, "Quantity": quantity, **amounts}, price


def check_texts(sent: Json, names: Iterable[str]) -> None:
    """Raise Invalid if a field that is sent holds anything but text."""
    for name in names:
        if not isinstance(sent.get(name, ""), str):
            raise Invalid(f"{name} must be a text")


def _item(sent: Json, books: Books) -> Json:
    code = sent.get("ItemCode")
    if not code:
        return {}
    found = books.store.find("item", Search("number = ?", (code,)))
    if not found:
        raise Invalid(f"Item code '{code}' is not valid")
    return found[0]


def _with_defaults(sent: Json, item: Json, mode: TaxMode, day: date) -> Json:
    tax_type = reference.sales_tax_type(day) if mode != "notax" else "NONE"
    details = item.get("SalesDetails", {})
    line = {
        "LineItemID": str(uuid.uuid4()),
        "Description": item.get("Description", ""),
        "Quantity": 1,
        "UnitAmount": Decimal(str(details.get("UnitPrice", 0))),
        "AccountCode": details.get("AccountCode", reference.SALES_ACCOUNT),
        "TaxType": tax_type,
        "Tracking": [],
        **sent,
    }
    if item:
        line["Item"] = {name: item[name] for name in ("ItemID", "Name", "Code")}
    return line


def _check_line(line: Json, books: Books) -> None:
    if not line["Description"].strip():
        raise Invalid("Description is required for a line item")
    if find_account(line["AccountCode"], books) is None:
        raise Invalid(f"Account code '{line['AccountCode']}' is not a valid code for this document")


def find_account(code: object, books: Books) -> Json | None:
    """The account of that code or id."""
    search = Search("number = ? or id = ?", (str(code), str(code).lower()))
    return next(iter(books.store.find("account", search)), None)


def _percent(line: Json) -> Decimal:
    percent = reference.tax_percents().get(line["TaxType"])
    if percent is None:
        raise Invalid(f"TaxType code '{line['TaxType']}' does not exist or cannot be used here")
    return percent


def _number(line: Json, name: str) -> Decimal:
    value = line[name]
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise Invalid(f"{name} must be a number")
    number = Decimal(str(value))
    if abs(number) >= LARGEST:
        raise Invalid(f"{name} is out of range")
    return number


def _check_sent_amounts(sent: Json, price: PricedLine) -> None:
    for name, expected in (("LineAmount", price.amount), ("TaxAmount", price.tax)):
        if name in sent and _number(sent, name) != expected:
            raise Invalid(f"The {name} {sent[name]} does not match the expected {expected}")


def tax_mode(modes: dict[str, str], name: object) -> TaxMode:
    """The arithmetic behind a LineAmountTypes value; raises Invalid."""
    if name not in modes:
        raise Invalid(f"LineAmountTypes '{name}' is not one of {', '.join(modes)}")
    return cast(TaxMode, modes[str(name)])
