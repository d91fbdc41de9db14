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

from tools.ordering.days import find_day as find_day
from tools.ordering.days import find_window as find_window
from tools.rules import DeliveryWindow, load_rules

Reason = Literal["too_early", "no_delivery_day", "holiday"]

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Slot:
    """A delivery window on a day, Singapore time."""

    day: date
    window: str
    start: time
    end: time

    @property
    def begins(self) -> datetime:
        """The moment when the delivery may come."""
        return _at(self.day, self.start)

    @property
    def ends(self) -> datetime:
        """The moment when it must have come."""
        return _at(self.day, self.end)


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


def is_open(moment: datetime) -> bool:
    """Whether it is within the opening hours."""
    return business_deadline(moment, 0) == moment


def is_holiday(day: date) -> bool:
    """Whether that day is a public holiday in Singapore."""
    return day in _holidays_of(day.year)


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
