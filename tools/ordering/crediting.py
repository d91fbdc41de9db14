"""Goods of an invoice that arrived damaged: how many of what, and what they were charged at."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from tools.ordering.catalogue import Catalogue, Product
from tools.ordering.orders import parse_order
from tools.ordering.pricing import PricedLine, priced_line
from tools.ordering.types import OrderLine
from tools.xero.documents import CreditNote, Invoice, LineItem

Missing = Literal["invoice", "product", "quantity"]

GONE = frozenset({"DELETED", "VOIDED"})
FOUR_PLACES = Decimal("0.0001")  # as many as Xero keeps of a price


@dataclass(frozen=True)
class Claim:
    """Pieces by item code, and what the customer still has to say before there can be a credit."""

    pieces: Mapping[str, int]
    missing: tuple[Missing, ...]


def claim_of(text: str, most: Mapping[str, int], catalogue: Catalogue, received: datetime) -> Claim:
    """What a message claims, where `most` pieces of each item can be. More is no quantity."""
    pieces, missing = Counter[str](), list[Missing]()
    lines = parse_order(text, catalogue, (), received).lines
    for line in lines:
        code = _meant(line, most.keys())
        count = _pieces(line, catalogue.get(code) if code else None)
        missing += ["product"] if code is None else []
        missing += [] if count else ["quantity"]
        pieces[code or ""] += count
    if not lines:
        missing += ["quantity"] if len(most) == 1 else ["product", "quantity"]
    del pieces[""]
    if any(n > most[code] for code, n in pieces.items()):
        missing.append("quantity")
    return Claim(pieces, tuple(dict.fromkeys(missing)))


def goods_of(
    invoice: Invoice, notes: Iterable[CreditNote], catalogue: Catalogue
) -> dict[str, PricedLine]:
    """What of an invoice can be credited: goods that cost something, less what was credited."""
    left, prices = Counter[str](), dict[str, Decimal]()
    for line in invoice.line_items:
        if line.item_code and line.quantity and line.line_amount:
            left[line.item_code] += int(line.quantity)
            price = (line.line_amount / line.quantity).quantize(FOUR_PLACES)
            # Of goods in two finishes nobody can tell which arrived damaged: no more than charged.
            prices[line.item_code] = min(price, prices.get(line.item_code, price))
    for code, count in _credited(invoice, notes):
        left[code] -= count
    return {
        product.code: priced_line(product, count, prices[code])
        for code, count in left.items()
        if count > 0 and (product := catalogue.get(code))
    }


def left_of(
    goods: Mapping[str, PricedLine], cards: Iterable[Mapping[str, Any]], notes: Iterable[CreditNote]
) -> dict[str, int]:
    """Pieces that nobody has claimed yet. A card whose credit note exists counts as that note."""
    left, marks = {code: line.pieces for code, line in goods.items()}, {n.reference for n in notes}
    for claimed in cards:
        for line in () if claimed["document_number"] in marks else claimed["card"]["lines"]:
            left[line["code"]] = left.get(line["code"], 0) - line["pieces"]
    return left


def damaged_of(
    claim: Claim, goods: Mapping[str, PricedLine], catalogue: Catalogue
) -> list[PricedLine]:
    """The claimed pieces at the price that was charged for them."""
    return [
        priced_line(product, count, goods[code].unit_price)
        for code, count in claim.pieces.items()
        if (product := catalogue.get(code))
    ]


def described(invoice: Invoice, name: str) -> str:
    """How a credit note's line names goods: by this the credit is found again."""
    return f"{invoice.invoice_number}: damaged {name}"


def _credited(invoice: Invoice, notes: Iterable[CreditNote]) -> Iterator[tuple[str, int]]:
    """What earlier credit notes gave back, also those that nobody has approved yet."""
    lines: Iterator[LineItem] = (
        x for note in notes if note.status not in GONE for x in note.line_items
    )
    for line in lines:
        is_of_it = (line.description or "").startswith(described(invoice, ""))
        if is_of_it and line.item_code and line.quantity:
            yield line.item_code, int(line.quantity)


def _meant(line: OrderLine, codes: Set[str]) -> str | None:
    """The one product of the invoice that a line of the message can mean: "30 were crushed"."""
    named = {line.code} if line.code else {p.code for p in line.alternatives}
    meant = named & codes if named else set(codes)
    return meant.pop() if len(meant) == 1 else None


def _pieces(line: OrderLine, product: Product | None) -> int:
    return line.pieces or line.packs * (product.pack_size if product else 0)
