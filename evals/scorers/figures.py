"""Amounts, percentages, days and document numbers of a text, read apart from the service's gate.

The gate reads texts with patterns of its own. A mistake in those must not hide here too.
"""

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from evals.scorers.reading import decimal_of, plain
from tools.grounding.numbers import WORDED, read_number

# What has none of these has no figure either; most texts of facts and cards have none.
SIGN = re.compile(r"\d|@|//|\.[a-z]{2}", re.IGNORECASE)
DIGITS = r"\d+(?:,\d{3})*(?:\.\d+)?"
BEFORE = r"(?:SGD|S\$|USD|US\$|MYR|RM|EUR|CNY|RMB|\$|€|£|¥|新币|坡币)"
AFTER = r"(?:SGD|USD|MYR|dollars?|新元|新币|坡币|元|块钱|ringgit|வெள்ளி|டாலர்)"
MONEY = (
    re.compile(rf"(?<![A-Za-z]){BEFORE}\s?-?\s?({DIGITS})", re.IGNORECASE),
    re.compile(rf"(?<![\w.,-])({DIGITS})\s?{AFTER}(?!\s?-?\d)", re.IGNORECASE),
    re.compile(r"(?<![\d.,:/-])(\d+(?:,\d{3})*\.\d{2})(?![\d%:])(?!\s?(?:%|percent|per cent))"),
)
CENTS = re.compile(r"(?<![\d.])(\d+)\s?(?:cents?\b|¢|sen\b|சென்ட்)", re.IGNORECASE)
PER_CENT = r"(?:%|percent\b|per cent\b|peratus\b|பர்சென்ட்|சதவீத|விழுக்காடு)"
PERCENT = (
    re.compile(rf"({DIGITS})\s?{PER_CENT}", re.IGNORECASE),
    re.compile(rf"百分之({DIGITS})"),
)
# Amounts in words: how a number is read is no secret of the gate.
WORDED_MONEY = re.compile(rf"({WORDED})\s?{AFTER}(?!\s?-?\d)", re.IGNORECASE)
WORDED_PERCENT = re.compile(rf"({WORDED})\s?{PER_CENT}|百分之({WORDED})", re.IGNORECASE)
MONTHS: dict[str, int] = {
    name: number
    for names in (
        "jan feb mar apr may jun jul aug sep oct nov dec",
        "january february march april may june july august september october november december",
        "jan feb mac apr mei jun jul ogos sep okt nov dis",
        "januari februari mac april mei jun julai ogos september oktober november disember",
        "ஜனவரி பிப்ரவரி மார்ச் ஏப்ரல் மே ஜூன் ஜூலை ஆகஸ்ட் செப்டம்பர் அக்டோபர் நவம்பர் டிசம்பர்",
    )
    for number, name in enumerate(names.split(), 1)
}
MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
DAYS = (
    re.compile(r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})(?!\d)"),
    re.compile(r"(?<![\d/.])(?P<day>\d{1,2})[/.](?P<month>\d{1,2})[/.](?P<year>\d{4})(?!\d)"),
    re.compile(r"(?:(?P<year>\d{4})年)?(?P<month>\d{1,2})月(?P<day>\d{1,2})[日号]"),
    re.compile(
        rf"(?<![\d.,])(?P<day>\d{{1,2}})(?:st|nd|rd|th|hb)?(?: of)? (?P<month>{MONTH})(?![a-z])"
        rf"(?:,? (?P<year>\d{{4}}))?",
        re.IGNORECASE,
    ),
    re.compile(
        rf"(?<![a-z])(?P<month>{MONTH}) (?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?![\d:])"
        rf"(?:,? (?P<year>\d{{4}}))?",
        re.IGNORECASE,
    ),
)
DOCUMENT = (
    re.compile(r"(?<![A-Za-z0-9-])([A-Za-z]{1,6})-(\d{3,})(?![\d-]*[A-Za-z\d])"),
    re.compile(r"(?<![A-Za-z0-9-])([A-Z]{2,6}) ?(\d{3,})(?![\d.,-]*[A-Za-z\d])"),
)
NUMBERED = re.compile(
    r"(?:invoice|invois|order|pesanan|ticket|tiket|quote|credit note|发票|订单|工单)"
    r"\s?(?:no\.?|number|nombor|号)?\s?#?\s?(\d{4,})(?![\d,.-]*\d)(?!\s?(?:pieces|pcs|個|个|年))",
    re.IGNORECASE,
)
CONTACT = (
    re.compile(r"[\w.+*-]+@[\w-]+(?:\.[\w-]+)+"),
    re.compile(r"(?<![\w./-])(?:\(?\+?65\)?[ -]?)?([3689]\d{3}[ -]?\d{4})(?![\w/-])"),
    re.compile(
        r"(?:https?:)?//[^\s)>\"'\]]+|(?<![\w@./])(?:[a-z0-9-]+\.)+(?:xyz|com|sg|net|org)\b\S*",
        re.IGNORECASE,
    ),
)
CURRENCIES = ("SGD", "USD", "MYR", "RM", "EUR", "CNY", "RMB", "GST")


class Figure(NamedTuple):
    """A value with its kind (money, percent, day, document, contact) and as it is written."""

    kind: str
    value: Any
    written: str


@lru_cache(maxsize=4096)
def figures(text: str) -> tuple[Figure, ...]:
    """Every figure of a text; passages and policies are read once."""
    read = plain(text)
    return tuple(_found(read)) if SIGN.search(read) else ()


def worded(text: str) -> Iterator[Figure]:
    """Amounts and percentages in words. Our sources have none, so only replies are read so."""
    read = plain(text)
    for kind, pattern in (("money", WORDED_MONEY), ("percent", WORDED_PERCENT)):
        for match in pattern.finditer(read):
            yield Figure(kind, read_number(next(filter(None, match.groups()))), match[0])


def _found(read: str) -> Iterator[Figure]:
    yield from _amounts(read)
    for pattern in DAYS:
        yield from (Figure("day", _day(m), m[0]) for m in pattern.finditer(read) if _day(m))
    for pattern in DOCUMENT:
        for match in pattern.finditer(read):
            if match[1].upper() not in CURRENCIES:
                yield Figure("document", f"{match[1].upper()}{match[2]}", match[0])
    yield from (Figure("document", m[1], m[0]) for m in NUMBERED.finditer(read))
    for pattern in CONTACT:
        for match in pattern.finditer(read):
            yield Figure("contact", _contact(match[pattern.groups]), match[0])


def _amounts(read: str) -> Iterator[Figure]:
    for pattern in MONEY:
        yield from (Figure("money", _number(m[1]), m[0].strip()) for m in pattern.finditer(read))
    yield from (Figure("money", _number(m[1]) / 100, m[0]) for m in CENTS.finditer(read))
    for pattern in PERCENT:
        yield from (Figure("percent", _number(m[1]), m[0]) for m in pattern.finditer(read))


class Known:
    """Figures that have a source."""

    def __init__(self, also: "Known | None" = None) -> None:
        self._values: dict[str, set[Any]] = {}
        self._also = also

    def add_text(self, text: str, *kinds: str) -> None:
        """All figures of a text, or only those kinds."""
        for figure in figures(text):
            if not kinds or figure.kind in kinds:
                self._values.setdefault(figure.kind, set()).add(figure.value)

    def add_data(self, value: Any, key: str = "") -> None:
        """Figures of facts, cards and arguments: amounts have cents there, counts have none."""
        if isinstance(value, dict):
            for name, inner in value.items():
                self.add_text(str(name), "document")
                self.add_data(inner, str(name))
        elif isinstance(value, list | tuple):
            for inner in value:
                self.add_data(inner, key)
        elif value is not None and not isinstance(value, bool):
            self._add_leaf(str(value), key)

    def _add_leaf(self, text: str, key: str) -> None:
        number = decimal_of(text)
        if number is None:
            self.add_text(text)
            return
        kinds = (["percent"] if "percent" in key else []) + (["money"] if "." in text else [])
        for kind in kinds or ["money", "percent"][: "amount" in key or "fee" in key]:
            self._values.setdefault(kind, set()).add(abs(number))

    def holds(self, figure: Figure) -> bool:
        """Whether the value stands in a source; a day without its year in any year."""
        if self._also and self._also.holds(figure):
            return True
        values = self._values.get(figure.kind, set())
        if figure.kind == "day" and figure.value[0] is None:
            return any(day[1:] == figure.value[1:] for day in values)
        if figure.kind == "day":
            return figure.value in values or (None, *figure.value[1:]) in values
        if figure.kind == "document" and figure.value.isdigit():
            return any(name.endswith(figure.value) for name in values)
        return figure.value in values


def _number(digits: str) -> Decimal:
    return Decimal(digits.replace(",", "").rstrip("."))


def _contact(written: str) -> str:
    """Numbers by their digits; addresses without the mark of a sentence's end."""
    text = written.lower().rstrip(".,;:!?。，")
    return text if any(c.isalpha() for c in text) else re.sub(r"\D", "", text)


def _day(match: re.Match[str]) -> tuple[int | None, int, int] | None:
    month = MONTHS.get(match["month"].lower()) or int(match["month"])
    year, day = int(match["year"]) if match["year"] else None, int(match["day"])
    try:
        date(year or 2024, month, day)
    except ValueError:
        return None
    return year, month, day
