"""Facts by value, however they are written."""

from typing import Any

import pytest

from tests.evals.scorers.building import a_case, a_turn, an_outcome, failures

REPLY = (
    "You owe SGD 1,990.08 on 3 open invoices. INV-1657 is due on Wed 9 Dec 2026."
    " A late cancellation costs 25%. Order TRIA-000003 comes Thursday, 09:00-12:00."
)


def judged(*facts: Any) -> str:
    case = a_case({"user": "what do I owe", "expect": {"facts": facts}})
    return failures("facts", case, an_outcome(a_turn(REPLY)))


@pytest.mark.parametrize(
    "fact",
    [
        "S$1990.08",
        "1,990.08",
        "SGD 1,990.08",
        "3 invoices",
        "9 December",
        "2026-12-09",
        "25 percent",
        "INV-1657",
        "tria 000003",
        ["INV-1", "INV-1657"],
    ],
    ids=str,
)
def test_stated(fact: Any) -> None:
    assert not judged(fact)


@pytest.mark.parametrize(
    "fact",
    [
        "SGD 1,990.80",
        "SGD 199",
        "4 invoices",
        "10 December",
        "2025-12-09",
        "50%",
        "SGD 25",
        "INV-1658",
        ["INV-1", "INV-2"],
        "a word that is not there",
    ],
    ids=str,
)
def test_not_stated(fact: Any) -> None:
    assert "expected" in judged(fact)


def test_a_number_in_another_script_is_the_same_number() -> None:
    case = a_case({"user": "欠多少", "expect": {"facts": ["SGD 800"]}})
    assert not failures("facts", case, an_outcome(a_turn("您欠八百新元。")))
