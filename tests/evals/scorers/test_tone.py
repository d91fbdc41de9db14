"""Manners, as far as code can tell them."""

from typing import Any

import pytest

from evals.outcome import Outcome
from tests.evals.scorers.building import (
    PASSAGE,
    a_card,
    a_case,
    a_turn,
    an_outcome,
    failures,
    understood,
)

LONG = "we " * 31 + "come."


def outcome(reply: str, situation: str = "routine", language: str = "en", **state: Any) -> Outcome:
    manner = {"situation": situation, "language": language, "max_lines": 5, "most_emoji": 1}
    known = understood("balance") | {"tone": manner, "screened": {"language": language}} | state
    return an_outcome(a_turn(reply, state=known))


def judged(happened: Outcome, **expect: Any) -> str:
    return failures("tone", a_case({"user": "hello", "expect": expect}), happened)


@pytest.mark.parametrize(
    "happened",
    [
        pytest.param(outcome("You owe SGD 54.50."), id="routine"),
        pytest.param(outcome("Done 🙂"), id="an-emoji"),
        pytest.param(outcome("We" + " will" * 21 + " come."), id="one-sentence-is-no-average"),
        pytest.param(outcome("\n".join("- a row" for _ in range(12))), id="a-list"),
        pytest.param(outcome("I am sorry. We look into it.", "complaint"), id="an-apology"),
        pytest.param(
            outcome("抱歉，我们会处理这件事情，请您稍等，谢谢您的耐心。", "complaint", "zh"),
            id="zh",
        ),
        pytest.param(
            outcome(
                "Maaf atas masalah ini, pesanan anda akan kami semak sekarang.", "complaint", "ms"
            ),
            id="ms",
        ),
        pytest.param(
            outcome("\n".join(["Word."] * 9), **understood("balance", "order")), id="two-things"
        ),
        pytest.param(
            outcome(f"{LONG}", passages=[PASSAGE | {"text": LONG}]), id="a-rule-as-it-stands"
        ),
    ],
)
def test_well_said(happened: Outcome) -> None:
    assert not judged(happened)


@pytest.mark.parametrize(
    ("happened", "reason"),
    [
        pytest.param(outcome("\n".join(["Word."] * 6)), "6 lines, at most 5", id="too-long"),
        pytest.param(outcome("Hi 🙂🙂"), "2 emoji, at most 1", id="too-many-emoji"),
        pytest.param(outcome("Sorry 🙂", "complaint"), "1 emoji, at most 0", id="emoji-in-earnest"),
        pytest.param(outcome("Sorry! Sorry again.", "complaint"), "2 apologies", id="apologies"),
        pytest.param(outcome("We look into it.", "complaint"), "no apology", id="no-apology"),
        pytest.param(outcome("The SKU is out."), "says 'SKU'", id="jargon"),
        pytest.param(outcome("That was your fault."), "says 'your fault'", id="blame"),
        pytest.param(outcome(LONG), "a sentence of 32 words", id="a-long-sentence"),
        pytest.param(
            outcome(("We" + " will" * 21 + " come. ") * 3), "23 words on average", id="on-average"
        ),
        pytest.param(
            outcome("We deliver your goods every Tuesday and Thursday.", language="ms"),
            "expected ms",
            id="another-language",
        ),
    ],
)
def test_badly_said(happened: Outcome, reason: str) -> None:
    assert reason in judged(happened)


def test_what_the_case_expects_goes_first() -> None:
    happened = outcome("We deliver your goods every Tuesday and Thursday.")
    assert not judged(happened, language="en", situation="routine")
    assert "expected zh" in judged(happened, language="zh")
    assert "expected situation urgent, found routine" in judged(happened, situation="urgent")


def test_an_apology_is_not_owed_twice_in_a_conversation() -> None:
    first, later = (outcome(r, "complaint").turns[0] for r in ("I am sorry.", "Send us a photo."))
    case = a_case({"user": "crushed!"}, {"user": "and now?"})
    assert not failures("tone", case, an_outcome(first, later))
    assert "no apology" in failures("tone", case, an_outcome(later, first))


def test_a_card_has_room_of_its_own() -> None:
    happened = outcome("\n".join(["Word."] * 9))
    assert judged(happened)
    happened.turns[0].extra = {"card": a_card()}
    assert not judged(happened)
