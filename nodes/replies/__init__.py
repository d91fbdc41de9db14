"""The wording of replies without a model: one template a block, in a folder a language."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from functools import cache

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


def money(amount: str) -> str:
    """SGD 1,296.00 from "1296.00"."""
    return f"SGD {Decimal(amount):,.2f}"


def price(amount: str) -> str:
    """The price of one piece, with the third and fourth decimal where it has them."""
    exact = Decimal(amount)
    return money(amount) if exact == exact.quantize(CENT) else f"SGD {exact.normalize():f}"


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
    """A date with the time, from an ISO time."""
    day = day_in(language)
    between = " " if language == "zh" else ", "
    return lambda iso: f"{day(iso)}{between}{datetime.fromisoformat(iso):%H:%M}"


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
    }
    return environment


def render(block: str, language: str, **data: object) -> str:
    """One block of a reply in one of the four languages."""
    return _templates(language).get_template(f"{language}/{block}.j2").render(data).strip()


def note(key: str, language: str) -> str:
    """A remark on an order card."""
    return render("note", language, key=key)
