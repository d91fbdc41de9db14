"""The documents that a customer lists, each with the amount that stands in their own books."""

import re
from decimal import Decimal

from tools.grounding.days import MONTHS
from tools.grounding.numbers import either
from tools.understanding.entities import DOCUMENT, documents_in

AMOUNT = re.compile(
    r"(?<![\w.,])-?(?:S?\$|SGD)?\s?(?P<amount>\d{1,3}(?:,\d{3})+(?:\.\d{1,2})?|\d+(?:\.\d{1,2})?)(?![\d,]|\.\d|[/-]\d)",
    re.IGNORECASE,
)
DATE = re.compile(
    r"\d{4}-\d{1,2}-\d{1,2}|\b\d{1,2}([/.-])\d{1,2}\1\d{2,4}\b|\b\d{1,2}/\d{1,2}\b"
    rf"|\b\d{{1,2}}(?:st|nd|rd|th)?\s+{either(MONTHS)}\b(?:\s+\d{{4}})?|\d{{4}}年|\d{{1,2}}月\d{{1,2}}日",
    re.IGNORECASE,
)


def listed_in(text: str) -> list[tuple[str, Decimal]]:
    """Each number that is followed by an amount before the next one: "INV-1001 806.60"."""
    spoken = list(DOCUMENT.finditer(text))
    ends = [*(match.start() for match in spoken), len(text)][1:]
    found = [
        (documents_in(match[0])[0], _amount(text[match.end() : end]))
        for match, end in zip(spoken, ends, strict=False)
    ]
    return [(number, amount) for number, amount in found if amount is not None]


def _amount(text: str) -> Decimal | None:
    """The first amount; one with cents or a currency goes before a plain number."""
    without_days = DATE.sub(" ", text)
    amounts = list(AMOUNT.finditer(without_days))
    written = [m for m in amounts if "." in m["amount"] or "$" in m[0] or "SGD" in m[0].upper()]
    best = next(iter([*written, *amounts]), None)
    return Decimal(best["amount"].replace(",", "")) if best else None
