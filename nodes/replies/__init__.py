"""The wording of replies without a model: one template a block, in a folder a language."""

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

LANGUAGES = ("en", "zh", "ms", "ta")
CENT = Decimal("0.01")
WEEKDAYS = {
    "zh": ("周一", "周二", "周三", "周四", "周五", "周六", "周日"),
    "ms": ("Isnin", "Selasa", "Rabu", "Khamis", "Jumaat", "Sabtu", "Ahad"),
    "ta": ("திங்கள்", "செவ்வாய்", "புதன்", "வியாழன்", "வெள்ளி", "சனி", "ஞாயிறு"),
}
MONTHS = {
    "ms": ("Jan", "Feb", "Mac", "Apr", "Mei", "Jun", "Jul", "Ogos", "Sep", "Okt", "Nov", "Dis"),
    "ta": (
        *("ஜனவரி", "பிப்ரவரி", "மார்ச்", "ஏப்ரல்", "மே", "ஜூன்", "ஜூலை", "ஆகஸ்ட்"),
        *("செப்டம்பர்", "அக்டோபர்", "நவம்பர்", "டிசம்பர்"),
    ),
}


HOME = "SGD"
# How the rows of a card are written; every other value is text.
ROWS_OF_MONEY = ("amount", "fee", "refund", "remaining", "new_total")
ROWS_OF_TIME = ("paid_on", "slot", "expires")
DAY_FIRST = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[ T]+(.*))?")


def money(amount: str, currency: str = HOME) -> str:
    """SGD 1,296.00 from "1296.00"."""
    exact = Decimal(amount)
    return f"{'-' if exact < 0 else ''}{currency} {abs(exact):,.2f}"


def price(amount: str, currency: str = HOME) -> str:
    """The price of one piece, with the third and fourth decimal where it has them."""
    exact = Decimal(amount)
    is_whole = exact == exact.quantize(CENT)
    return money(amount, currency) if is_whole else f"{currency} {exact.normalize():f}"


def without_sign(amount: str) -> str:
    """The size of an amount, where the words tell which way it goes."""
    return amount.removeprefix("-")


def day_in(language: str) -> Callable[[str], str]:
    """How a language writes an ISO date: Tue 24 Nov 2026, 2026年11月24日（周二）."""
    if language == "en":
        return lambda iso: f"{date.fromisoformat(iso[:10]):%a %-d %b %Y}"

    def written(iso: str) -> str:
        on = date.fromisoformat(iso[:10])
        weekday = WEEKDAYS[language][on.weekday()]
        if language == "zh":
            return f"{on.year}年{on.month}月{on.day}日（{weekday}）"
        return f"{weekday} {on.day} {MONTHS[language][on.month - 1]} {on.year}"

    return written


def moment_in(language: str) -> Callable[[str], str]:
    """A date with the time, from an ISO time; a date alone from an ISO date."""
    day = day_in(language)
    between = " " if language == "zh" else ", "

    def written(iso: str) -> str:
        return f"{day(iso)}{between}{datetime.fromisoformat(iso):%H:%M}" if "T" in iso else day(iso)

    return written


def row_in(language: str) -> Callable[[Any, str], str]:
    """The value of a card's row: money, a day, a day with a time of delivery, or text."""
    day = day_in(language)

    def written(value: Any, key: str) -> str:
        if key in ROWS_OF_MONEY:
            return money(value)
        if key in ROWS_OF_TIME and (found := DAY_FIRST.fullmatch(value)):
            return ", ".join(filter(None, (day(found[1]), (found[2] or "")[:11])))
        return ", ".join(value) if isinstance(value, list) else str(value)

    return written


@cache
def _templates(language: str) -> Environment:
    environment = Environment(  # noqa: S701 (plain text; the page shows it as text)
        loader=PackageLoader("nodes", "replies"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "money": money,
        "price": price,
        "day": day_in(language),
        "moment": moment_in(language),
        "row": row_in(language),
        "without_sign": without_sign,
    }
    return environment


def render(block: str, language: str, **data: object) -> str:
    """One block of a reply in one of the four languages."""
    return _templates(language).get_template(f"{language}/{block}.j2").render(data).strip()


def note(key: str, language: str) -> str:
    """A remark on an order card."""
    return render("note", language, key=key)
