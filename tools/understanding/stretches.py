"""The stretches of time that a text names, each where it stands: months, quarters, "last week"."""

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import cache
from importlib import resources
from typing import Any

from tools.grounding.claims import claims
from tools.grounding.days import MONTHS
from tools.grounding.numbers import CHINESE, NUMBER, either, read_number

ONE_DAY = timedelta(days=1)
MONTHS_OF = {"quarter": 3, "half": 6}
UNITS = ("days", "weeks", "months")
MOST_COUNTED = 120
NEAR = 40
YEAR = r"(?:\s*(?:of\s+)?(?:(?P<year>20[23]\d)|(?P<before>last year)))?"
ISO_MONTH = re.compile(r"(?<![\d-])(?P<year>20[23]\d)[-/](?P<month>0?[1-9]|1[0-2])(?![\d/-])")
MONTH_OF_YEAR = re.compile(r"(?<![\d/])(?P<month>0?[1-9]|1[0-2])/(?P<year>20[23]\d)(?![\d/])")
YEAR_ALONE = re.compile(
    r"(?:\b(?:in|for|of|from|since|year|whole|all|full|tahun|sejak|sepanjang)\s+(?:the\s+)?)"
    r"(?P<year>20[23]\d)(?![\d/-])"
    r"|(?<!\d)(?P<han>20[23]\d)年(?!\d)|(?<!\d)(?P<tamil>20[23]\d)(?:-?ஆம்)? ஆண்டு"
)
# "15 Nov 2023" is a day.
DAY_AHEAD = re.compile(r"(?<![\d.])\d{1,2}(?:st|nd|rd|th)?(?:\s+of)?$", re.IGNORECASE)
YEAR_BEHIND = re.compile(r"[\s,']*(?P<year>20[23]\d|2\d)\b")


@dataclass(frozen=True)
class Stretch:
    """A stretch of time where a text names it. One without its year is the latest such one."""

    start: int
    end: int
    since: date
    until: date
    has_year: bool = True


def stretches_in(text: str, today: date) -> Iterator[Stretch]:
    """What our own words name first; the rest as the gate reads days and months."""
    for read in (_numbered, _relative, _counted, _written_months, _doubtful_months):
        for named in list(read(text, today)):
            yield named
            text = _without(text, named)
    now = datetime.combine(today, time(12))
    for claim in claims(text, now):
        if claim.kind != "date" or claim.value.startswith("---"):
            continue
        if found := _read(claim.readings, today):
            end, year = claim.end, YEAR_BEHIND.match(text, claim.end)
            is_month = found.since.day == 1 and not found.has_year and found.until.day > 1
            if is_month and year and len(year["year"]) == 4:
                month = _month(int(year["year"]), found.since.month)
                found, end = Stretch(0, 0, *month), year.end()
            yield replace(found, start=claim.start, end=end)


def _read(readings: Sequence[str], today: date) -> Stretch | None:
    """A day, a month or the days of a week, as the gate writes them."""
    first = readings[0]
    if len(readings) > 1:
        return Stretch(0, 0, date.fromisoformat(first), date.fromisoformat(readings[-1]))
    if found := re.fullmatch(r"--(\d{2})(?:-(\d{2}))?", first):
        return _latest(int(found[1]), int(found[2]) if found[2] else None, today)
    if found := re.fullmatch(r"(\d{4})-(\d{2})", first):
        return Stretch(0, 0, *_month(int(found[1]), int(found[2])))
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", first):
        day = date.fromisoformat(first)
        return Stretch(0, 0, day, day)
    return None


def _latest(month: int, day: int | None, today: date) -> Stretch | None:
    """The latest month or day of that name that has begun."""
    for year in (today.year, today.year - 1):
        try:
            since, until = _month(year, month) if day is None else (date(year, month, day),) * 2
        except ValueError:  # 29 February
            continue
        if since <= today:
            return Stretch(0, 0, since, until, has_year=False)
    return None


def _numbered(text: str, today: date) -> Iterator[Stretch]:
    """Q3, the first half of 2026, 第三季度."""
    order: dict[str, int] = _table()["numbered"]["order"]
    for kind, months in MONTHS_OF.items():
        for pattern in _table()["numbered"][kind]:
            for match in re.finditer(pattern + YEAR, text, re.IGNORECASE):
                written = match["n"].lower()
                number = int(written) if written.isdigit() else order[written]
                year = int(match["year"] or today.year - bool(match["before"]))
                first = date(year, (number - 1) * months + 1, 1)
                if first > today and not match["year"]:
                    first = months_later(first, -12)
                last = months_later(first, months) - ONE_DAY
                yield Stretch(match.start(), match.end(), first, last)


def _relative(text: str, today: date) -> Iterator[Stretch]:
    """This quarter, last year, the month before last; and a year by its number."""
    month = today.replace(day=1)
    begins: tuple[tuple[str, date, int], ...] = (
        ("quarters", months_later(month, -((today.month - 1) % 3)), 3),
        ("years", month.replace(month=1), 12),
        ("months", month, 1),
    )
    for kind, begin, months in begins:
        for away in sorted(_table()[kind], key=int):
            first = months_later(begin, int(away) * months)
            for match in words_of(kind, away).finditer(text):
                last = months_later(first, months) - ONE_DAY
                yield Stretch(match.start(), match.end(), first, last)
                text = text[: match.start()] + " " * len(match[0]) + text[match.end() :]
    for match in YEAR_ALONE.finditer(text):
        year = int(match["year"] or match["han"] or match["tamil"])
        yield Stretch(match.start(), match.end(), date(year, 1, 1), date(year, 12, 31))


def _counted(text: str, today: date) -> Iterator[Stretch]:
    """The last three months: whole months, and the present one so far."""
    for match in _counting().finditer(text):
        count = int(read_number(match["ahead"] or match["count"]) or 0)
        if not 0 < count <= MOST_COUNTED:
            continue
        unit = next(u for u in UNITS if match[u] or match[f"{u}_"])
        days = {"days": count - 1, "weeks": 7 * count - 1}
        since = (
            today - days[unit] * ONE_DAY
            if unit in days
            else months_later(today.replace(day=1), -count)
        )
        yield Stretch(match.start(), match.end(), since, today)


def _written_months(text: str, _: date) -> Iterator[Stretch]:
    for pattern in (ISO_MONTH, MONTH_OF_YEAR):
        for match in pattern.finditer(text):
            span = _month(int(match["year"]), int(match["month"]))
            yield Stretch(match.start(), match.end(), *span)


def _doubtful_months(text: str, today: date) -> Iterator[Stretch]:
    """Short names of months, and May, where the words around them leave no doubt."""
    table = _table()["doubtful"]
    months: dict[str, int] = table["months"]
    for match in re.finditer(rf"(?<!\w){either(months)}(?!\w)", text, re.IGNORECASE):
        if not _is_meant(text, match):
            continue
        month = months[match[0].lower()]
        year = YEAR_BEHIND.match(text, match.end())
        found = _latest(month, None, today)
        if year:
            span = _month(2000 + int(year["year"]) % 100, month)
            yield Stretch(match.start(), year.end(), *span)
        elif found:
            yield replace(found, start=match.start(), end=match.end())


def _is_meant(text: str, match: re.Match[str]) -> bool:
    """Whether "may" or "mar" stands where a month would."""
    before = text[max(0, match.start() - NEAR) : match.start()].rstrip(" '")
    behind = text[match.end() : match.end() + NEAR].lstrip(" '")
    months = rf"(?:{either([*_table()['doubtful']['months'], *MONTHS])})"
    if DAY_AHEAD.search(before):
        return False
    joined = rf"(?:{_any(_table()['joined']['words'])})\s*"
    return bool(
        words_of("doubtful", "behind").match(behind)
        or re.search(rf"{_any(_table()['doubtful']['before'])}$", before, re.IGNORECASE)
        or re.match(rf"{joined}{months}(?!\w)", behind, re.IGNORECASE)
        or re.search(rf"(?<!\w){months}\s*{joined}$", before, re.IGNORECASE)
    )


def _without(text: str, named: Stretch) -> str:
    return text[: named.start] + "\x1f" * (named.end - named.start) + text[named.end :]


def _month(year: int, month: int) -> tuple[date, date]:
    first = date(year, month, 1)
    return first, months_later(first, 1) - ONE_DAY


def months_later(day: date, months: int) -> date:
    """The same day of another month, or that month's last one."""
    number = day.year * 12 + day.month - 1 + months
    begin = date(number // 12, number % 12 + 1, 1)
    after = date((number + 1) // 12, (number + 1) % 12 + 1, 1)
    return begin.replace(day=min(day.day, (after - begin).days))


@cache
def _table() -> dict[str, Any]:
    text = (resources.files("tools.understanding") / "periods.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@cache
def words_of(section: str, key: str) -> re.Pattern[str]:
    """The words of one list of periods.toml."""
    return re.compile(_any(_table()[section][key]), re.IGNORECASE)


def _any(patterns: Sequence[str]) -> str:
    """Any of these; a word of Latin letters stands alone."""
    bounded = [rf"\b{p}\b" if p[0].isascii() and p[0].isalpha() else p for p in patterns]
    return f"(?:{'|'.join(bounded)})"


@cache
def _counting() -> re.Pattern[str]:
    table = _table()["counted"]
    ahead, behind = (
        "|".join(f"(?P<{unit}{mark}>{_any(table[unit])})" for unit in UNITS) for mark in ("", "_")
    )
    number = f"(?:{NUMBER}|{CHINESE})"
    return re.compile(
        rf"{_any(table['ahead'])}\s*(?P<ahead>{number})\s*(?:{ahead})"
        rf"|(?P<count>{number})\s*(?:{behind})\s*(?:yang\s+)?{_any(table['behind'])}",
        re.IGNORECASE,
    )
