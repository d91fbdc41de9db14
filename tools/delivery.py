"""When an order can be delivered, and what a remote address costs. Times are Singapore's."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from itertools import islice
from typing import Literal
from zoneinfo import ZoneInfo

import holidays

from tools.order_text import in_english, plain
from tools.rules import DeliveryWindow, load_rules

Reason = Literal["too_early", "no_delivery_day", "holiday"]

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
  | (?P<day>[0-9]{{1,2}})(?:st|nd|rd|th)?\s*(?:of\s+)?(?P<month>{MONTH})
      (?:\s+(?P<year>20[23][0-9])\b)?
  | (?P<month2>{MONTH})\s+(?P<day2>[0-9]{{1,2}})(?:st|nd|rd|th)?\b(?:,?\s+(?P<year2>20[23][0-9])\b)?
  | (?P<day3>[0-9]{{1,2}})/(?P<month3>[0-9]{{1,2}})(?:/(?P<year3>(?:20)?[23][0-9]))?\b
      (?!\s*(?:a\s|of\s|bundle|bdl|carton|ctn|pack|pkt|dozen))
)"""
DAY_WORD = r"""\b(?:
    (?P<relative>today|tonight|day\s+after\s+(?:tomorrow|tmrw?)|tomorrow|tmrw?|tml|tomoro?w|2mr?w)
  | in\s+(?P<days>[1-9][0-9]?)\s+days
  | (?P<next>next\s+)?(?P<weekday>mon(?:day)?|tue(?:s(?:day)?)?|wed(?:nesday)?
      |thu(?:r(?:s(?:day)?)?)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?)
)\b"""
DAY_PATTERN = re.compile(f"(?:{DATE}|{DAY_WORD})", re.VERBOSE | re.IGNORECASE)
# A day that is over, or that the customer turns down: "last Friday", "not on Thursday".
NOT_WANTED = re.compile(
    r"\b(?:last|past|previous|since|every|not|instead\s+of|rather\s+than|was|were|ran\s+out"
    r"|(?:receiv|deliver|order)ed)\s+(?:on\s+|for\s+|this\s+)?$",
    re.IGNORECASE,
)
LOOK_BACK = 30
GREETING = re.compile(
    r"\bgood\s+(?:morning|afternoon|day)\b"
    r"|^\W*(?:morning|afternoon)\b\s*(?=[,!]|all\b|boss|bro|can\b|could|i\b|sir|team|uncle|we\b)",
    re.IGNORECASE,
)
WINDOW = re.compile(
    r"""\b(?:
    (?:(?P<limit>before|by)\s+)?(?P<hour>[0-9]{1,2})(?:[:.][0-9]{2})?\s*
      (?P<range>(?:-|to)\s*[0-9]{1,2}(?:[:.][0-9]{2})?\s*)?(?P<half>am|pm)
  | between\s+(?P<first>[0-9]{1,2})(?:[:.][0-9]{2})?\s+(?:and|to)\s+[0-9]{1,2}
  | (?P<morning>morning|first\s+thing|(?:before|by)\s+(?:noon|lunch)
      |(?:mon|tue|wed|thu|fri|sat)[a-z]*\s+am)
  | (?P<afternoon>after-?\s?noon|aft|after\s+lunch|(?:mon|tue|wed|thu|fri|sat)[a-z]*\s+pm)
  | (?P<clock>[0-2][0-9]):[0-9]{2}
)\b""",
    re.VERBOSE | re.IGNORECASE,
)
NOON = 12
CENTURY = 2000


@dataclass(frozen=True)
class Slot:
    """A delivery window on a day, Singapore time."""

    day: date
    window: str
    start: time
    end: time


@dataclass(frozen=True)
class SlotChoice:
    """The slot an order gets. `reason` says why it is not the day that was asked for."""

    slot: Slot
    asked_for: bool
    reason: Reason | None = None


def next_slots(
    received: datetime, pieces: int, *, printed: bool = False, count: int = 2
) -> list[Slot]:
    """The first slots possible for an order of that size received at that moment."""
    days = _delivery_days(_earliest_day(received, pieces, printed=printed))
    return list(islice((s for day in days for s in _slots_of(day)), count))


def resolve_slot(
    received: datetime,
    pieces: int,
    wanted_day: date | None,
    wanted_window: str | None,
    *,
    printed: bool = False,
) -> SlotChoice:
    """The slot nearest to the wish; the first possible one when there is no wish."""
    earliest = _earliest_day(received, pieces, printed=printed)
    day = next(_delivery_days(max(earliest, wanted_day or earliest)))
    slots = _slots_of(day)
    in_window = [s for s in slots if s.window == wanted_window]
    slot = (in_window or slots)[0]
    if wanted_day is None or day == wanted_day:
        return SlotChoice(slot, asked_for=wanted_day is not None or bool(in_window))
    return SlotChoice(slot, asked_for=False, reason=_obstacle(wanted_day, earliest))


def remote_fee(address: str) -> Decimal:
    """The delivery fee in SGD for that address; zero on the main island."""
    rules = load_rules().delivery
    names = "|".join(map(re.escape, rules.remote_areas))
    is_remote = re.search(rf"\b(?:{names})\b", address, re.IGNORECASE)
    return rules.remote_fee if is_remote else Decimal(0)


def business_deadline(start: datetime, minutes: int) -> datetime:
    """The moment when that many minutes of opening hours have passed."""
    moment, left = _business_moment(start), timedelta(minutes=minutes)
    while (closing := _at(moment.date(), load_rules().ordering.close)) - moment < left:
        left -= closing - moment
        moment = _business_moment(closing)
    return moment + left


def is_holiday(day: date) -> bool:
    """Whether that day is a public holiday in Singapore."""
    return day in _holidays_of(day.year)


def find_day(text: str, today: date) -> date | None:
    """The first day a text names, counted from today; None when there is none."""
    return next((day for _, _, day in days_in(in_english(plain(text)).text, today)), None)


def days_in(text: str, today: date) -> Iterator[tuple[int, int, date]]:
    """The days a text in English words asks for: where each starts and ends, and which it is."""
    for match in DAY_PATTERN.finditer(text):
        before = text[max(0, match.start() - LOOK_BACK) : match.start()]
        day = None if NOT_WANTED.search(before) else _day_of(match, today)
        if day:
            yield *match.span(), day


def find_window(text: str) -> str | None:
    """The part of the day a text asks for; a greeting does not count."""
    match = WINDOW.search(GREETING.sub(" ", in_english(plain(text)).text))
    if match is None:
        return None
    return "morning" if _is_morning(match) else "afternoon"


def _is_morning(match: re.Match[str]) -> bool:
    if match["first"]:
        return NOON > int(match["first"]) >= load_rules().ordering.open.hour
    if match["half"] is None:
        return bool(match["morning"]) or int(match["clock"] or NOON) < NOON
    if match["half"].lower() == "am":
        return True
    hour = int(match["hour"]) % NOON  # of the afternoon; "9-12pm" begins in the morning
    if match["limit"]:
        return hour <= load_rules().delivery.windows[-1].start.hour - NOON
    return bool(match["range"]) and hour >= load_rules().ordering.open.hour


@cache
def _holidays_of(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays(load_rules().company.country, years=year))


def _at(day: date, clock: time) -> datetime:
    return datetime.combine(day, clock, ZoneInfo(load_rules().company.timezone))


def _is_business_day(day: date) -> bool:
    return f"{day:%a}" in load_rules().ordering.business_days and not is_holiday(day)


def _days_from(day: date) -> Iterator[date]:
    while True:
        yield day
        day += ONE_DAY


def _business_days(start: date) -> Iterator[date]:
    return (day for day in _days_from(start) if _is_business_day(day))


def _delivery_days(start: date) -> Iterator[date]:
    days = load_rules().delivery.days
    return (day for day in _days_from(start) if f"{day:%a}" in days and not is_holiday(day))


def _business_moment(moment: datetime) -> datetime:
    """The same moment, or the next opening when it falls outside the opening hours."""
    hours = load_rules().ordering
    local = moment.astimezone(ZoneInfo(load_rules().company.timezone))
    is_over = local.time() >= hours.close
    day = next(_business_days(local.date() + ONE_DAY * is_over))
    return max(local, _at(day, hours.open))


def _earliest_day(received: datetime, pieces: int, *, printed: bool) -> date:
    """The first delivery day after the lead time, one later for an order after the cutoff."""
    moment = _business_moment(received)
    lead = _lead_days(pieces, printed=printed)
    ready = next(islice(_business_days(moment.date()), lead, None))
    is_late = moment.time() >= load_rules().ordering.cutoff
    return next(islice(_delivery_days(ready), int(is_late), None))


def _lead_days(pieces: int, *, printed: bool) -> int:
    rules = load_rules().delivery
    if printed:
        return rules.printed_lead_days_min
    return rules.large_lead_days_min if pieces > rules.large_order_pieces else rules.lead_days_min


def _slots_of(day: date) -> list[Slot]:
    windows: tuple[DeliveryWindow, ...] = load_rules().delivery.windows
    return [Slot(day, w.name, w.start, w.end) for w in windows]


def _obstacle(wanted: date, earliest: date) -> Reason:
    if wanted < earliest:
        return "too_early"
    return "holiday" if is_holiday(wanted) else "no_delivery_day"


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
    name = match["month"] or match["month2"]
    month = MONTHS.index(name[:3].lower()) + 1 if name else int(match["month3"])
    day = int(match["day"] or match["day2"] or match["day3"])
    if written := match["year"] or match["year2"] or match["year3"]:
        return _date(CENTURY + int(written) % 100, month, day)
    near = (_date(year, month, day) for year in range(today.year - 1, today.year + 2))
    return min((d for d in near if d), key=lambda d: abs(d - today), default=None)


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
