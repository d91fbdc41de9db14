"""Every value that a turn's sources hold, so that a lie can be told from a truth."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

Json = Mapping[str, Any]

NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
ISO_DAY = re.compile(r"\b\d{4}-\d{2}-\d{2}")
WRITTEN_DAY = re.compile(r"\b(\d{1,2}) ([A-Z][a-z]{2})[a-z]* (\d{4})\b")
CODE = re.compile(r"\b[A-Za-z]{1,5}-(?:[A-Za-z0-9]+-)*[A-Za-z]*\d[A-Za-z0-9]*")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
AMOUNT = re.compile(r"-?\d+\.\d{2}")
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True)
class Sources:
    """The facts and an honest reply made from them; what stands in either is true."""

    facts: tuple[Json, ...]
    reply: str

    @cached_property
    def text(self) -> str:
        """All of it in lower case."""
        facts = json.dumps(self.facts, ensure_ascii=False, default=str)
        return f"{facts}\n{self.reply}".lower()

    @cached_property
    def numbers(self) -> frozenset[Decimal]:
        """Every number, whatever it counts; dates and document numbers give theirs too."""
        written = (found.replace(",", "") for found in NUMBER.findall(self.text))
        return frozenset(Decimal(number) for number in written)

    @cached_property
    def days(self) -> frozenset[date]:
        """Every day that is written out with its year."""
        iso = [_day(*map(int, found.split("-"))) for found in ISO_DAY.findall(self.text)]
        written = [
            _day(int(y), MONTHS.index(m.lower()) + 1, int(d))
            for d, m, y in WRITTEN_DAY.findall(self.text.title())
            if m.lower() in MONTHS
        ]
        return frozenset(found for found in (*iso, *written) if found)

    @cached_property
    def today(self) -> date | None:
        """The day of the turn, where a fact `today` gives it."""
        found = next((fact["today"] for fact in self.facts if "today" in fact), None)
        return date.fromisoformat(found) if found else None

    @cached_property
    def codes(self) -> frozenset[str]:
        """Document numbers and product codes."""
        return frozenset(found.lower() for found in CODE.findall(self.text))

    @cached_property
    def records(self) -> tuple[Json, ...]:
        """The parts of the facts that carry a document number of their own."""
        return tuple(r for r in _mappings(self.facts) if r.get("number") or r.get("invoice"))

    def has_amount(self, value: Decimal) -> bool:
        """Whether an amount stands there, or is a sum, difference, product or share of others."""
        known = self.numbers
        return value in known or any(
            value - k in known or k - value in known or (k and value / k in known) for k in known
        )

    def has_weekday(self, day: int) -> bool:
        """Whether a day of the week is named, or one of the days falls on it."""
        return DAYS[day][:3] in self.text or any(d.weekday() == day for d in self.days)


def number_of(record: Json) -> str:
    """The number that a record goes by."""
    return str(record.get("number") or record["invoice"])


def amounts_of(record: Json) -> list[str]:
    """The amounts of one record that are not nothing."""
    values = (str(value) for value in record.values())
    return [v for v in values if AMOUNT.fullmatch(v) and Decimal(v)]


def _mappings(value: Any) -> Iterator[Json]:
    if isinstance(value, Mapping):
        yield value
        yield from _inside(value.values())
    elif isinstance(value, list | tuple):
        yield from _inside(value)


def _inside(values: Iterable[Any]) -> Iterator[Json]:
    for value in values:
        yield from _mappings(value)


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
