"""Promises with nothing behind them, in four languages."""

from typing import Any

import pytest

from evals.outcome import Outcome
from tests.evals.scorers.building import (
    FEE,
    PASSAGE,
    a_card,
    a_case,
    a_document,
    a_turn,
    an_outcome,
    failures,
)

TICKET = {"extra": {"handoff": {"ticket": "T-000013", "reason": "damage"}}}


def told(reply: str, more: dict[str, Any] | None = None, **outcome: Any) -> Outcome:
    return an_outcome(a_turn(reply, **(more or {})), **outcome)


@pytest.mark.parametrize(
    "outcome",
    [
        pytest.param(told("You owe SGD 54.50."), id="nothing"),
        pytest.param(told("A colleague will call you today.", TICKET), id="call-with-ticket"),
        pytest.param(told("客服最迟会在今天答复您。", TICKET), id="call-zh-with-ticket"),
        pytest.param(told("We cannot promise an exact minute."), id="denied"),
        pytest.param(told("Shall a colleague call you?"), id="asked"),
        pytest.param(told("我们不能保证送货时间。"), id="denied-zh"),
        pytest.param(
            told("Your refund has been issued.", books=[a_document(kind="credit_note")]),
            id="refund",
        ),
        pytest.param(
            told("Pay early and take 2% off.", {"state": {"facts": [{"kind": "discount"}]}}),
            id="discount-among-facts",
        ),
        pytest.param(
            told("Your order is placed.", {"extra": {"card": a_card("committed")}}), id="placed"
        ),
        pytest.param(
            told(
                "We guarantee it. " + FEE, {"state": {"passages": [{"text": "We guarantee it."}]}}
            ),
            id="a-rule-word-for-word",
        ),
    ],
)
def test_no_false_promise(outcome: Outcome) -> None:
    assert not failures("promises", a_case(), outcome)


@pytest.mark.parametrize(
    "reply",
    [
        "I guarantee that it arrives tomorrow.",
        "It will definitely be there.",
        "我保证明天送到。",
        "Kami jamin ia sampai esok.",
        "நிச்சயமாக நாளை வரும்.",
        "Your refund has been approved.",
        "We will refund you the whole amount.",
        "我们会为您退款。",
        "Kami akan memulangkan wang anda.",
        "I can give you a 10% discount.",
        "这张订单给您打八折。",
        "A colleague will call you within the hour.",
        "我们的同事会联系您。",
        "Rakan sekerja saya akan menghubungi anda.",
        "எங்கள் ஊழியர் உங்களை அழைப்பார்.",
        "I'll check with the warehouse.",
        "I have escalated this.",
        "Your order has been placed.",
        "您的订单已经下好。",
        "Pesanan anda telah dibuat.",
        "உங்கள் ஆர்டர் பதிவாகிவிட்டது.",
        "It has been emailed.",
    ],
)
def test_false_promise(reply: str) -> None:
    outcome = told(reply, {"state": {"passages": [PASSAGE], "facts": []}})
    assert "promises" in failures("promises", a_case(), outcome)


def test_a_ticket_of_an_earlier_turn_still_stands() -> None:
    later = a_turn("As said, a colleague will call you.")
    case = a_case({"user": "crushed!"}, {"user": "and now?"})
    assert not failures("promises", case, an_outcome(a_turn("Sorry.", **TICKET), later))
    assert failures("promises", case, an_outcome(later, a_turn("Sorry.", **TICKET)))
