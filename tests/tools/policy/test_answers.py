import tomllib
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tools.policy.answers import FORMULAS, compute, triggers
from tools.policy.question import read_question
from tools.search.knowledge import load_policies

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=ZoneInfo("Asia/Singapore"))  # a Tuesday
CASES = tomllib.loads((Path(__file__).parent / "answers.toml").read_text())


@pytest.mark.parametrize("case", CASES["computed"], ids=lambda case: case["ask"])
def test_a_question_with_figures_is_computed(case: dict[str, Any]) -> None:
    answer = compute(case["ask"], NOW)
    assert answer is not None
    assert answer.rule == case["rule"]
    assert case["result"].items() <= answer.result.items()


@pytest.mark.parametrize("ask", CASES["not_computed"])
def test_what_does_not_ask_for_a_figure_is_left_to_the_texts(ask: str) -> None:
    assert compute(ask, NOW) is None


def test_every_rule_has_a_trigger_a_formula_and_a_section() -> None:
    sections = {section.id for section in load_policies()}
    assert triggers().keys() == FORMULAS.keys()
    assert {trigger["section"] for trigger in triggers().values()} <= sections


def test_every_rule_is_asked_for_in_a_case() -> None:
    assert {case["rule"] for case in CASES["computed"]} == FORMULAS.keys()


def test_all_values_are_plain_text() -> None:
    for case in CASES["computed"]:
        answer = compute(case["ask"], NOW)
        assert answer is not None
        values = [*answer.inputs.values(), *answer.result.values()]
        assert {type(value) for value in values} == {str}


def test_the_answer_names_what_it_started_from() -> None:
    answer = compute("cancel 10 hours before, order of SGD 806.60, what fee?", NOW)
    assert answer is not None
    assert answer.inputs == {"hours_before": "10", "amount": "806.60"}
    assert answer.section_id == "cancellation#cancel-an-order-and-the-cancellation-fee"


@pytest.mark.parametrize(
    ("before", "ask", "inputs"),
    [
        pytest.param(
            "what does printing our logo on 800 pieces cost?",
            "and 2,500 pieces in 2 colours?",
            {"pieces": "2500", "colours": "2"},
            id="other-pieces",
        ),
        pytest.param(
            "what interest for 35 days late on SGD 500?",
            "and 70 days late?",
            {"days_overdue": "70", "amount": "500.00"},
            id="other-days-of-the-same-amount",
        ),
        pytest.param(
            "what interest for 35 days late on SGD 500?",
            "and on SGD 80?",
            {"days_overdue": "35", "amount": "80.00"},
            id="another-amount-for-the-same-days",
        ),
    ],
)
def test_a_figure_takes_the_place_of_the_one_before(
    before: str, ask: str, inputs: dict[str, str]
) -> None:
    answer = compute(ask, NOW, before)
    assert answer is not None
    assert answer.inputs == inputs


@pytest.mark.parametrize(
    ("written", "pieces"),
    [
        ("two hundred and fifty pieces", 250),
        ("twelve hundred lids", 1200),
        ("1.5 boxes", None),
        ("6k boxes", 6000),
        ("一万二千个盒子", 12000),
        ("lima ratus dua puluh keping", 520),
        ("3 bundles of 12 inch", 300),
        ("3 bundles of something", None),
        ("600 boxes and 200 lids", None),
        ("which one", None),
    ],
)
def test_quantities_are_read(written: str, pieces: int | None) -> None:
    assert read_question(written, NOW).pieces == pieces


@pytest.mark.parametrize(
    "text", ["", " ", "0", "cancel", "9" * 5000, "💥" * 500, "$" * 99, "前一天"]
)
def test_any_text_is_read_without_failing(text: str) -> None:
    assert compute(text, NOW) is None
