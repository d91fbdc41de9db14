"""What the facts of a turn say has happened: a ticket, a placed order, a payment."""

import re
from collections.abc import Iterable, Iterator

from tools.grounding.numbers import data
from tools.grounding.sources import Record

TOPICS = {
    name: re.compile(pattern, re.IGNORECASE) for name, pattern in data("promises")["topics"].items()
}
HEARD = {
    name: re.compile(pattern, re.IGNORECASE) for name, pattern in data("promises")["heard"].items()
}
PLACED = frozenset({"committed", "placed", "confirmed"})
CALLS = re.compile(r"\b(?:calls?|rings?|phones?) you\b", re.IGNORECASE)
UNDER_WAY = frozenset({"delivered", "dispatched", "shipped", "on its way", "under way", "loaded"})
BY_KIND = {
    "committed": "placed",
    "declined": "declined",
    "cancelled": "cancelled",
    "order_cancelled": "cancelled",
    "changed": "changed",
    "order_changed": "changed",
    "sent": "sent",
    "payments": "payments",
    "handoff": "ticket",
    "ticket": "ticket",
}


def topics_of(texts: Iterable[str]) -> Iterator[str]:
    """The favours that these sources speak of."""
    text = "\n".join(texts)
    for name, pattern in TOPICS.items():
        if pattern.search(text) or (name in HEARD and HEARD[name].search(text)):
            yield name


def signs_of(kinds: Iterable[str], keys: Iterable[str], records: Iterable[Record]) -> Iterator[str]:
    """The signs in the kinds of the facts, their keys and their records."""
    yield from (BY_KIND[kind] for kind in kinds if kind in BY_KIND)
    names = set(keys)
    if "ticket" in names:
        yield "ticket"
    if "delivery" in names or "delivery_day" in names:
        yield "delivery"
    for record in records:
        yield from _of_record(record)


def _of_record(record: Record) -> Iterator[str]:
    fields = record.data
    if fields.get("reason") == "food_safety":
        yield "call"
    status = str(fields.get("status") or "").lower()
    if "delivery" in fields and "lines" not in fields:
        yield "placed"
    if status in PLACED:
        yield "placed"
    if status in UNDER_WAY:
        yield "under way"
    if status in ("voided", "cancelled", "deleted"):
        yield "cancelled"
    paid = str(fields.get("amount_paid") or fields.get("amount") or "0")
    if status == "paid" or (re.fullmatch(r"\d+(\.\d+)?", paid) and float(paid) > 0):
        yield "paid"
