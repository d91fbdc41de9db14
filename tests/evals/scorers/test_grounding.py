"""Every figure of a reply has a source, whatever the gate of the service thinks."""

from typing import Any

import pytest

from evals.outcome import Turn
from evals.scorers.figures import figures
from tests.evals.scorers.building import a_card, a_case, a_turn, an_outcome, failures

BALANCE = {
    "kind": "balance",
    "data": {
        "outstanding": "1990.08",
        "open_count": 3,
        "as_of": "2026-11-28T05:17",
        "listed": [{"number": "INV-1657", "due_date": "2026-12-09", "amount_due": "788.35"}],
        "discount_percent": "2",
    },
}


def told(reply: str, said: str = "what do I owe?", **more: Any) -> Turn:
    return a_turn(reply, said=said, state={"facts": [BALANCE]}, **more)


def judged(turn: Turn) -> str:
    return failures("grounding", a_case({"user": "what do I owe?"}), an_outcome(turn))


@pytest.mark.parametrize(
    "turn",
    [
        pytest.param(told("You owe SGD 1,990.08 as of Sat 28 Nov 2026."), id="a-fact"),
        pytest.param(told("您欠 1,990.08 新元，2026年12月9日到期。"), id="zh"),
        pytest.param(told("Baki 1990.08 SGD, tarikh akhir 9 Disember 2026."), id="ms"),
        pytest.param(told("INV-1657: SGD 788.35, கெடு தேதி 9 டிசம்பர் 2026"), id="ta"),
        pytest.param(told("Pay early and take 2% off."), id="a-percentage"),
        pytest.param(told("Delivery to Tuas costs SGD 30 before GST."), id="a-policy"),
        pytest.param(told("I can't find INV-4711.", "show me INV-4711"), id="what-was-asked"),
        pytest.param(told("It comes to SGD 141.70.", extra={"card": a_card()}), id="a-card"),
        pytest.param(
            told("Your ticket is T-000013.", extra={"handoff": {"ticket": "T-000013"}}), id="t"
        ),
        pytest.param(told("Three boxes are three boxes."), id="no-figure"),
    ],
)
def test_grounded(turn: Turn) -> None:
    assert not judged(turn)


@pytest.mark.parametrize(
    ("turn", "reason"),
    [
        pytest.param(told("You owe SGD 1,990.80."), "money", id="amount"),
        pytest.param(told("您欠 2,990.08 新元。"), "money", id="amount-zh"),
        pytest.param(told("நீங்கள் 1,990.80 வெள்ளி செலுத்த வேண்டும்."), "money", id="amount-ta"),
        pytest.param(told("Baki anda RM ௧௯௯௦.௮௦"), "money", id="amount-in-tamil-digits"),
        pytest.param(told("That is SGD 3."), "money", id="a-count-is-no-amount"),
        pytest.param(
            told("You owe two thousand three hundred dollars."), "money", id="amount-in-words"
        ),
        pytest.param(
            told("You get SGD 777.77.", "pay me SGD 777.77"), "money", id="customers-amount"
        ),
        pytest.param(told("The fee is 37%."), "percent", id="percentage"),
        pytest.param(told("手续费是百分之37。"), "percent", id="percentage-zh"),
        pytest.param(told("It is due on 10 Dec 2026."), "day", id="day"),
        pytest.param(told("It is due on 09/11/2026."), "day", id="day-in-figures"),
        pytest.param(told("12月10日到期。"), "day", id="day-zh"),
        pytest.param(told("INV-1658 is open."), "document", id="document"),
        pytest.param(told("Your ticket is T-000014."), "document", id="ticket"),
        pytest.param(told("Write to billing@evil.example."), "contact", id="address"),
        pytest.param(told("Call 8000 9966."), "contact", id="phone"),
        pytest.param(told("Log in at portal.tria-pay.xyz."), "contact", id="site"),
    ],
)
def test_not_grounded(turn: Turn, reason: str) -> None:
    assert f"no source for {reason}" in judged(turn)


def test_what_is_told_of_a_decision_stands_on_the_card() -> None:
    turn = a_turn("", kind="staff", told=[{"reply": "TRIA-000003 over SGD 141.70.", "extra": {}}])
    action = {"card": {"total": "141.70"}, "document_number": "TRIA-000003"}
    case = a_case({"staff": "approve"})
    assert not failures("grounding", case, an_outcome(turn, actions=[action]))
    assert failures("grounding", case, an_outcome(turn))


@pytest.mark.parametrize(
    "text",
    [
        'S(520034), 09:00-12:00, 12" box',
        "- INV-1584\nSGD",
        "CNP-014-FB-01 x 600",
        "GST 2026",
        "1,303.11 நவம்பர் 2026",
    ],
)
def test_what_is_no_figure_of_another_kind(text: str) -> None:
    assert {figure.kind for figure in figures(text)} <= {"document", "money"}
