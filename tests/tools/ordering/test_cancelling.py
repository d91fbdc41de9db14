from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.ordering.cancelling import CancelTerms, percent_for, terms_at

BEGINS = datetime.fromisoformat("2026-11-26T09:00:00+08:00")


@pytest.mark.parametrize(
    ("hours", "percent", "until"),
    [(48, 0, 24), (24, 0, 24), (23.99, 25, 12), (12, 25, 12), (11.99, 50, 0), (0.01, 50, 0)],
)
def test_the_fee_rises_as_the_delivery_comes(hours: float, percent: int, until: int) -> None:
    terms = terms_at(BEGINS - timedelta(hours=hours), BEGINS)
    assert terms == CancelTerms(Decimal(percent), BEGINS - timedelta(hours=until))


@pytest.mark.parametrize("hours", [0, -0.01, -5])
def test_there_are_no_terms_once_the_slot_has_begun(hours: float) -> None:
    assert terms_at(BEGINS - timedelta(hours=hours), BEGINS) is None


def test_the_time_zone_of_the_message_does_not_matter() -> None:
    moment = datetime.fromisoformat("2026-11-25T01:30:00+00:00")  # half past nine in Singapore
    terms = terms_at(moment, BEGINS)
    assert terms
    assert terms.percent == 25


@pytest.mark.parametrize(("subtotal", "fee"), [("470.00", "117.50"), ("0.05", "0.01")])
def test_the_fee_is_rounded_half_up(subtotal: str, fee: str) -> None:
    found = CancelTerms(Decimal(25), BEGINS).fee(Decimal(subtotal))
    assert found
    assert (found.label, f"{found.amount}") == ("Cancellation fee", fee)


def test_in_time_there_is_no_fee() -> None:
    assert CancelTerms(Decimal(0), BEGINS).fee(Decimal("470.00")) is None


@given(st.integers(min_value=1, max_value=72 * 3600))
def test_terms_and_hours_agree_and_hold_until_they_end(seconds: int) -> None:
    moment = BEGINS - timedelta(seconds=seconds)
    terms = terms_at(moment, BEGINS)
    assert terms
    assert terms.percent == percent_for(Decimal(seconds) / 3600)
    assert terms.until >= moment
    if terms.until > moment:
        later = terms_at(terms.until, BEGINS)
        assert later is None or later.percent == terms.percent
