"""Days by value: "3 Dec", 十二月三日, "3/12/2026" and "next Thursday" seen from now."""

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta

from tools.grounding.numbers import CHINESE, NUMBER, data, either, read_number

_WORDS = data("days")
LATIN: dict[str, int] = _WORDS["months"]["latin"]
TAMIL: dict[str, int] = _WORDS["months"]["tamil"]
MONTHS = LATIN | TAMIL
WEEKDAYS: dict[str, int] = {
    k.lower(): v
    for part in ("latin", "short", "tamil")
    for k, v in _WORDS["weekdays"][part].items()
}
HAN_DAYS: dict[str, int] = _WORDS["weekdays"]["chinese"]
RELATIVE: dict[str, int] = _WORDS["relative"]
WEEKS: dict[str, int] = _WORDS["weeks"]
MONTH_WORDS: dict[str, int] = _WORDS["month_words"]
ORDINALS: dict[str, int] = _WORDS["ordinals"]["words"]

_BEFORE, _AFTER = "(?<![A-Za-z])", "(?![A-Za-z])"
_MONTH = f"(?:{_BEFORE}{either(LATIN)}{_AFTER}\\.?|{either(TAMIL)})"
_DAY = (
    rf"(?<![\d.,:])(?:\d{{1,2}}(?!\d)(?:st|nd|rd|th|hb|ஆம்|ம்)?|{_BEFORE}{either(ORDINALS)}{_AFTER})"
)
_YEAR = r"(?:,?\s*(?:of\s+)?(?P<year>\d{4})(?!\d))?"
_HAN_NUMBER = rf"(?:\d+|{CHINESE})"

MOST_DAYS = 1000

Reading = Callable[[re.Match[str], datetime | None], str | None]


def written(year: int | None, month: int, day: int) -> str | None:
    """2026-12-03, or --12-03 without a year; None when there is no such day."""
    try:
        # A leap year, so that 29 February without a year is a day.
        real = date(year or 2024, month, day)
    except ValueError:
        return None
    return real.isoformat() if year else f"--{month:02}-{day:02}"


def _named(match: re.Match[str], _: datetime | None) -> str | None:
    month = MONTHS[match["month"].lower().rstrip(".")]
    text = match["day"].lower()
    day = ORDINALS.get(text) or int(re.match(r"\d+", text)[0])  # type: ignore[index]
    year = match["year"]
    return written(int(year) if year else None, month, day) or match[0].lower().rstrip(".")


def _numeric(match: re.Match[str], _: datetime | None) -> str | None:
    day, month = int(match["day"]), int(match["month"])
    year = match["year"]
    full = None if year is None else int(year) + (2000 if len(year) == 2 else 0)
    return written(full, month, day) or match[0]


def _han(match: re.Match[str], _: datetime | None) -> str | None:
    numbers = [read_number(match[part]) if match[part] else None for part in ("month", "day")]
    year = read_number(match["year"]) if match["year"] else None
    month, day = (int(n or 0) for n in numbers)
    full = int(year) if year else None
    if not day:
        return (f"{full}" if full else "-") + f"-{month:02}"
    return written(full, month, day) or match[0]


def _month_alone(match: re.Match[str], _: datetime | None) -> str | None:
    month = MONTHS[match["month"].lower()]
    return f"{match['year']}-{month:02}" if match["year"] else f"--{month:02}"


def _ordinal(match: re.Match[str], _: datetime | None) -> str | None:
    return f"---{int(match['day']):02}"


def _day_word(match: re.Match[str], now: datetime | None) -> str | None:
    word = match[0].lower().rstrip(".")
    return _away(now, RELATIVE[word]) or word


def _away(now: datetime | None, days: int) -> str | None:
    return (now.date() + timedelta(days=days)).isoformat() if now else None


def in_days(match: re.Match[str], days: int, now: datetime | None) -> str | None:
    """The day that "in two weeks" or "3 days ago" reaches from now."""
    return _away(now, -days if match["past"] else days) if days < MOST_DAYS else None


def _week(match: re.Match[str], now: datetime | None) -> str | None:
    word = match[0].lower().rstrip(".")
    if now is None:
        return word
    monday = now.date() + timedelta(days=7 * WEEKS[word] - now.weekday())
    return "|".join((monday + timedelta(days=n)).isoformat() for n in range(7))


def _month_word(match: re.Match[str], now: datetime | None) -> str | None:
    word = match[0].lower().rstrip(".")
    if now is None:
        return word
    month = now.year * 12 + now.month - 1 + MONTH_WORDS[word]
    return f"{month // 12}-{month % 12 + 1:02}"


_NUMERIC_YEAR = r"(?P<year>\d{4}|\d{2})(?!\d)"
_ISO = re.compile(r"(?<![\d-])(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)")


def _iso(match: re.Match[str], _: datetime | None) -> str | None:
    return written(int(match[1]), int(match[2]), int(match[3])) or match[0]


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


DATES: tuple[tuple[re.Pattern[str], Reading], ...] = (
    (_ISO, _iso),
    (
        _compiled(
            rf"(?P<day>{_DAY})\s*(?:day\s+)?(?:of\s+|haribulan\s+)?(?P<month>{_MONTH}){_YEAR}"
        ),
        _named,
    ),
    (
        _compiled(
            rf"(?:(?<!\d)(?P<year>\d{{4}})\s*(?:ஆம் ஆண்டு\s*)?)?(?P<month>{either(TAMIL)})\s*(?P<day>{_DAY})"  # noqa: E501
        ),
        _named,
    ),
    (_compiled(rf"(?P<month>{_MONTH})\s*(?:the\s+)?(?P<day>{_DAY}){_YEAR}"), _named),
    (
        _compiled(
            rf"(?:(?P<year>\d{{4}}|[〇零一二三四五六七八九]{{4}})年)?(?P<month>{_HAN_NUMBER})月(?:份)?"
            rf"(?:(?P<day>{_HAN_NUMBER})[日号號])?"
        ),
        _han,
    ),
    (
        _compiled(
            rf"(?<![\d/.-])(?P<day>\d{{1,2}})([/.-])(?P<month>\d{{1,2}})\2{_NUMERIC_YEAR}(?![/\d])"
        ),
        _numeric,
    ),
    (
        _compiled(
            r"(?<![\d/.,-])(?!24/7)(?P<day>\d{1,2})/(?P<month>\d{1,2})(?P<year>(?!))?(?![/\d])"
        ),
        _numeric,
    ),
    (
        _compiled(
            rf"{_BEFORE}(?P<month>{either(_WORDS['months']['alone']['latin'])}){_AFTER}"
            r"(?:,?\s+(?P<year>\d{4}))?"
        ),
        _month_alone,
    ),
    (
        _compiled(rf"(?P<month>{either(k for k in TAMIL if k != 'மே')})(?P<year>(?!))?"),
        _month_alone,
    ),
    (_compiled(r"(?<![\d.,])(?P<day>\d{1,2})(?:st|nd|rd|th)(?![A-Za-z])"), _ordinal),
    (
        _compiled(rf"{_BEFORE}(?:{either(k for k in MONTH_WORDS if k.isascii())}){_AFTER}"),
        _month_word,
    ),
    (_compiled(either(k for k in MONTH_WORDS if not k.isascii())), _month_word),
)
RELATIVE_DAYS: tuple[tuple[re.Pattern[str], Reading], ...] = (
    (
        _compiled(
            f"(?:{_BEFORE}{either(k for k in RELATIVE if k.isascii())}{_AFTER}"
            f"|{either(k for k in RELATIVE if not k.isascii())})"
        ),
        _day_word,
    ),
    (
        _compiled(
            f"(?:{_BEFORE}{either(k for k in WEEKS if k.isascii())}{_AFTER}"
            f"|{either(k for k in WEEKS if not k.isascii())}(?![一二三四五六日天]))"
        ),
        _week,
    ),
)
# The number of these is a duration too.
IN_DAYS = _compiled(
    rf"(?P<ahead>{_BEFORE}(?:in|dalam)\s+)?(?P<count>{NUMBER}|an?(?=\s))\s*(?:business |working |个工作)?"  # noqa: E501
    r"(?:(?P<weeks>weeks?|minggu|个?星期|周|வாரங்கள\S*)|(?:days?|hari|天|日|நாட்கள\S*|நாள\S*))\s*"
    r"(?P<past>ago|lalu|lepas|以?前|之前|முன்பு|முன்னர்)?(?P<later>from now|from today|后|之后|以后|கழித்து)?"  # noqa: E501
)
