"""Citations: those that must be there, and that none is made up."""

from typing import Any

import pytest

from evals.outcome import Turn
from tests.evals.scorers.building import (
    FEE,
    PASSAGE,
    SECTION,
    a_case,
    a_turn,
    an_outcome,
    count,
    failures,
)

CITED = {"id": SECTION, "text": FEE}


def told(reply: str = FEE, cited: Any = CITED, **state: Any) -> Turn:
    known = {"passages": [PASSAGE]} | state
    return a_turn(reply, extra={"citations": [cited] if cited else []}, state=known)


def judged(turn: Turn, **expect: Any) -> str:
    return failures("citations", a_case({"user": "fee?", "expect": expect}), an_outcome(turn))


def computed(section: str = SECTION) -> dict[str, Any]:
    return {"kind": "computed", "source": section, "data": {"section_id": section}}


@pytest.mark.parametrize(
    "turn",
    [
        pytest.param(told(), id="word-for-word"),
        pytest.param(
            told("It is 2 Oct 2026.", facts=[computed()]), id="computed-in-no-words-of-it"
        ),
        pytest.param(told(facts=[computed()], passages=[]), id="computed-and-not-searched-for"),
        pytest.param(told("Delivery to Tuas costs SGD 30."), id="in-other-words"),
    ],
)
def test_cited(turn: Turn) -> None:
    assert not judged(turn, cites=["delivery#"])


@pytest.mark.parametrize(
    ("turn", "reason"),
    [
        pytest.param(told(cited=None), "expected a citation of delivery#", id="none"),
        pytest.param(told(passages=[]), "was not found", id="made-up"),
        pytest.param(
            told(passages=[], facts=[computed("payment#gst-on-prices")]),
            "was not found",
            id="made-up-beside-a-computed-one",
        ),
        pytest.param(
            told(cited=CITED | {"text": "Delivery is free."}), "as it stands", id="altered"
        ),
        pytest.param(told("You owe us nothing at all."), "shares no words", id="of-something-else"),
    ],
)
def test_not_cited(turn: Turn, reason: str) -> None:
    assert reason in judged(turn, cites=["delivery#"])


def test_a_citation_is_judged_where_none_was_asked_for() -> None:
    assert "was not found" in judged(told(passages=[]))
    assert not count("citations", a_case(), an_outcome())
