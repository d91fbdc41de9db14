from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from nodes.replies import LANGUAGES
from tests.nodes.conftest import data_of, kinds
from tests.nodes.reads.conftest import Books, money, reads, reply_to
from tools.context import Context
from tools.sandbox.xero.wire import day_of

SINGAPORE = ZoneInfo("Asia/Singapore")
SECTION = "payment#early-payment-discount"


@pytest.fixture
def invoice(context: Context, books: Books) -> dict[str, Any]:
    return books.invoices(context, "AUTHORISED")[0]


def days_after(context: Context, written: date, days: int) -> Context:
    """The same customer at noon some days after an invoice was written."""
    noon = datetime.combine(written + timedelta(days=days), time(12), SINGAPORE)
    return replace(context, now=lambda: noon)


@pytest.mark.parametrize(("days", "percent"), [(0, "2"), (7, "2"), (8, "0")])
async def test_the_day_of_the_invoice_decides(
    context: Context, invoice: dict[str, Any], days: int, percent: str
) -> None:
    context = days_after(context, day_of(invoice["Date"]), days)
    text = f"if I pay {invoice['InvoiceNumber']} today do I get the early discount?"
    computed = data_of(await reads(context, text, "balance"), "computed")
    due = Decimal(str(invoice["AmountDue"]))
    assert computed["section_id"] == SECTION
    assert computed["result"]["percent"] == percent
    off = Decimal(computed["result"]["discount"])
    assert abs(off - due * Decimal(percent) / 100) <= Decimal("0.005")
    assert Decimal(computed["result"]["to_pay"]) == due - off


async def test_what_is_left_to_pay_is_told_in_every_language(
    context: Context, invoice: dict[str, Any]
) -> None:
    context = days_after(context, day_of(invoice["Date"]), 1)
    text = f"early discount on {invoice['InvoiceNumber']}?"
    to_pay = data_of(await reads(context, text, "invoice"), "computed")["result"]["to_pay"]
    for language in LANGUAGES:
        assert money(to_pay) in await reply_to(context, text, "invoice", language=language)


async def test_of_a_paid_invoice_there_is_nothing_to_discount(
    context: Context, books: Books
) -> None:
    paid = books.invoices(context, "PAID")[0]["InvoiceNumber"]
    assert "computed" not in kinds(await reads(context, f"early discount on {paid}?", "invoice"))
