"""Invoices by their numbers, with their lines where those are asked for; and the tax on them."""

from datetime import date
from decimal import Decimal
from typing import Any

from nodes.reads.asked import (
    LookUps,
    asks_for_latest,
    asks_for_oldest,
    invoices_asked,
    period_asked,
)
from nodes.reads.quotes import quotes_fact
from nodes.state import Fact, State, wants_in
from tools.context import Context
from tools.rules import gst_percent, load_rules
from tools.xero.documents import Invoice, Quote
from tools.xero.facts import invoice_fact, lines_fact, text, unit_price
from tools.xero.scoped import OURS


async def read_documents(state: State, context: Context) -> list[Fact]:
    """A foreign document reads like one that does not exist."""
    look_ups, found = LookUps(state, context), list[Invoice | Quote | None]()
    for number in invoices_asked(state):
        found.append(await look_ups.find(number, lambda n: _invoice_or_quote(n, context)))
    if asks_for_latest(state):
        found += (await context.accounts.invoices())[:1]
    elif asks_for_oldest(state):
        found += (await context.accounts.open_invoices())[:1]
    data = {
        "found": await _shown([d for d in found if isinstance(d, Invoice)], state, context),
        "missing_count": found.count(None),
    }
    facts = [Fact(kind="documents", source="xero:invoices", data=data)]
    quotes = quotes_fact([d for d in found if isinstance(d, Quote)], context.now().date())
    return [*facts, *([quotes] if quotes["data"]["listed"] else []), *look_ups.facts()]


async def read_tax(state: State, context: Context) -> list[Fact]:
    """The seller's number and the rate; what an invoice is taxed with stands beside its lines.

    The day of an invoice decides: of a day with another rate that one is told too.
    """
    today, seller = context.now().date(), await context.accounts.organisation()
    period = period_asked(state)
    data: dict[str, Any] = {
        "on": today.isoformat(),
        "percent": f"{gst_percent(today):f}",
        "gst_number": text(seller.tax_number),
        "seller": load_rules().company.legal_name,
    }
    if period and (percent := gst_percent(period.until)) != gst_percent(today):
        data |= {"before": {"on": period.until.isoformat(), "percent": f"{percent:f}"}}
    return [Fact(kind="tax", source="xero:organisation", data=data)]


async def _invoice_or_quote(number: str, context: Context) -> Invoice | Quote | None:
    """Our own series is of orders and of quotes."""
    found = await context.accounts.invoice_by_number(number)
    if found or not OURS.fullmatch(number):
        return found
    return await context.accounts.quote_by_number(number)


async def _shown(invoices: list[Invoice], state: State, context: Context) -> list[dict[str, Any]]:
    today, wants = context.now().date(), wants_in(state)
    prices = await _list_prices(context) if "lines" in wants and invoices else {}
    return [
        _invoice(invoice, today, context)
        | (_with_prices(invoice, prices) if wants & {"lines", "tax"} else {})
        for invoice in invoices
    ]


def _invoice(invoice: Invoice, today: date, context: Context) -> dict[str, Any]:
    """Who pays it is worth a word only to somebody who looks after several payers."""
    shown = invoice_fact(invoice, today)
    if len(context.caller.contact_ids) > 1:
        shown["bill_to"] = text(invoice.contact.name)
    return shown


def _with_prices(invoice: Invoice, prices: dict[str, Decimal]) -> dict[str, Any]:
    """The lines, each beside the price of today's list."""
    shown = lines_fact(invoice)
    for line in shown["lines"]:
        if line["code"] in prices:
            line["list_price"] = unit_price(prices[line["code"]])
    return shown


async def _list_prices(context: Context) -> dict[str, Decimal]:
    return {code: item.price for code, item in (await context.accounts.price_list()).items()}
