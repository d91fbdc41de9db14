"""How an answer comes."""

from typing import Any

import pytest

from evals.outcome import Turn
from tests.evals.scorers.building import a_case, a_turn, an_outcome, count, failures

PERSONAL = {"screened": {"personal": {"[phone_1]": "9123 4567"}}}


def came(reply: str = "You owe SGD 54.50.", **stream: Any) -> Turn:
    turn = a_turn(reply)
    turn.stream = turn.stream.model_copy(update=stream)
    return turn


def restored() -> Turn:
    turn = came("Call 9123 4567?", text="Call [phone_1]?")
    turn.state = PERSONAL
    return turn


@pytest.mark.parametrize(
    "turn",
    [
        pytest.param(came(), id="as-it-should"),
        pytest.param(came(text="You  owe SGD 54.50.\n"), id="other-spaces"),
        pytest.param(restored(), id="personal-data-put-back"),
    ],
)
def test_streamed(turn: Turn) -> None:
    assert not failures("stream", a_case(), an_outcome(turn))


@pytest.mark.parametrize(
    ("turn", "reason"),
    [
        pytest.param(came(text="You owe"), "the pieces add up to", id="a-piece-is-missing"),
        pytest.param(came(text="You owe SGD 54.50.You owe SGD 54.50."), "add up", id="twice"),
        pytest.param(came(ids_ordered=False), "out of order", id="out-of-order"),
        pytest.param(came(events=[]), "did not come to its end", id="no-events"),
        pytest.param(came(events=["metadata", "error"]), "did not come to its end", id="an-error"),
        pytest.param(came(first_text_ms=None), "no text came", id="no-text"),
        pytest.param(came(first_text_ms=99.0), "after the end", id="text-too-late"),
    ],
)
def test_not_streamed(turn: Turn, reason: str) -> None:
    assert reason in failures("stream", a_case(), an_outcome(turn))


def test_only_what_is_streamed_is_judged() -> None:
    silent = came(text="", events=[])
    assert not count("stream", a_case({"user": "hello", "twice": True}), an_outcome(silent))
    assert not count("stream", a_case({"after_minutes": 5}), an_outcome(a_turn("", kind="wait")))
