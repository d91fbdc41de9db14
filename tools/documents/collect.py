"""Fetches or makes the document of a link, with the rights of the customer it was issued to."""

import asyncio
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from typing import Any, cast

from tools.context import Context
from tools.documents.delivery_order import DeliveryOrder, delivery_order_pdf
from tools.documents.links import LinkKind
from tools.documents.names import file_name
from tools.documents.statement import Statement, StatementLine, statement_pdf
from tools.documents.workbook import delivery_order_xlsx
from tools.rules import load_rules

MOST_INVOICES = 20
DELIVERED = {"outlet", "delivery", "lines"}  # what a card needs for goods to be brought anywhere
DELIVERY_ORDERS = {
    "delivery_order_pdf": delivery_order_pdf,
    "delivery_order_xlsx": delivery_order_xlsx,
}


@dataclass(frozen=True)
class Download:
    """A document that is ready to be sent."""

    name: str
    content: bytes


async def collect(link: Mapping[str, Any], context: Context) -> Download | None:
    """The document of a link that is no pay link; None when it is not its customer's to see.

    Raises a TriaError while it cannot be had, for one StatementUnbalanced.
    """
    kind, target = cast(LinkKind, link["kind"]), link["target"]
    content = await _content(kind, target, context)
    return Download(file_name(kind, target), content) if content else None


async def _content(kind: LinkKind, target: Mapping[str, str], context: Context) -> bytes | None:
    accounts = context.accounts
    match kind:
        case "invoice_pdf":
            return await accounts.invoice_pdf(target["number"])
        case "quote_pdf":
            return await accounts.quote_pdf(target["number"])
        case "credit_note_pdf":
            return await accounts.credit_note_pdf(target["number"])
        case "invoices_zip":
            return await _open_invoices(context)
        case "statement_pdf":
            return await _statement(target, context)
        case "delivery_order_pdf" | "delivery_order_xlsx":
            return await delivery_order(target["number"], DELIVERY_ORDERS[kind], context)
        case "pay_link":
            raise ValueError("a pay link leads to a page, there is nothing to collect")


async def delivery_order(
    number: str, make: Callable[[DeliveryOrder], bytes], context: Context
) -> bytes | None:
    """The customer's own order as a delivery order; None until its place and day are settled."""
    row = await context.actions.numbered(number, context.caller.customer_id)
    if row is None or not row["card"].keys() >= DELIVERED:
        return None
    return await asyncio.to_thread(make, DeliveryOrder.of(row))


async def _statement(target: Mapping[str, str], context: Context) -> bytes | None:
    if not context.accounts.scope.is_accountant:
        return None
    since, until = date.fromisoformat(target["since"]), date.fromisoformat(target["until"])
    currency = target.get("currency", load_rules().company.currency)
    found = await context.accounts.statement(since, until, currency)
    lines = (StatementLine(m.day, m.kind, m.number, m.amount, m.balance) for m in found.lines)
    statement = Statement(
        bill_to=context.caller.company,
        since=found.since,
        until=found.until,
        opening=found.opening,
        lines=tuple(lines),
        closing=found.closing,
        as_of=found.as_of,
        currency=found.currency,
        other_currencies=found.other_currencies,
    )
    return await asyncio.to_thread(statement_pdf, statement)


async def _open_invoices(context: Context) -> bytes | None:
    """Those due first, each by one call and one after the other; None when none is open."""
    if not context.accounts.scope.is_accountant:
        return None
    found: dict[str, bytes] = {}
    for invoice in (await context.accounts.open_invoices(fresh=True))[:MOST_INVOICES]:
        if invoice.invoice_number:
            found[invoice.invoice_number] = await context.accounts.pdf_of(invoice)
    return _zipped(found) if found else None


def _zipped(contents: Mapping[str, bytes]) -> bytes:
    written = BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, content in contents.items():
            name = file_name("invoice_pdf", {"number": number})
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return written.getvalue()
