"""What downloads are called: our own words and a number reduced to letters, digits and hyphens."""

import re
from collections.abc import Mapping

from tools.documents.links import LinkKind

NAMES: Mapping[LinkKind, str] = {
    "invoice_pdf": "{number}-invoice.pdf",
    "invoices_zip": "open-invoices.zip",
    "statement_pdf": "account-summary-{since}-to-{until}.pdf",
    "quote_pdf": "{number}-quote.pdf",
    "credit_note_pdf": "{number}-credit-note.pdf",
    "delivery_order_pdf": "{number}-delivery-order.pdf",
    "delivery_order_xlsx": "{number}-delivery-order.xlsx",
    "pay_link": "{number}-payment",
}
TYPES = {
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "zip": "application/zip",
}
LONGEST_PART = 40


def file_name(kind: LinkKind, target: Mapping[str, str]) -> str:
    """The name under which a browser stores the document: never a path, never two header lines."""
    return NAMES[kind].format_map({name: _reduced(part) for name, part in target.items()})


def media_type(name: str) -> str:
    """What kind of file that is."""
    return TYPES[name.rpartition(".")[2]]


def _reduced(part: str) -> str:
    return re.sub(r"[^A-Za-z0-9-]", "", part)[:LONGEST_PART] or "document"
