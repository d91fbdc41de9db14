"""A credit that waits for a person, for other pieces or another amount.

Goods are credited at the price that was charged. What is granted beyond or below that is a line of
its own, so that no price is made up and the pieces stay claimed. Raises OperationRefused.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from nodes.cards.credit import Creditable, creditable, credited
from nodes.cards.shape import items, money
from nodes.cards.wish import Reworked, Wish
from tools.context import Context
from tools.errors import OperationRefused
from tools.ordering.card import figures_of, goods_of
from tools.ordering.crediting import Claim, damaged_of
from tools.ordering.pricing import Fee, PricedLine, totals_of
from tools.rules import gst_percent

ADJUSTMENT = "Adjustment"


async def recredited(action: Mapping[str, Any], wish: Wish, context: Context) -> Reworked:
    """The credit as it is wished."""
    card = action["card"]
    found = await creditable(action, context)
    if found is None:
        raise OperationRefused("The invoice is gone: decline this card.")
    claim = Claim(_pieces(card["lines"], wish, found), ())
    lines = damaged_of(claim, found.goods, context.catalogue)
    fees = _granted(lines, card, wish)
    amounts = [*(x.amount for x in lines), *(fee.amount for fee in fees)]
    percent = gst_percent(found.invoice.date or context.now().date())
    totals = totals_of(amounts, percent)
    if totals.total <= 0:
        raise OperationRefused("Nothing is left of the credit: decline it instead.")
    told = {"items": str(items(lines)[1]), "amount": money(totals.total)}
    changed = {**card, **goods_of(lines, fees), **figures_of(totals)}
    changed |= {"amount": money(totals.total), "rows": _rows(card, told)}
    return Reworked(await credited(changed, found.invoice, lines, context))


def _pieces(lines: Sequence[Mapping[str, Any]], wish: Wish, found: Creditable) -> dict[str, int]:
    """Pieces by item code, no more than were charged and nobody else claims."""
    pieces: dict[str, int] = {}
    for n, line in enumerate(lines):
        count, most = wish.pieces.get(n, line["pieces"]), found.left.get(line["code"], 0)
        if count > most:
            raise OperationRefused(f"Of {line['name']} at most {most} can still be credited.")
        if count > 0:
            pieces[line["code"]] = count
    return pieces


def _granted(lines: Sequence[PricedLine], card: Mapping[str, Any], wish: Wish) -> list[Fee]:
    """What is granted more or less than the goods were charged at."""
    if wish.amount is None:
        return [Fee(fee["label"], Decimal(fee["amount"])) for fee in card["fees"]]
    difference = wish.amount - sum((x.amount for x in lines), Decimal(0))
    return [Fee(ADJUSTMENT, difference)] if difference else []


def _rows(card: Mapping[str, Any], told: Mapping[str, str]) -> list[list[str]]:
    """The card's rows with other values. Nobody has to agree any more: somebody has."""
    rows = [[key, told.get(key, value)] for key, value in card["rows"] if key != "approval"]
    return [row for row in rows if row[1]]
