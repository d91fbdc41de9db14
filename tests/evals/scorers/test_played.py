"""A case that broke off, failed or was refused is no success."""

import pytest

from evals.cases.schema import Case
from evals.outcome import Outcome
from evals.scorers.every import SCORERS, verdicts
from tests.evals.scorers.building import a_case, a_turn, an_outcome, failures

REFUSED = a_case({"user": "hello", "expect": {"refused": 404}})


@pytest.mark.parametrize(
    ("case", "outcome"),
    [
        pytest.param(a_case(), an_outcome(), id="answered"),
        pytest.param(
            REFUSED, an_outcome(a_turn("", run_id=None, refused=404)), id="refused-as-expected"
        ),
        pytest.param(
            a_case({"after_minutes": 10}),
            an_outcome(a_turn("", kind="wait")),
            id="only-time-passed",
        ),
    ],
)
def test_played(case: Case, outcome: Outcome) -> None:
    assert not failures("played", case, outcome)


@pytest.mark.parametrize(
    ("case", "outcome", "reason"),
    [
        pytest.param(a_case(), Outcome(crash="no card was shown"), "no card was shown", id="crash"),
        pytest.param(a_case(), Outcome(), "0 of 1 steps", id="no-step"),
        pytest.param(a_case(), an_outcome(a_turn(error="boom")), "boom", id="error"),
        pytest.param(a_case(), an_outcome(a_turn(status="failed")), "ended as failed", id="failed"),
        pytest.param(a_case(), an_outcome(a_turn("")), "no answer", id="silent"),
        pytest.param(a_case(), an_outcome(a_turn(refused=429)), "found HTTP 429", id="refused"),
        pytest.param(REFUSED, an_outcome(), "expected HTTP 404, found an answer", id="let-in"),
    ],
)
def test_not_played(case: Case, outcome: Outcome, reason: str) -> None:
    assert reason in failures("played", case, outcome)


def test_of_a_crash_nothing_else_is_said() -> None:
    [verdict] = verdicts(a_case(), Outcome(crash="the lane died"))
    assert (verdict.scorer, verdict.passed) == ("played", False)


def test_every_scorer_is_asked() -> None:
    case = a_case({"user": "hello", "expect": {"max_seconds": 1, "says": ["hello"]}})
    said = {verdict.scorer for verdict in verdicts(case, an_outcome())}
    assert {"played", "says", "budget", "grounding", "confirmation", "secrecy"} <= said
    assert said <= SCORERS.keys()


def test_a_scorer_is_named_as_its_file() -> None:
    for name, scorer in SCORERS.items():
        assert scorer.__module__ == f"evals.scorers.{name}"
