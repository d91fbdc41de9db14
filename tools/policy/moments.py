"""What the rules say to the days and times of a question: cancelling, slots, deadlines."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice

from tools.ordering.cancelling import percent_for
from tools.ordering.delivery import find_window, is_holiday, next_slots
from tools.policy.formulas import HUNDRED, Figures, cents, inputs, money, text, yes
from tools.policy.question import Question
from tools.rules import load_rules

DAY_BEFORE = r"(?:the )?(?:day|night|evening) before|previous day"
AT_THE_DOOR = r"\brefus|\brejects?\b|\baway\b|\bat the door\b"
ASKS_COST = r"\bfees?\b|charge|cost|\bpay|how much|\bfree\b|penalt|\bfine\b"
# An order that is not made yet: "if we order now"; "now place an order" is Chinese.
SOON = r"\b(?:now|today|tomorrow)\b"
SUPPOSED = (
    rf"\bif (?:i|we) (?:place an? )?order\b|\bif\b.*{SOON}|{SOON}.*\bif\b"
    rf"|{SOON}.{{0,12}}\bplace an order\b|\bplace an order\b.{{0,12}}{SOON}"
)
HOURS_A_DAY = 24
UNITS = {"minutes?|mins?": Decimal(1) / 60, "hours?|hrs?|h": Decimal(1)}


def cancellation_fee(question: Question) -> Figures | None:
    """The fee by the hours that are left when the customer cancels, of the amount if one is given.

    "The day before" is not a number of hours: it needs both times of day, unless every slot of
    the delivery day gives the same percentage.
    """
    if question.has(AT_THE_DOOR):
        return _fee({}, load_rules().cancellation.refused_percent, question.amount)
    left = _hours_left(question)
    percents = {percent_for(hours) for hours in left}
    if len(percents) != 1:
        return None
    given = {"hours_before": text(left[0].quantize(Decimal("0.1")))} if len(left) == 1 else {}
    return _fee(given, percents.pop(), question.amount)


def refund_days(question: Question) -> Figures | None:
    """The business days in which the money of an order cancelled on a day comes back."""
    rules, day = load_rules().cancellation, question.past_day
    if day is None:
        return None
    days = (_business_day(day, n) for n in (rules.refund_days_min, rules.refund_days_max))
    first, last = (when.isoformat() for when in days)
    return Figures({"cancelled_on": day.isoformat()}, {"from": first, "to": last})


def invoice_due(question: Question) -> Figures | None:
    """When an invoice of a day is due, and until when paying it early saves money."""
    rules, day = load_rules().payment, question.past_day
    if day is None:
        return None
    due, early = (day + timedelta(days=n) for n in (rules.net_days, rules.early_days))
    result = {"due": due.isoformat(), "early_until": early.isoformat()}
    return Figures({"invoice_date": day.isoformat()}, result)


def claim_deadline(question: Question) -> Figures | None:
    """Until when goods delivered at a moment can be reported, and whether that is still ahead."""
    delivered = _delivered_at(question)
    if delivered is None or delivered > question.now:
        return None
    deadline = delivered + timedelta(hours=load_rules().quality.report_hours)
    result = {"deadline": _written(deadline), "in_time": yes(question.now <= deadline)}
    return Figures({"delivered_at": _written(delivered)}, result)


def delivery_slot(question: Question) -> Figures | None:
    """The first slot for an order of that size, placed now or at the time that is named."""
    pieces = question.pieces
    if pieces is None and not question.has(SUPPOSED):
        return None
    ordered, is_printed = _ordered_at(question), question.has(r"\bprint|\blogo\b")
    slot = next_slots(ordered, pieces or 1, printed=is_printed, count=1)[0]
    given = {"ordered_at": _written(ordered), "printed": yes(is_printed)}
    result = {"day": slot.day.isoformat(), "window": slot.window}
    result |= {"from": f"{slot.start:%H:%M}", "to": f"{slot.end:%H:%M}"}
    return Figures(inputs(pieces=pieces) | given, result | _lead_days(pieces or 1, is_printed))


def _fee(given: dict[str, str], percent: Decimal, amount: Decimal | None) -> Figures:
    result = {"percent": text(percent)}
    if amount is not None:
        fee = cents(amount * percent / HUNDRED)
        result |= {"fee": money(fee), "rest": money(amount - fee)}
    return Figures(given | inputs(amount=amount), result)


def _hours_left(question: Question) -> list[Decimal]:
    """Hours before delivery: one, or one for each slot that it may be; none when unknown."""
    if question.has(DAY_BEFORE):
        return _day_before(question)
    for unit, hours in UNITS.items():
        if (count := question.count(unit)) is not None:
            return [count * hours]
    days = question.count("days?") or (question.count("weeks?") or 0) * 7
    if days:
        # Two days before is more than a day whatever the time; one day before may be less.
        return [Decimal(days) * HOURS_A_DAY] if days > 1 else []
    return _from_now(question)


def _day_before(question: Question) -> list[Decimal]:
    clocks = question.clocks()
    place = question.text.find(" before")
    if not clocks:
        return []
    nearest = min(clocks, key=lambda clock: abs(clock[0] - place))
    others = [at for start, at in clocks if start != nearest[0]]
    return [_hours(at) + HOURS_A_DAY - _hours(nearest[1]) for at in others or _starts(question)]


def _from_now(question: Question) -> list[Decimal]:
    """For what it costs to cancel now, with the delivery on a day that is named."""
    day = _delivery_day(question)
    if day is None or not question.has(ASKS_COST):
        return []
    clocks = [at for _, at in question.clocks()]
    moments = (_moment(day, at, question.now) for at in clocks[-1:] or _starts(question))
    left = [Decimal((when - question.now).total_seconds()) / 3600 for when in moments]
    return left if all(hours > 0 for hours in left) else []


def _delivery_day(question: Question) -> date | None:
    """The day that is named, unless it is the day of the cancellation: "cancel today"."""
    without = Question(question.text.replace("cancel today", "cancel"), question.now)
    return Question(without.text.replace("today cancel", "cancel"), question.now).day


def _starts(question: Question) -> list[time]:
    """When the slot begins that is named; both slots when none is."""
    wanted = find_window(question.text.replace("day before", ""))
    windows = load_rules().delivery.windows
    return [w.start for w in windows if not question.clocks() and w.name == wanted] or [
        w.start for w in windows
    ]


def _delivered_at(question: Question) -> datetime | None:
    if question.has(r"\bago\b") and (hours := question.count("hours?|hrs?")) is not None:
        return question.now - timedelta(hours=float(hours))
    day, clocks = question.past_day, question.clocks()
    return _moment(day, clocks[0][1], question.now) if day and clocks else None


def _ordered_at(question: Question) -> datetime:
    """Now, or the time of today or of another day that is named for ordering."""
    clocks, day = question.clocks(), question.day
    if not clocks and day in {None, question.now.date()}:
        return question.now
    at = clocks[0][1] if clocks else load_rules().ordering.open
    return _moment(day or question.now.date(), at, question.now)


def _lead_days(pieces: int, is_printed: bool) -> dict[str, str]:  # noqa: FBT001
    rules = load_rules().delivery
    lead = (rules.lead_days_min, rules.lead_days_max)
    if is_printed:
        lead = (rules.printed_lead_days_min, rules.printed_lead_days_max)
    elif pieces > rules.large_order_pieces:
        lead = (rules.large_lead_days_min, rules.large_lead_days_max)
    return {"lead_days_min": text(lead[0]), "lead_days_max": text(lead[1])}


def _business_day(start: date, count: int) -> date:
    """The business day that comes as the `count`th after a day."""
    days = (start + timedelta(days=n) for n in range(1, 4 * count + 30))
    open_days = load_rules().ordering.business_days
    return next(
        islice((d for d in days if f"{d:%a}" in open_days and not is_holiday(d)), count - 1, None)
    )


def _moment(day: date, at: time, now: datetime) -> datetime:
    return datetime.combine(day, at, now.tzinfo)


def _hours(at: time) -> Decimal:
    return Decimal(at.hour) + Decimal(at.minute) / 60


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="minutes")
