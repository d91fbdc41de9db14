"""Every figure that may be computed from the facts, and no other."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from tools.grounding.claim import Claim
from tools.grounding.numbers import shortest

CENT = Decimal("0.01")
SUMMED = ("amount_due", "total", "amount", "amount_paid")
DUE_KEYS = ("due_date", "date", "paid_on", "day", "deadline")


def derived(data: Mapping[str, Any], now: datetime | None) -> Iterator[Claim]:
    """The figures that follow from one mapping of the facts by a declared formula."""
    for amount in _amounts(data):
        yield Claim("money", shortest(amount.quantize(CENT, ROUND_HALF_UP)), "")
    pieces, size, packs = (_number(data, k) for k in ("pieces", "pack_size", "packs"))
    if size and packs and not pieces:
        yield Claim("number", shortest(size * packs), "", "pieces")
    if now:
        yield from _distances(data, now)
    yield from _counts(data)


def _amounts(data: Mapping[str, Any]) -> Iterator[Decimal]:
    """Totals, rests and taxes."""
    yield from _of_pair(data, "subtotal", "gst", 1)  # total
    yield from _of_pair(data, "total", "gst", -1)
    yield from _of_pair(data, "total", "amount_paid", -1)  # what remains
    yield from _of_pair(data, "outstanding", "overdue", -1)  # not yet due
    yield from _of_pair(data, "total", "paid", -1)
    price = _number(data, "unit_price") or _number(data, "price")
    for count in ("pieces", "pack_size"):
        number = _number(data, count)
        if price is not None and number is not None:
            yield price * number
    subtotal, percent = _number(data, "subtotal"), _number(data, "gst_percent")
    if subtotal is not None and percent is not None:
        tax = (subtotal * percent / 100).quantize(CENT, ROUND_HALF_UP)
        yield from (tax, subtotal + tax)
    for rows in _lists(data):
        for key in SUMMED:
            amounts = [a for row in rows if (a := _number(row, key)) is not None]
            if len(amounts) > 1:
                yield sum(amounts, Decimal(0))


def _of_pair(data: Mapping[str, Any], first: str, second: str, sign: int) -> Iterator[Decimal]:
    one, other = _number(data, first), _number(data, second)
    if one is not None and other is not None:
        yield one + sign * other


def _counts(data: Mapping[str, Any]) -> Iterator[Claim]:
    for rows in _lists(data):
        yield Claim("number", str(len(rows)), "", "things")
        late = sum(1 for row in rows if (_number(row, "days_overdue") or 0) > 0)
        if any("days_overdue" in row for row in rows):
            yield Claim("number", str(late), "", "invoices")
            yield Claim("number", str(len(rows) - late), "", "invoices")
    opened, overdue = _number(data, "open_count"), _number(data, "overdue_count")
    if opened is not None and overdue is not None:
        yield Claim("number", shortest(opened - overdue), "", "invoices")


def _distances(data: Mapping[str, Any], now: datetime) -> Iterator[Claim]:
    """The days from now to a day of the facts."""
    for key in DUE_KEYS:
        try:
            day = date.fromisoformat(str(data.get(key) or "")[:10])
        except ValueError:
            continue
        distance = (day - now.date()).days
        yield Claim("number", str(abs(distance)), "", "days")
        if distance < 0 and key == "due_date":
            yield Claim("number", str(-distance), "", "late")


def _lists(data: Mapping[str, Any]) -> Iterator[Sequence[Mapping[str, Any]]]:
    for value in data.values():
        if isinstance(value, list) and value and all(isinstance(row, Mapping) for row in value):
            yield value


def _number(data: Mapping[str, Any], key: str) -> Decimal | None:
    value = data.get(key)
    if value is None or isinstance(value, bool | Mapping | list):
        return None
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None


def of_wanted_pieces(price: Decimal, pieces: Decimal) -> Decimal:
    """What so many pieces cost before tax."""
    return (price * pieces).quantize(CENT, ROUND_HALF_UP)
