import pytest

from nodes.intents.wishes import found
from nodes.intents.worded import as_worded
from nodes.state import Found, Intent


def guessed(text: str, **chances: float) -> list[Found]:
    names: dict[Intent, float] = chances  # type: ignore[assignment]
    return [found(name, chance, text) for name, chance in names.items()]


def names(text: str, **chances: float) -> list[str]:
    return [each["name"] for each in as_worded(guessed(text, **chances), text)]


@pytest.mark.parametrize("guess", ["order_change", "out_of_scope", "unclear", "complaint"])
def test_a_threat_is_a_complaint_whatever_else_was_guessed(guess: str) -> None:
    assert names("fix it or you hear from my lawyer", **{guess: 0.4}) == ["complaint"]


def test_a_question_about_the_law_is_no_threat() -> None:
    assert names("do I need a lawyer for a claim?", policy=0.95) == ["policy"]


def test_a_certain_request_stays_beside_a_complaint() -> None:
    text = "200 boxes please. the last delivery came late, very unhappy"
    assert names(text, order=0.95) == ["complaint", "order"]


def test_a_damage_that_was_understood_needs_no_words() -> None:
    assert names("lids do not fit, very unhappy", damage=0.8) == ["damage"]


def test_in_an_emergency_only_a_delivery_came_damaged() -> None:
    assert names("EMERGENCY our store flooded, all boxes are gone", damage=0.95) == ["unclear"]
    assert names("EMERGENCY all boxes arrived wet", damage=0.8) == ["damage"]


@pytest.mark.parametrize("guess", ["small_talk", "out_of_scope"])
def test_what_is_vague_is_believed_to_be_nothing(guess: str) -> None:
    [vague] = as_worded(guessed("the thingy you know", **{guess: 0.9}), "the thingy you know")
    assert vague["name"] == "unclear"
    assert vague["confidence"] < 0.5
    assert names("the one for INV-1", invoice=0.9) == ["invoice"]


def test_a_robot_says_that_it_is_one() -> None:
    assert names("are you a robot?", small_talk=0.99) == ["policy"]
    assert names("no robot please, real person", person=0.9) == ["person"]


def test_a_yes_stays_a_yes() -> None:
    assert names("yes", confirm=1.0) == ["confirm"]
