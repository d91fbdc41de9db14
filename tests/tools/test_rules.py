from datetime import date, time
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from tools.rules import Payment, gst_percent, load_rules, rules_values


@pytest.mark.parametrize(
    ("on", "percent"),
    [
        (date(1993, 12, 31), 0),
        (date(2022, 12, 31), 7),
        (date(2023, 1, 1), 8),
        (date(2023, 12, 31), 8),
        (date(2024, 1, 1), 9),
        (date(2030, 6, 1), 9),
    ],
)
def test_the_rate_follows_the_invoice_date(on: date, percent: int) -> None:
    assert gst_percent(on) == Decimal(percent)


def test_amounts_are_exact_decimals_and_times_are_times() -> None:
    rules = load_rules()
    assert rules.payment.late_percent_month == Decimal("1.5")
    assert rules.printing.flexo_price_min == Decimal("0.08")
    assert rules.ordering.cutoff == time(14)
    assert rules.delivery.days == ("Tue", "Thu", "Sat")


def test_level_four_has_no_limit() -> None:
    levels = load_rules().escalation.levels
    assert sorted(levels) == [1, 2, 3, 4]
    assert levels[4].credit is None
    assert levels[2].credit == 500


def test_rules_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        setattr(load_rules().payment, "net_days", 60)  # noqa: B010 (mypy knows it is frozen)


@pytest.mark.parametrize("slip", [{"net_dayz": 30}, {"net_days": "soon"}])
def test_a_slip_in_the_file_fails_the_load(slip: dict[str, Any]) -> None:
    good = load_rules().payment.model_dump()
    with pytest.raises(ValidationError):
        Payment.model_validate(good | slip)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("payment.net_days", "30"),
        ("payment.late_percent_month", "1.5"),
        ("ordering.cutoff", "14:00"),
        ("cancellation.late_percent", "25"),
        ("delivery.days", "Tue, Thu, Sat"),
        ("delivery.windows.morning.from", "09:00"),
        ("delivery.windows.afternoon.to", "17:00"),
        ("escalation.levels.2.credit", "500"),
        ("escalation.min_confidence", "0.70"),
        ("gst.percent", "9"),
    ],
)
def test_texts_quote_a_rule_by_its_dotted_name(name: str, text: str) -> None:
    assert rules_values()[name] == text
