"""The figures of a customer's question: amounts, pieces, hours, days, and times of day."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any

from tools.ordering.catalogue import Product, load_catalogue
from tools.ordering.delivery import find_day
from tools.search.glossary import in_english

NUMBER = r"(?<![\w.])[0-9]+(?:\.[0-9]+)?"
MONEY = re.compile(
    rf"(?:s?\$|\bsgd)\s*(?P<before>[0-9]+(?:\.[0-9]+)?)|(?P<after>{NUMBER})\s*(?:dollars?|sgd)\b"
)
CLOCK = re.compile(
    r"\b(?P<hour>[0-9]{1,2})(?:[:.](?P<minute>[0-9]{2}))?\s*(?P<half>am|pm)\b"
    r"|\b(?P<hour24>[01]?[0-9]|2[0-3]):(?P<minute24>[0-5][0-9])\b"
)
# Figures that count no pieces.
NOT_PIECES = re.compile(
    r"""(?:s?\$|\bsgd)\s*[0-9.]+
      | [0-9.]+\s*-?(?:dollars?|sgd|%|percent|hours?|hrs?|h\b|days?|weeks?|months?|minutes?|mins?
          |colou?rs?|inch(?:es)?|inches|"|in\b|ml\b|ply\b|am\b|pm\b|designs?|levels?)
      | \b[0-9]{1,2}[:.][0-9]{2}\b | \b20[0-9]{2}-[0-9]{2}-[0-9]{2}\b | \b[a-z]+-[0-9]+
      | \b[0-9]{1,2}(?:st|nd|rd|th)?\s+(?:of\s+)?(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)
      | (?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]*\s+[0-9]{1,2}\b""",
    re.VERBOSE,
)
# What stands in place of an earlier figure of its kind; whatever else counts is pieces.
KINDS = (
    MONEY,
    CLOCK,
    *(
        re.compile(rf"{NUMBER}[\s-]*(?:{unit})")
        for unit in ("hours?|hrs?|h\\b", "days?", "weeks?", "%|percent", "colou?rs?")
    ),
)
COUNTED = re.compile(rf"(?P<other>{NOT_PIECES.pattern})|{NUMBER}", re.VERBOSE)
PACKS = r"(?:bundles?|cartons?|packs?|ctns?|bdls?)"
UNITS = (
    r"(?:hours?|days?|weeks?|months?|colou?rs?|bundles?|cartons?|packs?|dollars?|hundred|thousand)"
)
MEASURES = "个只张份元块天日小点寸吋钟种色新捆箱包"  # what stands after a Chinese number
THOUSAND = 1000
# The day of an invoice is asked about; the day of an order form is not.
DATED = re.compile(r"\bdated\b")
NOON, WEEK, HALF_A_YEAR = 12, timedelta(days=7), timedelta(days=180)


@dataclass(frozen=True)
class Question:
    """A question in English words and figures, and the moment it was asked."""

    text: str
    now: datetime

    def has(self, pattern: str) -> bool:
        """Whether the pattern occurs."""
        return re.search(pattern, self.text) is not None

    def after(self, before: "Question") -> "Question":
        """This question with the words of the one before, and those figures it does not replace."""
        earlier = before.text
        for kind in KINDS:
            if kind.search(self.text):
                earlier = kind.sub(" ", earlier)
        if re.search(NUMBER, NOT_PIECES.sub(" ", self.text)):
            earlier = COUNTED.sub(lambda match: match["other"] or " ", earlier)
        return Question(f"{self.text} {earlier}", self.now)

    def count(self, unit: str) -> Decimal | None:
        """The number that stands before a unit."""
        match = re.search(rf"({NUMBER})[\s-]*(?:[a-z]+\s)?(?:{unit})\b", self.text)
        return Decimal(match[1]) if match else None

    @property
    def amount(self) -> Decimal | None:
        """The only amount of money; None when there are none or several."""
        found = {m["before"] or m["after"] for m in MONEY.finditer(self.text)}
        return Decimal(found.pop()) if len(found) == 1 else None

    @property
    def product(self) -> Product | None:
        """The one product whose name or nickname stands in the text."""
        words = f" {' '.join(re.findall(r'[a-z0-9]+', self.text))} "
        named = {
            nickname: product
            for product in load_catalogue().products
            for nickname in (product.name.lower(), *product.nicknames)
            if f" {' '.join(re.findall(r'[a-z0-9]+', nickname))} " in words
        }
        return named[max(named, key=len)] if named else None

    @property
    def pieces(self) -> int | None:
        """The only quantity, in pieces; packs count where the product is known."""
        left = NOT_PIECES.sub(" ", self.text)
        numbers = re.findall(rf"({NUMBER})(\s*{PACKS}\b)?", left)
        if len(numbers) != 1 or "." in numbers[0][0]:
            return None
        number, is_packs = int(numbers[0][0]), bool(numbers[0][1])
        if not is_packs:
            return number
        return number * self.product.pack_size if self.product else None

    @property
    def day(self) -> date | None:
        """The day that is named, counted from the day of the question."""
        if self.has("yesterday"):
            return self.now.date() - timedelta(days=1)
        return find_day(DATED.sub("on", self.text), self.now.date())

    @property
    def past_day(self) -> date | None:
        """The same for something that has happened: Thursday is the last one."""
        day, today = self.day, self.now.date()
        if day and day > today + HALF_A_YEAR:  # without a year it was the one before
            return day.replace(year=day.year - 1)
        return day - WEEK if day and today < day <= today + WEEK else day

    def clocks(self) -> list[tuple[int, time]]:
        """The times of day with their places in the text."""
        return [(match.start(), _time(match)) for match in CLOCK.finditer(self.text)]


def read_question(text: str, now: datetime) -> Question:
    """The question with words for numbers as figures, and foreign terms in English."""
    words = _words()
    language = "ms" if re.search(words["malay"], text.lower()) else "en"
    plain = _with_figures(text.lower().replace("\u2019", "'"))
    for step in words["replaced"]:
        plain = re.sub(step["from"], step["to"], plain)
    return Question(in_english(plain, language), now)


def _time(match: re.Match[str]) -> time:
    if match["half"] is None:
        return time(int(match["hour24"]), int(match["minute24"]))
    hour = int(match["hour"]) % NOON + NOON * (match["half"] == "pm")
    return time(hour, int(match["minute"] or 0))


def _with_figures(text: str) -> str:
    return _chinese().sub(_chinese_value, _spelled().sub(_spelled_value, text))


def _spelled_value(match: re.Match[str]) -> str:
    return str(_value(re.findall(r"[a-z]+", match[0])))


def _chinese_value(match: re.Match[str]) -> str:
    return str(_value(list(match[0])))


def _value(words: list[str]) -> int:
    """Two hundred and fifty; 两千五百; lima ratus."""
    scales, numbers = _words()["scales"], _numbers()
    whole, part = 0, 0
    for word in words:
        scale = scales.get(word, 0)
        if scale >= THOUSAND:
            whole, part = _scaled(whole, part, scale), 0
        elif scale:
            part = part - part % scale + (part % scale or 1) * scale
        else:
            part += numbers.get(word, 0)
    return whole + part


def _scaled(whole: int, part: int, scale: int) -> int:
    return (whole + part or 1) * scale if scale > whole else whole + (part or 1) * scale


def _numbers() -> Mapping[str, int]:
    words = _words()
    return {**words["english_numbers"], **words["malay_numbers"], **words["chinese_digits"]}


@cache
def _spelled() -> re.Pattern[str]:
    words = _words()
    scales = [scale for scale in words["scales"] if scale.isascii()]
    names = [*words["english_numbers"], *words["malay_numbers"], *scales]
    number = f"(?:{'|'.join(sorted(names, key=len, reverse=True))})"
    # "this one" is no figure
    return re.compile(rf"\b(?!one\b(?!\s+{UNITS})){number}(?:[\s-]+(?:and\s+)?{number})*\b")


@cache
def _chinese() -> re.Pattern[str]:
    digits = "".join(_words()["chinese_digits"])
    return re.compile(rf"(?<!期)(?<!周)(?<!拜)(?<!第)[{digits}十百千万]+(?=\s*[{MEASURES}])")


@cache
def _words() -> dict[str, Any]:
    text = (resources.files("tools.policy") / "question_words.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
