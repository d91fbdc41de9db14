"""Weekdays and times of day by value: 下周四, "Khamis depan", noon, "2 petang", 14:00."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

from tools.grounding.days import HAN_DAYS, WEEKDAYS
from tools.grounding.numbers import CHINESE, TAMIL, data, either, read_number

_WORDS = data("days")
_TIMES = _WORDS["times"]
NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_LATIN = [k for k in WEEKDAYS if k.isascii() and len(k) > 3]
_TAMIL = [k for k in WEEKDAYS if not k.isascii()]
_SHORT = "|".join(_WORDS["weekdays"]["short"])
_SOON = r"(?P<soon>next|this|coming|last|every|on|by|until|till|before|after)"
_HAN_DAY = f"[{''.join(HAN_DAYS)}]"

_LATIN_DAY = re.compile(
    rf"(?<![A-Za-z])(?:{_SOON}\s+)?(?P<day>{either(_LATIN)})(?![A-Za-z])"
    r"(?:\s+(?P<later>depan|hadapan|ini|lepas|lalu|minggu depan|next week|last week))?",
    re.IGNORECASE,
)
_SHORT_DAY = re.compile(
    rf"(?<![A-Za-z])(?:(?i:{_SOON})\s+(?P<low>(?i:{_SHORT}))|(?P<day>{_SHORT}))(?![A-Za-z])\.?"
)
_CHINESE_DAY = re.compile(
    rf"(?P<soon>下+|上|本|这)?个?(?:周|星期|礼拜|週)(?P<day>{_HAN_DAY})(?!个|次|份|共)"
)
_TAMIL_DAY = re.compile(rf"(?:(?P<soon>அடுத்த|இந்த|கடந்த|வரும்)\s+)?(?P<day>{either(_TAMIL)})")

NEXT = {"next", "depan", "hadapan", "minggu depan", "next week", "下", "அடுத்த"}
LAST = {"last", "lepas", "lalu", "last week", "上", "கடந்த"}
THIS = {"this", "coming", "ini", "本", "这", "இந்த", "வரும்"}

Reading = Callable[[re.Match[str], datetime | None], str | None]


def _weekday(match: re.Match[str], now: datetime | None) -> str | None:
    groups = match.groupdict()
    word = (groups.get("day") or groups.get("low") or "").lower()
    number = WEEKDAYS[word] if word in WEEKDAYS else HAN_DAYS[word]
    which = (groups.get("soon") or groups.get("later") or "").lower()
    if now is None or which not in NEXT | LAST | THIS:
        return NAMES[number]
    monday = now.date() - timedelta(days=now.weekday())
    weeks = [0, 1] if which in NEXT else [-1, 0] if which in LAST else [0, 1]
    if which in ("下", "本", "这", "上", "minggu depan", "next week", "last week"):
        weeks = [{"本": 0, "这": 0}.get(which, 1 if which in NEXT else -1)]
    days = [monday + timedelta(days=7 * week + number) for week in weeks]
    past = which in LAST
    fitting = [d for d in days if (d < now.date()) == past or d == now.date()]
    return "|".join(d.isoformat() for d in fitting or days)


WEEKDAY_PATTERNS: tuple[tuple[re.Pattern[str], Reading], ...] = tuple(
    (pattern, _weekday) for pattern in (_LATIN_DAY, _SHORT_DAY, _CHINESE_DAY, _TAMIL_DAY)
)

_HALVES = r"(?P<half>a\.?m\.?|p\.?m\.?)(?![A-Za-z])"
_BEFORE_NOON, _AFTER_NOON = either(_TIMES["before_noon"]), either(_TIMES["after_noon"])
_MALAY = either([*_TIMES["malay_before_noon"], *_TIMES["malay_after_noon"]])
_HOUR = rf"(?:\d{{1,2}}|{CHINESE})"


def _clock(hour: int, minute: int, half: str) -> str | None:
    if hour > 24 or minute > 59:
        return None
    if half == "a" or half == "p":
        return f"{hour % 12 + (12 if half == 'p' else 0):02}:{minute:02}"
    return f"{hour % 24:02}:{minute:02}"


def _latin_time(match: re.Match[str], _: datetime | None) -> str | None:
    half = (match["half"] or " ")[0].lower()
    return _clock(int(match["hour"]), int(match["minute"] or 0), half)


def _open_time(match: re.Match[str], _: datetime | None) -> str | None:
    """An hour without its half of the day: two readings."""
    number = read_number(match["hour"])
    hour = int(number or 0)
    readings = {_clock(hour, 0, ""), _clock(hour, 0, "a"), _clock(hour, 0, "p")} - {None}
    return "|".join(sorted(r for r in readings if r)) or None


def _half_of(word: str) -> str:
    before = (*_TIMES["before_noon"], *_TIMES["malay_before_noon"])
    after = (*_TIMES["after_noon"], *_TIMES["malay_after_noon"])
    return "a" if word in before else "p" if word in after else ""


def _local_time(match: re.Match[str], now: datetime | None) -> str | None:
    number = read_number(match["hour"])
    half = _half_of((match["part"] or "").lower())
    groups = match.groupdict()
    text = groups.get("minute")
    minute = 30 if groups.get("thirty") else int(read_number(text) or 0) if text else 0
    if number is None or number > 24:
        return None
    if half and number < 13:
        return _clock(int(number), minute, half)
    if half or minute or number > 12:
        return _clock(int(number), minute, "")
    return _open_time(match, now)


def _named_time(match: re.Match[str], _: datetime | None) -> str | None:
    return str(_TIMES["named"][match[0].lower()])


_NAMED = _TIMES["named"]
TIME_PATTERNS: tuple[tuple[re.Pattern[str], Reading], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), reading)
    for pattern, reading in (
        (
            r"(?<![\d.,:])(?P<hour>\d{1,2})(?P<minute>(?!))?(?=\s?(?:-|to|and)\s?\d{1,2}(?:[:.]\d{2})?"
            rf"\s?{_HALVES})",
            _latin_time,
        ),
        (
            r"(?<![\d.,:])(?P<hour>\d{1,2})(?:[:.](?P<minute>\d{2}))?\s?" + _HALVES,
            _latin_time,
        ),
        (
            rf"(?<![\d:])(?:(?P<part>{_BEFORE_NOON}|{_AFTER_NOON})\s*)(?P<hour>\d{{1,2}})"
            r":(?P<minute>\d{2})(?!\d)",
            _local_time,
        ),
        (
            rf"(?<![\d:])(?P<hour>\d{{1,2}})[:.](?P<minute>\d{{2}})\s?(?P<part>{_MALAY})(?![A-Za-z])",
            _local_time,
        ),
        (
            r"(?<![\d:.,])(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::\d{2})?(?P<half>(?!))?(?!:?\d)",
            _latin_time,
        ),
        (
            r"(?<![\d.,])(?P<hour>\d{2})(?P<minute>\d{2})\s?h(?:rs?|ours)(?P<half>(?!))?(?![A-Za-z])",
            _latin_time,
        ),
        (
            rf"(?:(?P<part>{_BEFORE_NOON}|{_AFTER_NOON})\s*)?(?P<hour>{_HOUR})[点點时時](?!间|候|期|常)"
            rf"(?:(?P<thirty>半)|(?P<minute>{_HOUR})分?)?",
            _local_time,
        ),
        (
            rf"(?:(?<![A-Za-z])(?:pukul|jam)\s+)?(?<![\d.,])(?P<hour>\d{{1,2}})\s(?P<part>{_MALAY})(?![A-Za-z])",
            _local_time,
        ),
        (r"(?<![A-Za-z])pukul\s+(?P<hour>\d{1,2})(?P<part>(?!))?", _local_time),
        (
            rf"(?:(?P<part>{_BEFORE_NOON}|{_AFTER_NOON})\s*)?(?P<hour>(?<![\d.,])\d{{1,2}}|{TAMIL})\s*மணி"
            r"(?!\s*நேர)",
            _local_time,
        ),
        (r"(?<![\d.,])(?P<hour>\d{1,2})\s?o'?clock", _open_time),
        (
            f"(?:(?<![A-Za-z]){either(k for k in _NAMED if k.isascii())}(?![A-Za-z])"
            f"|{either(k for k in _NAMED if not k.isascii())})",
            _named_time,
        ),
    )
)
