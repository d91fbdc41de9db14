"""Values that no source holds, each in one of the many ways people write it."""

import random
import tomllib
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

from tools.sandbox.openai.sources import Json, Sources

ROUND_SHARE = 0.3  # of the amounts, in words or shorthand
WORDED_SHARE = 0.4
FARTHEST_DAYS = 45
CHINESE_TENS = ("", "十", "二十", "三十")
CHINESE_ONES = ("", "一", "二", "三", "四", "五", "六", "七", "八", "九")
NTH = {1: "st", 2: "nd", 3: "rd", 21: "st", 22: "nd", 23: "rd", 31: "st"}


@cache
def wording() -> Mapping[str, Any]:
    """The whole of lies.toml."""
    text = files("tools.sandbox.openai").joinpath("lies.toml").read_text("utf-8")
    return tomllib.loads(text)


class Falsehoods:
    """Draws false values in one language."""

    def __init__(self, sources: Sources, language: str, rng: random.Random) -> None:
        self._sources = sources
        self._language = language
        self._rng = rng

    def fill(self, sentence: str) -> str:
        """The sentence with a false value for each of its placeholders."""
        for name, draw in self._draws().items():
            while f"{{{name}}}" in sentence:
                sentence = sentence.replace(f"{{{name}}}", draw(), 1)
        return sentence

    def amount(self) -> str:
        """An amount that no source holds or adds up to."""
        round_ones = self._unknown("round", self._sources.has_amount)
        if round_ones and self._rng.random() < ROUND_SHARE:
            return self._of_entry(round_ones)
        while True:
            value = Decimal(self._rng.randrange(1_100, 480_000)) / 100
            if not self._sources.has_amount(value):
                return self._spelt("amount").format(value)

    def cents(self) -> str:
        """A price of a piece that is not the price of any."""
        while True:
            cents = self._rng.randrange(31, 99)
            if not {Decimal(cents), Decimal(cents) / 100} & self._sources.numbers:
                return self._spelt("cents").format(cents)

    def percent(self) -> str:
        """A percentage whose figure stands nowhere."""
        worded = self._unknown("rate", self._is_known)
        if worded and self._rng.random() < WORDED_SHARE:
            return self._of_entry(worded)
        return self._spelt("percent").format(self._number(11, 96))

    def discount(self) -> str:
        """A Chinese discount such as 八五折; elsewhere a percentage."""
        entries = [e for e in self._unknown("discount", self._is_known) if self._language in e]
        return self._of_entry(entries) if entries else self.percent()

    def count(self) -> str:
        """A number that stands nowhere, in digits or as a word."""
        worded = self._unknown("number", self._is_known)
        return self._of_entry(worded) if worded else str(self._number(101, 990))

    def day(self) -> str:
        """A day that is neither today nor in any source."""
        return self._written(self._false_day(), self._spelt("date"))

    def relative(self) -> str:
        """Such as `tomorrow` or `next Friday`, where that is certainly none of the days."""
        away: Mapping[str, int] = wording()["days_away"][self._language]
        words = [word for word, days in away.items() if self._is_false_in(days)]
        free = [day for day in range(7) if not self._sources.has_weekday(day)]
        weekdays: Sequence[str] = wording()["weekdays"][self._language]
        words += [self._spelt("weekday").format(weekdays[day]) for day in free]
        return self._rng.choice(words) if words else self.day()

    def document(self) -> str:
        """A document of nobody, or of somebody else."""
        number = f"{self._number(1000, 9999):04}"
        return self._invented("documents").format(number)

    def code_like(self, written: str) -> str:
        """The same code with other digits."""
        while True:
            digits = [i for i, c in enumerate(written) if c.isdigit()]
            place = self._rng.choice(digits)
            other = f"{written[:place]}{self._rng.randrange(10)}{written[place + 1 :]}"
            if other.lower() not in self._sources.codes:
                return other

    def other(self) -> str:
        """Another customer, by a name of which the sources hold no word."""
        names: list[str] = wording()["invented"]["others"]
        return self._rng.choice([n for n in names if not self._is_named(n)] or names)

    def _draws(self) -> Mapping[str, Callable[[], str]]:
        return {
            "amount": self.amount,
            "cents": self.cents,
            "percent": self.percent,
            "discount": self.discount,
            "count": self.count,
            "days": self.count,
            "date": self.day,
            "relative": self.relative,
            "document": self.document,
            "other": self.other,
            "person": lambda: self._invented("persons"),
            "link": lambda: self._invented("links"),
            "url": lambda: self._invented("urls"),
            "phone": lambda: self._invented("phones"),
            "mail": lambda: self._invented("mails"),
        }

    def _is_false_in(self, days: int) -> bool:
        """Whether nothing is that many days, or weeks, away."""
        today = self._sources.today
        is_known = any(self._is_known(Decimal(n)) for n in (days, days // 7) if n)
        return (
            today is not None
            and today + timedelta(days=days) not in self._sources.days
            and not is_known
        )

    def _is_named(self, name: str) -> bool:
        return " ".join(name.lower().split()[:2]) in self._sources.text

    def _invented(self, kind: str) -> str:
        entries: list[str] = wording()["invented"][kind]
        return self._rng.choice([e for e in entries if e.lower() not in self._sources.text])

    def _unknown(self, table: str, is_known: Callable[[Decimal], bool]) -> list[Json]:
        return [e for e in wording()[table] if not is_known(Decimal(e["value"]))]

    def _is_known(self, value: Decimal) -> bool:
        return value in self._sources.numbers

    def _number(self, least: int, most: int) -> int:
        free = [n for n in range(least, most) if Decimal(n) not in self._sources.numbers]
        return self._rng.choice(free)

    def _of_entry(self, entries: Sequence[Json]) -> str:
        spellings: list[str] = self._rng.choice(entries)[self._language]
        return self._rng.choice(spellings)

    def _spelt(self, kind: str) -> str:
        forms: list[str] = wording()["spell"][kind][self._language]
        return self._rng.choice(forms)

    def _false_day(self) -> date:
        known = self._sources.days
        start = self._sources.today or max(known, default=date(2026, 1, 1))
        near = (start + timedelta(days=n) for n in range(-FARTHEST_DAYS, FARTHEST_DAYS))
        return self._rng.choice([day for day in near if day not in known and day != start])

    def _written(self, day: date, form: str) -> str:
        month = wording()["months"][self._language][day.month - 1]
        return form.format(
            d=day.day,
            m=day.month,
            y=day.year,
            month=month,
            short=month[:3],
            nth=NTH.get(day.day, "th"),
            day=CHINESE_TENS[day.day // 10] + CHINESE_ONES[day.day % 10],
        )
