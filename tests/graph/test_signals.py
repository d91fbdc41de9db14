"""What a turn shows of itself, and what of it concerns a person."""

from typing import Any

import pytest

from graph.signals import signals_of


def a_state(**changed: Any) -> dict[str, Any]:
    understood = {
        "intents": [{"name": "balance", "confidence": 0.91234, "part": "what do I owe"}],
        "sentiment": "neutral",
        "misunderstood": 0,
    }
    return {
        "understanding": understood | changed.pop("understanding", {}),
        "screened": {"language": "ms"},
        "reply": {"by": "templates"} | changed.pop("reply", {}),
        "verdict": {"passed": True, "problems": [], "tries": 1},
    } | changed


def found(name: str, confidence: float) -> dict[str, Any]:
    return {"name": name, "confidence": confidence, "part": "9123 4567"}


def test_a_plain_turn_concerns_nobody() -> None:
    assert signals_of(a_state()) == {
        "intents": [{"name": "balance", "confidence": 0.912}],
        "sentiment": "neutral",
        "misunderstood": 0,
        "language": "ms",
        "by": "templates",
        "problems": [],
        "tries": 1,
        "tokens": 0,
        "usd": "0",
    }


@pytest.mark.parametrize(
    ("changed", "concerns"),
    [
        ({"understanding": {"sentiment": "angry"}}, ["angry"]),
        ({"understanding": {"sentiment": "unhappy"}}, ["unhappy"]),
        ({"understanding": {"sentiment": "happy"}}, None),
        ({"understanding": {"intents": [found("order", 0.69)]}}, ["unsure"]),
        ({"understanding": {"intents": [found("order", 0.7)]}}, None),
        ({"understanding": {"intents": [found("order", 0.6), found("price", 0.9)]}}, None),
        ({"understanding": {"intents": [found("unclear", 1.0)]}}, ["unsure"]),
        ({"understanding": {"misunderstood": 3}}, ["misunderstood"]),
        ({"reply": {"withheld": ["no source for money"]}}, ["withheld"]),
        (
            {"understanding": {"sentiment": "angry", "misunderstood": 4}},
            ["angry", "misunderstood"],
        ),
    ],
)
def test_what_concerns_a_person(changed: dict[str, Any], concerns: list[str] | None) -> None:
    assert signals_of(a_state(**changed)).get("concerns") == concerns


def test_the_models_calls_are_added_up_and_no_words_are_kept() -> None:
    call = {"tokens_in": 100, "tokens_out": 20, "usd": "0.0015"}
    signals = signals_of(
        a_state(spent=[call, call], understanding={"intents": [found("order", 0.9)]})
    )
    assert (signals["tokens"], signals["usd"]) == (240, "0.0030")
    assert "9123" not in str(signals)


def test_news_that_nobody_asked_for_leaves_nothing_to_be_unsure_of() -> None:
    assert "concerns" not in signals_of(a_state(understanding={"intents": []}))
