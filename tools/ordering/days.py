"""The delivery day and the part of the day that a text asks for."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from tools.ordering.text import in_english, plain
from tools.rules import load_rules

ONE_DAY = timedelta(days=1)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()  # noqa: SIM905 (reads better)
MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b"
)
# How customers name a day; the day stands before the month.
DATE = rf"""\b(?:
    (?P<iso>20[23][0-9]-[0-9]{{2}}-[0-9]{{2}})
  | (?P<day>[0-9]{{1,2}})(?:st|nd|rd|th)?[\s-]*(?:of\s+)?(?P<month>{MONTH})\.?
      (?:[\s,'-]+(?P<year>20[23][0-9]|(?<=[-'])[23][0-9])\b)?
  | (?P<month2>{MONTH})\s+(?P<day2>[0-9]{{1,2}})(?:st|nd|rd|th)?\b(?:,?\s+(?P<year2>20[23][0-9])\b)?
  | (?P<day3>[0-9]{{1,2}})/(?P<month3>[0-9]{{1,2}})(?:/(?P<year3>(?:20)?[23][0-9]))?\b
      (?!\s*(?:a\s|of\s|bundle|bdl|carton|ctn|pack|pkt|dozen))
  | (?P<day4>[0-9]{{1,2}})[-.](?P<month4>[0-9]{{1,2}})[-.](?P<year4>20[23][0-9])\b
  | (?<=the\s)(?P<day5>[0-3]?[0-9])(?:st|nd|rd|th)\b
      (?!\s+(?:floor|storey|level|street|avenue|time|order|outlet|one|batch|anniversary|birthday))
)"""
DAY_WORD = r"""\b(?:
    (?P<relative>today|tonight|day\s+after\s+(?:tomorrow|tmrw?)|tomorrow|tmrw?|tml|tomoro?w|2mr?w)
  | in\s+(?P<days>[1-9][0-9]?)\s+days
  | (?P<next>next\s+)?(?P<weekday>mon(?:day)?|tue(?:s(?:day)?)?|wed(?:nesday)?
      |thu(?:r(?:s(?:day)?)?)?|thr|fri(?:day)?|sat(?:urday)?|sun(?:day)?)
)\b"""
DAY_PATTERN = re.compile(f"(?:{DATE}|{DAY_WORD})", re.VERBOSE | re.IGNORECASE)
# A day that is over, or that the customer turns down: "last Friday", "not on Thursday".
NOT_WANTED = re.compile(
    r"(?:\b(?:last|past|previous|since|every|not|instead\s+of|rather\s+than|was|were|ran\s+out"
    r"|closed?|except|avoid|any\s+day\s+but|no|dated|as\s+of|alternatively|failing\s+that"
    r"|(?:order|po|invoice|issue)\s+date|(?:receiv|deliver|order)ed)"
    r"\s*:?\s*(?:on\s+|for\s+|this\s+)?)$",
    re.IGNORECASE,
)
# "today's order", "Mon stock"
NO_DELIVERY = re.compile(r"(?:'s)?\s+(?:orders?\b(?!\s+for)|stock|balance|par\b)", re.IGNORECASE)
LOOK_BACK = 30
# "Saturday, 12 December" is one day, "thurs or sat" is a choice that we make.
SAME_DAY = re.compile(r"[\s,.(/-]*(?:(?:the|on|i\.?e\.?|which\s+is)\s+)?", re.IGNORECASE)
CHOICE = re.compile(
    r"\)?,?\s*(?:(?:or|otherwise|else|if\s+not)\b,?|/)\s*(?:on\s+|else\s+)?", re.IGNORECASE
)
GREETING = re.compile(
    r"\bgood\s+(?:morning|afternoon|day)\b"
    r"|^\W*(?:morning|afternoon)\b\s*(?=[,!]|all\b|boss|bro|can\b|could|i\b|sir|team|uncle|we\b)",
    re.IGNORECASE,
)
CLOCK = r"[0-9]{1,2}(?:[:.][0-9]{2})?"
WINDOW = re.compile(
    rf"""
    \b(?:(?P<limit>before|by)\s+)?(?P<hour>[0-9]{{1,2}})(?:[:.][0-9]{{2}})?\s*
      (?P<range>(?:-|to)\s*{CLOCK}\s*)?(?P<half>[ap])\.?m\b
  | \bbetween\s+(?P<first>[0-9]{{1,2}})(?:[:.][0-9]{{2}})?\s+(?:and|to)\s+[0-9]{{1,2}}\b
  | (?:{DATE}|{DAY_WORD})[\s,:(/-]{{0,6}}
      (?:(?:in\s+the\s+)?(?P<day_half>[ap])\.?m\b
      |(?:from\s+)?(?P<day_hour>9|10|11|1|2|3)\s?(?:-|to)\s?(?:1[0-2]|[2-5])\b
        (?!\s*(?:bundle|bdl|carton|ctn|pack|pcs|x\b|inch|")))
  | (?<!\bi\s)\b(?P<slot_half>[ap])\.?m\.?\s+
      (?:slot|window|delivery|session|shift|drop|time|please|pls|plz|can|ok|okay|if)\b
  | \b(?:slot|window|time|delivery|deliver|session)\s*(?:[:=-]|is|in\s+the)?\s*
      (?P<half_slot>[ap])\.?m\b
  | (?:^|[,;(\n])\s*(?P<alone>[ap])\.?m\.?\s*(?=$|[,;.)\n!?])
  | \b(?P<turn>before|by|after|from|around)\s+(?P<about>[0-9]{{1,2}})
      (?=\s*(?:$|[,.;!?)\n](?!\w)|(?:pls|please|if|can|ok|thanks|thx)\b))
  | \b(?P<morning>morning|morn|mrng|mng|first\s+thing|forenoon|(?:before|by)\s+(?:noon|lunch))\b
  | \b(?P<afternoon>after-?\s?noon|aft(?:n|ern)?|arvo|after\s+lunch)\b
  | \b(?P<clock>[0-2][0-9]):?[0-5][0-9](?:\s*(?:-|to)\s*[0-2]?[0-9]:?[0-5][0-9])?(?:\s*h(?:rs?)?\b)
  | \b(?P<colon>[0-2][0-9]):[0-9]{{2}}\b
""",
    re.VERBOSE | re.IGNORECASE,
)
# "9am-12pm" is one window, and of "morning or afternoon" we take the first.
UNTIL = re.compile(r"\s*(?:-|to|till?|until|or|and|/)\s*", re.IGNORECASE)
NOON = 12
CENTURY = 2000


@dataclass(frozen=True)
class _Named:
    """A day where a text names it; a date is more exact than "tomorrow", and this than "Tue"."""

    start: int
    end: int
    day: date
    rank: int


def find_day(text: str, today: date) -> date | None:
    """The first day a text names, counted from today; None when there is none."""
    return next((day for _, _, day in days_in(in_english(plain(text)).text, today)), None)


def days_in(text: str, today: date) -> Iterator[tuple[int, int, date]]:
    """The days a text in English words asks for: where each starts and ends, and which it is."""
    kept: list[_Named] = []
    for named in _named_in(text, today):
        between = text[kept[-1].end : named.start] if kept else None
        if between is not None and CHOICE.fullmatch(between):
            continue
        if between is not None and SAME_DAY.fullmatch(between) and kept[-1].rank != named.rank:
            kept[-1] = _one_day(kept[-1], named)
        else:
            kept.append(named)
    return ((n.start, n.end, n.day) for n in kept)


def find_window(text: str) -> str | None:
    """The part of the day a text asks for; a greeting does not count."""
    found = windows_in(in_english(plain(text)).text)
    return found[0][1] if found else None


def windows_in(text: str) -> list[tuple[int, str]]:
    """Where a text in English words asks for which part of the day."""
    found: list[tuple[int, str]] = []
    spoken = GREETING.sub(lambda m: " " * len(m[0]), text)
    last = None
    for match in WINDOW.finditer(spoken):
        if last is None or not UNTIL.fullmatch(spoken[last : match.start()]):
            found.append((match.start(), "morning" if _is_morning(match) else "afternoon"))
        last = match.end()
    return found


def _named_in(text: str, today: date) -> Iterator[_Named]:
    for match in DAY_PATTERN.finditer(text):
        before = text[max(0, match.start() - LOOK_BACK) : match.start()]
        if NOT_WANTED.search(before) or NO_DELIVERY.match(text, match.end()):
            continue
        if day := _day_of(match, today):
            rank = 0 if match["weekday"] else 1 if match["relative"] or match["days"] else 2
            yield _Named(*match.span(), day, rank)


def _one_day(one: _Named, other: _Named) -> _Named:
    exact = max(one, other, key=lambda n: n.rank)
    return _Named(one.start, other.end, exact.day, exact.rank)


def _is_morning(match: re.Match[str]) -> bool:
    if match["half"]:
        return match["half"].lower() == "a" or _starts_before_noon(match)
    for group in ("day_half", "slot_half", "half_slot", "alone"):
        if match[group]:
            return match[group].lower() == "a"
    if match["about"]:
        is_late = match["turn"].lower() in {"after", "from", "around"}
        return _is_early(int(match["about"]), at_noon=not is_late)
    hour = match["first"] or match["day_hour"]
    if hour:
        return _is_early(int(hour), at_noon=False)
    return bool(match["morning"]) or int(match["clock"] or match["colon"] or NOON) < NOON


def _is_early(hour: int, *, at_noon: bool) -> bool:
    return load_rules().ordering.open.hour <= hour < NOON + at_noon


def _starts_before_noon(match: re.Match[str]) -> bool:
    hour = int(match["hour"]) % NOON  # of the afternoon; "9-12pm" begins in the morning
    if match["limit"]:
        return hour <= load_rules().delivery.windows[-1].start.hour - NOON
    return bool(match["range"]) and hour >= load_rules().ordering.open.hour


def _day_of(match: re.Match[str], today: date) -> date | None:
    if match["relative"]:
        return today + ONE_DAY * _days_ahead(match["relative"].lower())
    if match["days"]:
        return today + ONE_DAY * int(match["days"])
    if match["weekday"]:
        return _weekday(match["weekday"], today, in_next_week=bool(match["next"]))
    return _calendar_day(match, today)


def _days_ahead(word: str) -> int:
    if word.startswith("day"):
        return 2
    return 0 if word in {"today", "tonight"} else 1


def _weekday(name: str, today: date, *, in_next_week: bool) -> date:
    """The coming day of that name, never today; `next` is the one in the following week."""
    wanted = WEEKDAYS.index(name[:3].lower())
    if in_next_week:
        return today + ONE_DAY * (7 - today.weekday() + wanted)
    return today + ONE_DAY * ((wanted - today.weekday() - 1) % 7 + 1)


def _calendar_day(match: re.Match[str], today: date) -> date | None:
    """The date as written; without a year the one nearest to today. None if there is no such."""
    if match["iso"]:
        year, month, day = map(int, match["iso"].split("-"))
        return _date(year, month, day)
    if match["day5"]:
        return _next_of_month(int(match["day5"]), today)
    name = match["month"] or match["month2"]
    month = MONTHS.index(name[:3].lower()) + 1 if name else int(match["month3"] or match["month4"])
    day = int(match["day"] or match["day2"] or match["day3"] or match["day4"])
    if written := match["year"] or match["year2"] or match["year3"] or match["year4"]:
        return _date(CENTURY + int(written) % 100, month, day)
    near = (_date(year, month, day) for year in range(today.year - 1, today.year + 2))
    return min((d for d in near if d), key=lambda d: abs(d - today), default=None)


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _next_of_month(day: int, today: date) -> date | None:
    """The coming day of that number: this month's, or the next one's when it is over."""
    over = day < today.day
    month = today.month % 12 + 1 if over else today.month
    return _date(today.year + (over and month == 1), month, day)
