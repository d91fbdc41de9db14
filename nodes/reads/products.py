"""Prices and stock: of what the message is about, and of everything for an order."""

import re

from nodes.state import Fact, State, entities_named
from tools.context import Context
from tools.ordering.catalogue import Product
from tools.rules import gst_percent
from tools.understanding.follow_up import is_follow_up
from tools.understanding.unsold import product_words, unsold_sizes
from tools.xero.facts import product_fact, unit_price

MOST_PRODUCTS = 20
WHOLE_LIST = re.compile(
    r"\b(?:price ?list|list of (?:products|prices)|all (?:products|items|prices)|catalog(?:ue)?"
    r"|what (?:do|else do) you sell|senarai harga)\b|价目表|价格表|全部产品|விலைப்பட்டியல்",
    re.IGNORECASE,
)


async def read_products(state: State, context: Context) -> list[Fact]:
    """Price, pack and stock of each product that is asked about.

    "How much?" beside the number of a document asks for no product.
    """
    listed = await context.accounts.price_list()
    products = [p for p in _asked_products(state, context) if p.code in listed]
    shown = [product_fact(p, listed[p.code]) for p in products[:MOST_PRODUCTS]]
    unsold = unsold_sizes(state["screened"]["text"], state["screened"]["language"])
    if not shown and not unsold and entities_named(state, "document"):
        return []
    data = {"listed": shown, "unsold": unsold}
    return [Fact(kind="products", source="xero:items", data=data)]


async def read_prices(_: State, context: Context) -> list[Fact]:
    """The whole price list, to price an order by."""
    listed = await context.accounts.price_list()
    data = {
        "by_code": {code: unit_price(item.price) for code, item in listed.items()},
        "on_hand": {c: int(i.on_hand) for c, i in listed.items() if i.on_hand is not None},
    }
    return [Fact(kind="prices", source="xero:items", data=data)]


async def read_sales_tax(_: State, context: Context) -> list[Fact]:
    """The rate of today, and Xero's name for it."""
    percent = gst_percent(context.now().date())
    data = {
        "gst_percent": f"{percent:f}",
        "tax_type": await context.accounts.sales_tax(percent),
    }
    return [Fact(kind="sales_tax", source="xero:taxrates", data=data)]


def _asked_products(state: State, context: Context) -> list[Product]:
    """The products the message names; else those spoken of before; else what may be meant."""
    screened, focus = state["screened"], state["turn"].get("focus", {})
    codes = entities_named(state, "product")
    if not codes and WHOLE_LIST.search(screened["text"]):
        return list(context.catalogue.products)
    words = product_words(screened["text"], screened["language"])
    maybe = context.catalogue.find(words).alternatives
    if not codes and not maybe and is_follow_up(screened["text"]):
        codes = focus.get("products", [])
    named = [context.catalogue.get(code) for code in codes]
    return [p for p in named if p] or list(maybe)
