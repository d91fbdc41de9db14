"""Which earlier order "the same as last month" means."""

import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from tools.xero.documents import Invoice

LAST_MONTH = re.compile(
    r"last month|previous month|上个?月|bulan lepas|bulan lalu|கடந்த மாத", re.IGNORECASE
)
LAST_WEEK = re.compile(r"last week|上(?:个)?(?:星期|周)|minggu lepas|கடந்த வாரம்", re.IGNORECASE)


def order_of(past: Sequence[Invoice], text: str, now: datetime) -> Invoice | None:
    """The latest order of the period that was named; the latest of all where none was.

    `past` is sorted latest first. A period without an order has no answer.
    """
    since, until = _period(text, now.date())
    return next((i for i in past if i.date and since <= i.date <= until), None)


def _period(text: str, today: date) -> tuple[date, date]:
    if LAST_MONTH.search(text):
        end = today.replace(day=1) - timedelta(days=1)
        return end.replace(day=1), end
    if LAST_WEEK.search(text):
        monday = today - timedelta(days=today.weekday() + 7)
        return monday, monday + timedelta(days=6)
    return date.min, today
