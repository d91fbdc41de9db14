"""Offers: until when one holds, and the order that one becomes when it is accepted."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tools.ordering.catalogue import Catalogue
from tools.ordering.finishes import finish_of
from tools.ordering.pricing import (
    AccountStanding,
    Fee,
    PricedLine,
    PricedOrder,
    cents,
    order_of,
    priced_line,
)
from tools.rules import gst_percent, load_rules
from tools.xero.documents import LineItem, Quote

ONE_DAY = timedelta(days=1)


def valid_until(day: date) -> date:
    """The last day on which prices of that day hold (P1)."""
    months = day.year * 12 + day.month - 1 + load_rules().payment.price_months
    return date(months // 12, months % 12 + 1, 1) - ONE_DAY


def end_of(day: date) -> datetime:
    """The moment when a day is over in Singapore."""
    return datetime.combine(day + ONE_DAY, time.min, ZoneInfo(load_rules().company.timezone))


def order_of_quote(
    quote: Quote, catalogue: Catalogue, on: date, account: AccountStanding
) -> PricedOrder | None:
    """The quote's goods at its prices; None where our arithmetic does not give its total."""
    priced = [_priced(line, catalogue) for line in quote.line_items]
    lines = tuple(x for x in priced if isinstance(x, PricedLine))
    fees = tuple(x for x in priced if isinstance(x, Fee))
    if None in priced or not lines:
        return None
    order = order_of(lines, fees, gst_percent(on), account)
    return order if order.total == quote.total else None


def _priced(line: LineItem, catalogue: Catalogue) -> PricedLine | Fee | None:
    """A line of goods, or a charge; None for what is neither, such as a discounted line."""
    quantity, price, amount = line.quantity, line.unit_amount, line.line_amount
    if quantity is None or price is None or amount != cents(quantity * price):
        return None
    if line.item_code is None:
        return Fee(line.description or "", amount) if line.description else None
    product = catalogue.get(line.item_code)
    if product is None or quantity != quantity.to_integral_value():
        return None
    return priced_line(product, int(quantity), price, finish_of(line.description))
