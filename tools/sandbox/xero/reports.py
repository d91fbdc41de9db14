"""The aged receivables report of one contact, as rows and cells of text."""

from datetime import date
from uuid import UUID

from tools.sandbox.store import Json, Search
from tools.sandbox.xero.balances import money
from tools.sandbox.xero.call import Call
from tools.sandbox.xero.documents import given_day
from tools.sandbox.xero.wire import Invalid, Reply, bad_request, day_of, envelope, ms_instant

HEAD = ("Date", "Number", "Due Date", "", "Total", "Paid", "Credited", "Due")


def aged_receivables(call: Call) -> Reply:
    """What a contact owes on the invoices up to a day, as the books stand now."""
    contact = call.store.get("contact", _contact_id(call))
    if contact is None:
        raise bad_request(10, "ValidationException", "The contact could not be found")
    day, begin, end = (_day(call, name) for name in ("date", "fromDate", "toDate"))
    as_at = day or call.books.today
    unpaid = _unpaid(call, contact["ContactID"], (begin or date.min, min(as_at, end or as_at)))
    report = {
        "ReportName": "Aged Receivables By Contact",
        "ReportType": "AgedReceivablesByContact",
        "ReportTitles": ["Invoices", contact["Name"], f"To {_spoken(as_at)}"],
        "ReportDate": _spoken(as_at),
        "UpdatedDateUTC": ms_instant(call.books.now),
        "Fields": [],
        "Rows": [_cells("Header", HEAD), _section(unpaid, as_at)],
    }
    return envelope("Reports", [report], call.books.now)


def _contact_id(call: Call) -> str:
    try:
        return str(UUID(call.query.get("contactId", "")))
    except ValueError as error:
        raise bad_request(10, "ValidationException", "contactId must be an id") from error


def _day(call: Call, name: str) -> date | None:
    if not (text := call.query.get(name)):
        return None
    try:
        return given_day(name, text)
    except Invalid as invalid:
        raise bad_request(10, "ValidationException", str(invalid)) from invalid


def _unpaid(call: Call, contact_id: str, days: tuple[date, date]) -> list[Json]:
    condition = (
        "contact_id = ? and type = 'ACCREC' and status = 'AUTHORISED' and day between ? and ?"
    )
    values = (contact_id, days[0].isoformat(), days[1].isoformat())
    return call.store.find("invoice", Search(condition, values))


def _section(invoices: list[Json], as_at: date) -> Json:
    total = sum(money(i["AmountDue"]) for i in invoices)
    summary = _cells("SummaryRow", ("", "Total", "", "", "", "", "", f"{total:.2f}"))
    return {
        "RowType": "Section",
        "Title": "",
        "Rows": [*(_row(i, as_at) for i in invoices), summary],
    }


def _row(invoice: Json, as_at: date) -> Json:
    late = (as_at - day_of(invoice["DueDate"])).days
    amounts = ("Total", "AmountPaid", "AmountCredited", "AmountDue")
    row = _cells(
        "Row",
        (
            invoice["DateString"],
            invoice["InvoiceNumber"],
            invoice["DueDateString"],
            f"{late} days overdue" if late > 0 else "",
            *(f"{money(invoice[name]):.2f}" for name in amounts),
        ),
    )
    for cell in row["Cells"]:
        cell["Attributes"] = [{"Value": invoice["InvoiceID"], "Id": "invoiceID"}]
    return row


def _cells(kind: str, values: tuple[str, ...]) -> Json:
    return {"RowType": kind, "Cells": [{"Value": value} for value in values]}


def _spoken(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
