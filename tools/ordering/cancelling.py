"""What it costs to cancel an order, by the hours that are left before its delivery (O7)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from tools.ordering.pricing import Fee, cents
from tools.rules import load_rules

LABEL = "Cancellation fee"


@dataclass(frozen=True)
class CancelTerms:
    """The part of the order that is charged, and until when no more than that."""

    percent: Decimal
    until: datetime

    def fee(self, subtotal: Decimal) -> Fee | None:
        """The charge before GST; None where cancelling is free."""
        amount = cents(subtotal * self.percent / 100)
        return Fee(LABEL, amount) if amount else None


def terms_at(moment: datetime, begins: datetime) -> CancelTerms | None:
    """The terms for an order whose slot begins then; None once it has begun."""
    rules, left = load_rules().cancellation, begins - moment
    if left <= timedelta():
        return None
    last = next(h for h in (rules.free_hours, rules.late_hours, 0) if left >= timedelta(hours=h))
    return CancelTerms(percent_for(_hours(left)), begins - timedelta(hours=last))


def percent_for(hours: Decimal) -> Decimal:
    """The part of the order in percent, so many hours before delivery."""
    rules = load_rules().cancellation
    if hours >= rules.free_hours:
        return Decimal(0)
    return rules.late_percent if hours >= rules.late_hours else rules.last_percent


def _hours(left: timedelta) -> Decimal:
    return Decimal(left // timedelta(seconds=1)) / 3600
