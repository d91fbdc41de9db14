"""Prices and stock: of what the message is about, and of everything for an order."""

import re

from nodes.state import Fact, State, entities_named
from tools.context import Context
from tools.ordering.catalogue import Product
from tools.ordering.text import in_english, plain
from tools.rules import gst_percent
from tools.understanding.follow_up import is_follow_up
from tools.xero.facts import product_fact, unit_price

MOST_PRODUCTS = 20
SIZE = re.compile(r"(?P<number>\d+)(?P<unit>\D+)")
WHOLE_LIST = re.compile(
    r"\b(?:price ?list|list of (?:products|prices)|all (?:products|items|prices)|catalog(?:ue)?"
    r"|what (?:do|else do) you sell|senarai harga)\b|价目表|价格表|全部产品|விலைப்பட்டியல்",
    re.IGNORECASE,
)


async def read_products(state: State, context: Context) -> list[Fact]:
    """Price, pack and stock of each product that is asked about."""
    listed = await context.accounts.price_list()
    products = [p for p in _asked_products(state, context) if p.code in listed]
    shown = [product_fact(p, listed[p.code]) for p in products[:MOST_PRODUCTS]]
    data = {"listed": shown, "unsold": _unsold(state, context)}
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


def _unsold(state: State, context: Context) -> list[dict[str, str]]:
    """The sizes asked for that no product of that kind has; none where a product was named."""
    if entities_named(state, "product"):
        return []
    text = in_english(plain(state["screened"]["text"])).text
    like = context.catalogue.find(text).alternatives
    sizes = (SIZE.fullmatch(s) for s in context.catalogue.unsold_sizes(text, like) if like)
    return [{"number": s["number"], "unit": s["unit"]} for s in sizes if s]


def _asked_products(state: State, context: Context) -> list[Product]:
    """The products the message names; else those spoken of before; else what may be meant."""
    text, focus = state["screened"]["text"], state["turn"].get("focus", {})
    codes = entities_named(state, "product")
    if not codes and WHOLE_LIST.search(text):
        return list(context.catalogue.products)
    maybe = context.catalogue.find(text).alternatives
    if not codes and not maybe and is_follow_up(text):
        codes = focus.get("products", [])
    named = [context.catalogue.get(code) for code in codes]
    return [p for p in named if p] or list(maybe)
