"""The finish that goods come in beside the usual one: pizza boxes also in white, for more."""

import re
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from tools.ordering.catalogue import Catalogue, Product
from tools.ordering.types import Finish, OrderLine
from tools.rules import load_rules

IN_WHITE: frozenset[str] = frozenset({"pizza box"})
WHITE = re.compile(
    r"\b(?:in\s+)?(?:(?:the|colou?r)\s+)?white\b(?:\s+(?:colou?r(?:ed)?|ones?)\b)?", re.IGNORECASE
)
EVERYTHING = re.compile(r"\b(?:all|both|everything|every|each)\b", re.IGNORECASE)
HUNDRED = Decimal(100)
MARK = ", white"


def without_finish(words: str) -> tuple[str, Finish]:
    """Words without the finish they name, and that finish."""
    rest, count = WHITE.subn(" ", words)
    return (" ".join(rest.split()), "white") if count else (words, "")


def comes_in(finish: Finish, products: Iterable[Product]) -> bool:
    """Whether all of these goods, and at least one, are sold in that finish."""
    families = {product.family for product in products}
    return not finish or (bool(families) and families <= IN_WHITE)


def finished(lines: Iterable[OrderLine], finish: Finish, catalogue: Catalogue) -> list[OrderLine]:
    """The lines in that finish where their goods come in it."""
    return [replace(x, finish=finish) if _fits(x, finish, catalogue) else x for x in lines]


def asked_for(text: str) -> Finish:
    """The finish that a text names."""
    return without_finish(text)[1]


def priced_in(price: Decimal, finish: Finish) -> Decimal:
    """The price of one piece in that finish, from that of the usual one."""
    if not finish:
        return price
    return price * (HUNDRED + load_rules().products.white_percent) / HUNDRED


def named_in(name: str, finish: Finish) -> str:
    """How cards and documents name goods in that finish."""
    return name + MARK if finish else name


def finish_of(name: str | None) -> Finish:
    """The finish that a card's or document's name of goods tells."""
    return "white" if (name or "").endswith(MARK) else ""


def _fits(line: OrderLine, finish: Finish, catalogue: Catalogue) -> bool:
    product = catalogue.get(line.code) if line.code else None
    return comes_in(finish, [product] if product else line.alternatives)
