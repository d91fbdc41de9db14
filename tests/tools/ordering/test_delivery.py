from datetime import UTC, date, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.ordering.delivery import (
    business_deadline,
    find_day,
    find_window,
    is_holiday,
    next_slots,
    remote_fee,
    resolve_slot,
)

SINGAPORE = ZoneInfo("Asia/Singapore")
moments = st.datetimes(datetime(2024, 1, 1), datetime(2027, 12, 1)).map(  # noqa: DTZ001 (zone next)
    lambda moment: moment.replace(tzinfo=SINGAPORE)
)


def at(day: int, clock: str = "10:00", month: int = 3) -> datetime:
    """A moment in 2026; 2 March is a Monday."""
    return datetime.combine(date(2026, month, day), time.fromisoformat(clock), SINGAPORE)


@pytest.mark.parametrize(
    ("received", "first"),
    [
        (at(2), date(2026, 3, 5)),  # Monday: ready on Wednesday, goes on Thursday
        (at(2, "13:59"), date(2026, 3, 5)),
        (at(2, "14:00"), date(2026, 3, 7)),  # after the cutoff: one delivery day later
        (at(2, "18:00"), date(2026, 3, 5)),  # counts as Tuesday at opening
        (at(3), date(2026, 3, 5)),
        (at(5), date(2026, 3, 7)),
        (at(6), date(2026, 3, 10)),  # Friday: two business days are Saturday and Monday
        (at(8), date(2026, 3, 12)),  # Sunday counts as Monday
        (at(16, month=2), date(2026, 2, 21)),  # New Year on the 17th and 18th
        (at(17, month=2), date(2026, 2, 21)),
    ],
)
def test_the_first_slot(received: datetime, first: date) -> None:
    slot = next_slots(received, 600)[0]
    assert (slot.day, slot.window, slot.start, slot.end) == (first, "morning", time(9), time(12))


def test_a_moment_in_another_zone_counts_in_singapore_time() -> None:
    assert next_slots(datetime(2026, 3, 2, 6, 30, tzinfo=UTC), 100) == next_slots(
        at(2, "14:30"), 100
    )


@pytest.mark.parametrize(
    ("pieces", "options", "first"),
    [
        (5000, {}, date(2026, 3, 5)),
        (5001, {}, date(2026, 3, 7)),
        (100, {"printed": True}, date(2026, 3, 14)),
    ],
)
def test_large_and_printed_orders_take_longer(
    pieces: int, options: dict[str, bool], first: date
) -> None:
    assert next_slots(at(2), pieces, printed=options.get("printed", False))[0].day == first


def test_slots_follow_each_other() -> None:
    slots = next_slots(at(2), 100, count=3)
    assert [(s.day.day, s.window) for s in slots] == [
        (5, "morning"),
        (5, "afternoon"),
        (7, "morning"),
    ]


@pytest.mark.parametrize(
    ("wanted", "window", "day", "reason"),
    [
        (date(2026, 3, 5), "afternoon", date(2026, 3, 5), None),
        (date(2026, 3, 10), None, date(2026, 3, 10), None),
        (date(2026, 3, 3), "morning", date(2026, 3, 5), "too_early"),
        (date(2026, 3, 2), None, date(2026, 3, 5), "too_early"),
        (date(2026, 3, 6), "afternoon", date(2026, 3, 7), "no_delivery_day"),
        (date(2026, 3, 21), "morning", date(2026, 3, 24), "holiday"),
    ],
)
def test_the_slot_for_a_wanted_day(
    wanted: date, window: str | None, day: date, reason: str | None
) -> None:
    choice = resolve_slot(at(2), 100, wanted, window)
    assert (choice.slot.day, choice.slot.window) == (day, window or "morning")
    assert (choice.asked_for, choice.reason) == (reason is None, reason)


def test_without_a_wish_the_first_slot_is_offered() -> None:
    choice = resolve_slot(at(2), 100, None, None)
    assert (choice.slot, choice.asked_for, choice.reason) == (
        next_slots(at(2), 100)[0],
        False,
        None,
    )


def test_a_wanted_window_without_a_day() -> None:
    choice = resolve_slot(at(2), 100, None, "afternoon")
    assert (choice.slot.day.day, choice.slot.window, choice.asked_for) == (5, "afternoon", True)


@given(moments, st.integers(1, 20_000), st.dates(date(2024, 1, 1), date(2028, 1, 1)))
def test_goods_go_on_delivery_days_and_never_before_they_are_ready(
    received: datetime, pieces: int, wanted: date
) -> None:
    choice = resolve_slot(received, pieces, wanted, None)
    first = next_slots(received, pieces)[0]
    assert f"{choice.slot.day:%a}" in {"Tue", "Thu", "Sat"}
    assert not is_holiday(choice.slot.day)
    assert choice.slot.day >= max(wanted, first.day)
    assert choice.asked_for == (choice.slot.day == wanted)


@pytest.mark.parametrize(
    ("start", "minutes", "deadline"),
    [
        (at(2, "10:00"), 30, at(2, "10:30")),
        (at(2, "17:45"), 30, at(3, "08:15")),
        (at(2, "17:30"), 30, at(2, "18:00")),
        (at(2, "20:00"), 120, at(3, "10:00")),
        (at(7, "17:00"), 120, at(9, "09:00")),  # Saturday to Monday
        (at(8, "11:00"), 0, at(9, "08:00")),
        (at(16, "17:00", month=2), 120, at(19, "09:00", month=2)),  # over the New Year
        (at(2, "08:00"), 1440, at(4, "12:00")),  # days of ten hours
    ],
)
def test_deadlines_count_opening_hours_only(
    start: datetime, minutes: int, deadline: datetime
) -> None:
    assert business_deadline(start, minutes) == deadline


@pytest.mark.parametrize(
    ("address", "fee"),
    [
        ("8 Palm Walk, Sentosa, S(098000)", 30),
        ("15 tuas example road", 30),
        ("offshore jetty 3", 30),
        ("12 Example Street 4, #01-06", 0),
        ("Tuaspring House", 0),
        ("", 0),
    ],
)
def test_remote_places_cost_a_fee(address: str, fee: int) -> None:
    assert remote_fee(address) == Decimal(fee)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("for thurs morning pls", date(2026, 3, 5)),
        ("this Saturday", date(2026, 3, 7)),
        ("on monday", date(2026, 3, 9)),  # said on a Monday
        ("next thursday", date(2026, 3, 12)),
        ("today", date(2026, 3, 2)),
        ("tmr can?", date(2026, 3, 3)),
        ("day after tomorrow", date(2026, 3, 4)),
        ("by 5 March", date(2026, 3, 5)),
        ("March 12th", date(2026, 3, 12)),
        ("on 12/3", date(2026, 3, 12)),
        ("12/3/2026", date(2026, 3, 12)),
        ("2026-03-12", date(2026, 3, 12)),
        ("2 jan", date(2026, 1, 2)),
        ("31/12", date(2025, 12, 31)),  # nearer than the one ahead
        ("12/3/27", date(2027, 3, 12)),
        ("5 Jan 2027", date(2027, 1, 5)),
        ("5 March 2000 pcs", date(2026, 3, 5)),
        ("30 feb", None),
        ("29 feb", None),
        ("2026-13-01", None),
        ("30 feb, no, 12 march", date(2026, 3, 12)),
        ("1/2 carton", None),
        ("the monitor at the sunny side", None),
        ("no day at all", None),
        ("周四上午", date(2026, 3, 5)),
        ("下周六", date(2026, 3, 14)),
        ("后天", date(2026, 3, 4)),
        ("大后天", date(2026, 3, 5)),
        ("3月12日", date(2026, 3, 12)),
        ("hari Khamis pagi", date(2026, 3, 5)),
        ("Sabtu depan", date(2026, 3, 14)),
        ("esok petang", date(2026, 3, 3)),
        ("5 Mac", date(2026, 3, 5)),
        ("வியாழக்கிழமை காலை", date(2026, 3, 5)),
        ("நாளை", date(2026, 3, 3)),
        ("in 3 days", date(2026, 3, 5)),
        ("not on thursday, saturday pls", date(2026, 3, 7)),
        ("since last friday we wait, send on sat", date(2026, 3, 7)),
    ],
)
def test_the_day_a_text_names(text: str, day: date | None) -> None:
    assert find_day(text, date(2026, 3, 2)) == day


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("thurs morning", "morning"),
        ("Good morning, sat afternoon please", "afternoon"),
        ("good morning", None),
        ("morning boss, 200 boxes", None),
        ("morning", "morning"),
        ("9am", "morning"),
        ("9-12pm", "morning"),
        ("2-5pm", "afternoon"),
        ("before 2pm", "morning"),
        ("before lunch", "morning"),
        ("after lunch", "afternoon"),
        ("at 15:30", "afternoon"),
        ("09:00 to 12:00", "morning"),
        ("200 boxes", None),
        ("thu am", "morning"),
        ("sat pm", "afternoon"),
        ("by noon", "morning"),
        ("between 9 and 11", "morning"),
        ("between 2 and 4", "afternoon"),
        ("早上好，周六下午", "afternoon"),
        ("上午10点", "morning"),
        ("下午3点", "afternoon"),
        ("selamat pagi, esok petang", "afternoon"),
        ("pukul 10 pagi", "morning"),
        ("காலை வணக்கம், நாளை மதியம்", "afternoon"),
    ],
)
def test_the_part_of_the_day_a_text_asks_for(text: str, window: str | None) -> None:
    assert find_window(text) == window
