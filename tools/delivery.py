"""When goods can be delivered, and when people must have answered: business time in Singapore."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from itertools import islice

import holidays

from tools.rules import DeliveryWindow, load_rules

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True)
class Slot:
    """A day and a window of it, Singapore time."""

    day: date
    window: str
    start: time
    end: time


@dataclass(frozen=True)
class SlotChoice:
    """The slot that is offered; `reason` says why it is not the one asked for."""

    slot: Slot
    asked_for: bool
    reason: str | None


@cache
def _public_holidays() -> "holidays.HolidayBase":
    return holidays.country_holidays(load_rules().company.country)


def is_holiday(day: date) -> bool:
    """Whether it is a public holiday in Singapore."""
    return day in _public_holidays()


def is_business_day(day: date) -> bool:
    """Whether the company works on that day."""
    return WEEKDAYS[day.weekday()] in load_rules().ordering.business_days and not is_holiday(day)


def is_delivery_day(day: date) -> bool:
    """Whether goods are delivered on that day."""
    return WEEKDAYS[day.weekday()] in load_rules().delivery.days and not is_holiday(day)


def received_at(moment: datetime) -> datetime:
    """When an order counts as received: out of hours, at the next opening."""
    ordering = load_rules().ordering
    if is_business_day(moment.date()):
        if moment.time() < ordering.open:
            return _at(moment.date(), ordering.open, moment)
        if moment.time() < ordering.close:
            return moment
    return _at(next(_business_days_after(moment.date())), ordering.open, moment)


def lead_days(pieces: int, *, printed: bool = False) -> int:
    """The least number of business days between receipt and delivery."""
    delivery = load_rules().delivery
    if printed:
        return delivery.printed_lead_days_min
    if pieces > delivery.large_order_pieces:
        return delivery.large_lead_days_min
    return delivery.lead_days_min


def earliest_day(received: datetime, pieces: int, *, printed: bool = False) -> date:
    """The first delivery day that meets the lead time; one later after the cutoff."""
    counted = received_at(received)
    days = _business_days_after(counted.date())
    ready = next(islice(days, lead_days(pieces, printed=printed) - 1, None))
    possible = _delivery_days_from(ready)
    first = next(possible)
    return first if counted.time() < load_rules().ordering.cutoff else next(possible)


def next_slots(
    received: datetime, pieces: int, *, printed: bool = False, count: int = 2
) -> list[Slot]:
    """The first possible slots, in order."""
    days = _delivery_days_from(earliest_day(received, pieces, printed=printed))
    slots = (_slot(day, window) for day in days for window in load_rules().delivery.windows)
    return list(islice(slots, count))


def resolve_slot(
    received: datetime, pieces: int, wanted_day: date | None, wanted_window: str | None
) -> SlotChoice:
    """The slot asked for where it is possible, else the next one and why."""
    earliest = earliest_day(received, pieces)
    window = _window(wanted_window)
    if wanted_day is None:
        return SlotChoice(_slot(earliest, window), asked_for=False, reason=None)
    reason = _why_not(wanted_day, earliest)
    if reason is None:
        return SlotChoice(_slot(wanted_day, window), asked_for=True, reason=None)
    day = next(_delivery_days_from(max(wanted_day, earliest)))
    return SlotChoice(_slot(day, window), asked_for=False, reason=reason)


def business_deadline(start: datetime, minutes: int) -> datetime:
    """The moment when that many minutes of business hours have passed since `start`."""
    ordering = load_rules().ordering
    left = timedelta(minutes=minutes)
    moment = received_at(start)
    while True:
        until_close = _at(moment.date(), ordering.close, moment) - moment
        if left <= until_close:
            return moment + left
        left -= until_close
        moment = _at(next(_business_days_after(moment.date())), ordering.open, moment)


def is_remote(address: str) -> bool:
    """Whether delivery to that address costs the remote fee."""
    return any(area.lower() in address.lower() for area in load_rules().delivery.remote_areas)


def _why_not(day: date, earliest: date) -> str | None:
    if is_holiday(day):
        return "public_holiday"
    if not is_delivery_day(day):
        return "no_delivery_day"
    return "too_early" if day < earliest else None


def _window(wanted: str | None) -> DeliveryWindow:
    windows = load_rules().delivery.windows
    return next((w for w in windows if w.name == wanted), windows[0])


def _slot(day: date, window: DeliveryWindow) -> Slot:
    return Slot(day, window.name, window.start, window.end)


def _at(day: date, clock: time, like: datetime) -> datetime:
    return datetime.combine(day, clock, like.tzinfo)


def _days_from(day: date) -> Iterator[date]:
    while True:
        yield day
        day += timedelta(days=1)


def _business_days_after(day: date) -> Iterator[date]:
    return (d for d in _days_from(day + timedelta(days=1)) if is_business_day(d))


def _delivery_days_from(day: date) -> Iterator[date]:
    return (d for d in _days_from(day) if is_delivery_day(d))
