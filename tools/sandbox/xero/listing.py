"""Lists: typed filters, `where`, order, pages and the fields that short lists leave out."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from math import ceil
from uuid import UUID

from tools.sandbox.store import Json, Search
from tools.sandbox.xero.call import Call
from tools.sandbox.xero.money import rounded_unit
from tools.sandbox.xero.where import parse_order, parse_where
from tools.sandbox.xero.wire import Reply, bad_request, envelope

PAGE_SIZE, LARGEST_PAGE = 100, 1000
HEAVY = ("LineItems",)
HEAVY_SUMMARY = (
    *("LineItems", "Payments", "CreditNotes", "Prepayments", "Overpayments"),
    *("ContactPersons", "Addresses", "Phones", "IsSupplier", "IsCustomer"),
)

Action = Callable[[Call], Reply]
Condition = tuple[str, tuple[object, ...]]


@dataclass(frozen=True)
class Listing:
    """How one kind of document is listed: query parameters and fields by column."""

    table: str
    plural: str
    columns: Mapping[str, str] = field(default_factory=dict)  # for `where` and `order`
    sets: Mapping[str, str] = field(default_factory=dict)  # comma-separated parameters
    ranges: Mapping[str, str] = field(default_factory=dict)  # parameter -> "column operator"
    searched: tuple[str, ...] = ()  # columns that `searchTerm` looks in
    understands_where: bool = True


def lister(listing: Listing) -> Action:
    """The operation that lists these documents."""

    def list_documents(call: Call) -> Reply:
        search = _search(listing, call)
        if "page" not in call.query:
            found = call.store.find(listing.table, search)
            shown = [shape(without(d, HEAVY), call.query) for d in found]
            return envelope(listing.plural, shown, call.books.now)
        return _page(listing, search, call)

    return list_documents


def shape(document: Json, query: Mapping[str, str]) -> Json:
    """A document with unit prices at 4 decimals if asked by `unitdp`, else at 2."""
    if query.get("summaryOnly", "").lower() == "true":
        document = without(document, HEAVY_SUMMARY)
    if query.get("unitdp") == "4":
        return document
    shown = dict(document)
    if "LineItems" in shown:
        shown["LineItems"] = [_at_two(line, "UnitAmount") for line in shown["LineItems"]]
    if "SalesDetails" in shown:
        shown["SalesDetails"] = _at_two(shown["SalesDetails"], "UnitPrice")
    return shown


def without(document: Json, names: tuple[str, ...]) -> Json:
    """The document less these fields."""
    return {name: value for name, value in document.items() if name not in names}


def _at_two(part: Json, name: str) -> Json:
    return {**part, name: rounded_unit(Decimal(str(part[name])), 2)}


def _page(listing: Listing, search: Search, call: Call) -> Reply:
    page = _whole_number(call, "page", 1)
    size = _whole_number(call, "pageSize", PAGE_SIZE)
    if size > LARGEST_PAGE:
        raise bad_request(10, "ValidationException", f"pageSize is at most {LARGEST_PAGE}")
    count = call.store.count(listing.table, search)
    window = replace(search, limit=size, offset=(page - 1) * size)
    found = [shape(d, call.query) for d in call.store.find(listing.table, window)]
    pagination = {"page": page, "pageSize": size, "pageCount": ceil(count / size)}
    extra = {"pagination": {**pagination, "itemCount": count}}
    return envelope(listing.plural, found, call.books.now, **extra)


def _whole_number(call: Call, name: str, default: int) -> int:
    text = call.query.get(name, str(default))
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 10**9:
        raise bad_request(10, "ValidationException", f"{name} must be a positive number")
    return int(text)


def _search(listing: Listing, call: Call) -> Search:
    conditions: list[str] = []
    values: list[object] = []
    for condition, found in _conditions(listing, call):
        conditions.append(f"({condition})")
        values += found
    order = call.query.get("order")
    return Search(
        condition=" and ".join(conditions) or "1",
        values=tuple(values),
        order=parse_order(order, listing.columns) if order else Search().order,
    )


def _conditions(listing: Listing, call: Call) -> list[Condition]:
    found: list[Condition] = [_any_of(c, name, call) for name, c in listing.sets.items()]
    for name, comparison in listing.ranges.items():
        if name in call.query:
            found.append((f"{comparison} ?", (call.query[name],)))
    if listing.searched and (term := call.query.get("searchTerm")):
        found.append(_with_term(listing.searched, term))
    if listing.understands_where and call.query.get("where"):
        found.append(parse_where(call.query["where"], listing.columns))
    if since := call.headers.get("if-modified-since"):
        found.append(("updated >= ?", (_instant(since).isoformat(),)))
    if listing.table == "contact" and call.query.get("includeArchived", "").lower() != "true":
        found.append(("coalesce(status, '') <> 'ARCHIVED'", ()))
    return found


def _with_term(columns: tuple[str, ...], term: str) -> Condition:
    literal = re.sub("([%_!])", r"!\1", term)
    condition = " or ".join(f"{column} like ? escape '!'" for column in columns)
    return condition, (f"%{literal}%",) * len(columns)


def _any_of(column: str, name: str, call: Call) -> Condition:
    if not call.query.get(name):
        return "1", ()
    values = tuple(value.strip() for value in call.query[name].split(","))
    if column in ("id", "contact_id"):
        values = tuple(_uuid(name, value) for value in values)
    return f"{column} in ({', '.join('?' * len(values))})", values


def _uuid(name: str, value: str) -> str:
    try:
        return str(UUID(value))
    except ValueError as error:
        raise bad_request(10, "ValidationException", f"{name} must hold ids") from error


def _instant(text: str) -> datetime:
    try:
        read = datetime.fromisoformat if text[:1].isdigit() else parsedate_to_datetime
        instant = read(text)
    except ValueError as error:
        message = "If-Modified-Since is not a date"
        raise bad_request(10, "ValidationException", message) from error
    return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)
