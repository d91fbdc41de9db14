"""The stretch of time a message names: "October", 上个月, "1 Oct to 15 Nov", "since September"."""

import itertools
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import NamedTuple

from tools.grounding.days import MONTHS
from tools.grounding.numbers import either, plain, read_number
from tools.understanding.stretches import NEAR, Stretch, months_later, stretches_in, words_of

# A time is named early; what is pasted behind it is long.
MOST_LETTERS, MOST_STRETCHES = 2000, 20
LENGTHS = {"year": 12, "half": 6, "quarter": 3, "month": 1}
ENDED = re.compile(
    r"\b(year|half|quarter|month)(?:[- ]year)?\s+(?:ended|ending)\s*$", re.IGNORECASE
)
# "1-15 Oct" and "Oct 1-15" name the month once.
_MONTH, _TO = f"(?:{either(MONTHS)}|\\d+月)", r"\s*(?:-|–|~|to|until|till|hingga|到|至|முதல்)\s*"
ONCE_BEHIND = re.compile(
    rf"(?<![\d/.-])(?P<one>\d{{1,2}}){_TO}(?P<other>\d{{1,2}}\s*)(?P<month>{_MONTH})(?!\w)",
    re.IGNORECASE,
)
ONCE_AHEAD = re.compile(
    rf"(?P<month>{_MONTH})(?P<one>\s?\d{{1,2}}(?:日|号)?){_TO}(?P<other>\d{{1,2}}(?:日|号)?)"
    rf"(?!\d|/|月|\s*{_MONTH})",
    re.IGNORECASE,
)
# 八月一号到十五号: days in Chinese numerals.
HAN_DAY = re.compile(r"(?<=[月到至~-])[一二三四五六七八九十廿]{1,3}(?=[号日])")
HAN_MONTH = re.compile(r"[一二三四五六七八九十]{1,2}(?=月\d)")
# செப்டம்பரிலிருந்து: the month's last consonant and the ending's first vowel are one letter.
PULLI, VOWELS = "\u0bcd", {"\u0bbf": "இ", "\u0bc1": "உ"}
ENDINGS = re.compile(
    f"({either(m[:-1] for m in MONTHS if m.endswith(PULLI))})([{''.join(VOWELS)}])"
)


class Period(NamedTuple):
    """From the first day to the last one, both included."""

    since: date
    until: date


def period_of(text: str, today: date) -> Period | None:
    """The period that a text names in any of the four languages, until today at the latest."""
    text = ENDINGS.sub(lambda m: f"{m[1]}{PULLI} {VOWELS[m[2]]}", plain(text[:MOST_LETTERS]))
    for numerals in (HAN_DAY, HAN_MONTH):
        text = numerals.sub(_in_figures, text)
    text = ONCE_AHEAD.sub(r"\g<month>\g<one> - \g<month>\g<other>", text)
    text = ONCE_BEHIND.sub(r"\g<one> \g<month> - \g<other>\g<month>", text)
    named = sorted(stretches_in(text, today), key=lambda n: n.start)[:MOST_STRETCHES]
    whole = _whole(text, named, today)
    if whole is None or whole.since > today:
        return None
    return Period(whole.since, min(whole.until, today))


def _in_figures(match: re.Match[str]) -> str:
    return str(int(read_number(match[0].replace("廿", "二十")) or 0))


def _whole(text: str, named: Sequence[Stretch], today: date) -> Period | None:
    """Two stretches that are joined are one; a single one may be open at an end."""
    for one, other in itertools.pairwise(named):
        if words_of("joined", "words").fullmatch(text[one.end : other.start].strip()):
            until = _from(one.since, other).until
            return Period(one.since, until) if one.since <= until else None
    opened = [n for n in named if _is_open(text, n)]
    longer = [n for n in named if n.since < n.until]
    first = next(iter([*opened, *longer, *(n for n in named if n.since != today)]), None)
    if first is None:
        return None
    if _opens(text, first, "since"):
        return Period(first.since, today)
    if _opens(text, first, "until"):
        return _ending(text, first) if first.until < today else None
    return Period(first.since, first.until)


def _ending(text: str, named: Stretch) -> Period:
    """The month, quarter or year that ends with a day."""
    length = ENDED.search(text[max(0, named.start - NEAR) : named.start])
    months = LENGTHS[length[1].lower()] if length else 1
    return Period(months_later(named.until.replace(day=1), 1 - months), named.until)


def _is_open(text: str, named: Stretch) -> bool:
    return _opens(text, named, "since") or _opens(text, named, "until")


def _opens(text: str, named: Stretch, which: str) -> bool:
    """Whether "since" or "until" stands beside it; "from October" alone is that month."""
    before = text[max(0, named.start - NEAR) : named.start].rstrip()
    behind = text[named.end : named.end + NEAR].lstrip()
    keys = [which, "from"] if which == "since" and named.since == named.until else [which]
    ahead = (m for key in keys for m in words_of("open", key).finditer(before))
    is_behind = words_of("open", f"{which}_behind").match(behind)
    return bool(is_behind) or any(m.end() == len(before) for m in ahead)


def _from(since: date, named: Stretch) -> Stretch:
    """The first one of that name that ends after a day."""
    while not named.has_year and named.until < since:
        named = replace(named, until=months_later(named.until, 12))
    return named
