"""The card of a reply."""

from typing import Any

import pytest

from tests.evals.scorers.building import a_card, a_case, a_turn, an_outcome, failures

CARD = a_card(
    lines=[{"code": "CNP-015-FB-01", "pieces": 200}],
    delivery={"day": "2026-12-01", "day_text": "Tue 1 Dec 2026", "window_text": "09:00-12:00"},
)


def judged(expected: dict[str, Any] | None, shown: dict[str, Any] | None) -> str:
    expect = {"card": expected} if expected else {}
    case = a_case({"user": "200 12 inch boxes", "expect": expect})
    return failures("cards", case, an_outcome(a_turn(extra={"card": shown} if shown else {})))


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({}, id="status"),
        pytest.param({"kind": "order", "total": "141.7"}, id="kind-and-total"),
        pytest.param({"lines": {"CNP-015-FB-01": 200}}, id="lines"),
        pytest.param({"slot": "tue 1 dec"}, id="slot"),
    ],
)
def test_the_right_card(more: dict[str, Any]) -> None:
    assert not judged({"status": "proposed"} | more, CARD)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        pytest.param({"status": "committed"}, "expected status committed", id="status"),
        pytest.param({"kind": "quote"}, "expected kind quote, found order", id="kind"),
        pytest.param({"total": "141.71"}, "expected total 141.71, found 141.70", id="total"),
        pytest.param({"lines": {"CNP-015-FB-01": 400}}, "expected lines", id="pieces"),
        pytest.param({"lines": {}}, "expected lines {}", id="a-line-too-many"),
        pytest.param({"slot": "14:00-17:00"}, "expected slot", id="slot"),
    ],
)
def test_another_card(more: dict[str, Any], reason: str) -> None:
    assert reason in judged({"status": "proposed"} | more, CARD)


def test_no_card() -> None:
    assert not judged(None, None)
    assert "found none" in judged({"status": "proposed"}, None)
    assert "expected no card, found proposed card" in judged(None, CARD)


def test_a_card_that_comes_by_itself_counts_for_the_step_after_which_it_came() -> None:
    told = a_turn(
        "", kind="staff", told=[{"reply": "Done", "extra": {"card": a_card("committed")}}]
    )
    case = a_case({"staff": "approve", "expect": {"card": {"status": "committed"}}})
    assert not failures("cards", case, an_outcome(told))
