"""Quotes, and until when they hold."""

from collections.abc import Sequence
from datetime import date

from nodes.reads.asked import LookUps, quotes_asked
from nodes.state import Fact, State
from tools.context import Context
from tools.rules import load_rules
from tools.xero.documents import Quote
from tools.xero.facts import quote_fact

LISTED = 5


async def read_quotes(state: State, context: Context) -> list[Fact]:
    """Those that are named; else the latest ones."""
    look_ups, numbers = LookUps(state, context), quotes_asked(state)
    looked_up = [
        await look_ups.find(number, context.accounts.quote_by_number) for number in numbers
    ]
    quotes = [quote for quote in looked_up if quote]
    if not numbers:
        quotes = (await context.accounts.quotes())[:LISTED]
    told = quotes_fact(quotes, context.now().date(), looked_up.count(None))
    return [told, *look_ups.facts()]


def quotes_fact(quotes: Sequence[Quote], today: date, missing: int = 0) -> Fact:
    """What is told of quotes."""
    data = {
        "as_of": today.isoformat(),
        "listed": [quote_fact(quote, today) for quote in quotes],
        "missing_count": missing,
        "from_pieces": load_rules().ordering.quote_from_pieces,
    }
    return Fact(kind="quotes", source="xero:quotes", data=data)
