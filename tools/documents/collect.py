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
from tools.xero.scope import scope_of

MOST_INVOICES = 20


@dataclass(frozen=True)
class Download:
    """A document that is ready to be sent."""

    name: str
    content: bytes


async def collect(link: Mapping[str, Any], context: Context) -> Download | None:
    """The document of a link that is no pay link; None when it is not its customer's to see.

    Raises BackendUnavailable while it cannot be had, and StatementUnbalanced.
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
        case "delivery_order_pdf":
            return await delivery_order(target["number"], delivery_order_pdf, context)
        case "delivery_order_xlsx":
            return await delivery_order(target["number"], delivery_order_xlsx, context)
        case "pay_link":
            raise ValueError("a pay link leads to a page, there is nothing to collect")


async def delivery_order(
    number: str, make: Callable[[DeliveryOrder], bytes], context: Context
) -> bytes | None:
    """The customer's own order as a delivery order; None until it is in the books."""
    row = await context.actions.numbered(number, context.caller.customer_id)
    return await asyncio.to_thread(make, DeliveryOrder.of(row)) if row else None


async def _statement(target: Mapping[str, str], context: Context) -> bytes | None:
    if not _is_accountant(context):
        return None
    since, until = date.fromisoformat(target["since"]), date.fromisoformat(target["until"])
    found = await context.accounts.statement(since, until)
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
    )
    return await asyncio.to_thread(statement_pdf, statement)


async def _open_invoices(context: Context) -> bytes | None:
    """Those due first; None when none is open."""
    if not _is_accountant(context):
        return None
    invoices = await context.accounts.open_invoices()
    numbers = [i.invoice_number for i in invoices if i.invoice_number][:MOST_INVOICES]
    contents = await asyncio.gather(*(context.accounts.invoice_pdf(n) for n in numbers))
    found = {n: content for n, content in zip(numbers, contents, strict=True) if content}
    return _zipped(found) if found else None


def _zipped(contents: Mapping[str, bytes]) -> bytes:
    written = BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, content in contents.items():
            name = file_name("invoice_pdf", {"number": number})
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return written.getvalue()


def _is_accountant(context: Context) -> bool:
    caller = context.caller
    return scope_of(caller.customer_id, caller.contact_ids, caller.roles).is_accountant
