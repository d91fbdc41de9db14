from dataclasses import replace
from typing import Any

import pytest

from nodes.intents.about_orders import (
    answer_to_card,
    asks_about_day,
    is_only_a_wish,
    is_still_asked,
    rule_of_day,
)
from nodes.state import Turn
from tools.ordering.types import OrderLine, OrderRequest, Outlet

CARD = {"action_id": "0f5c64a1-95d7-4c55-b9a7-6a1f0c2c7b10", "hash": "a hash"}
TAMPINES = Outlet(
    "o1", "Forno Tampines", "3 Sample Avenue", "520034", "Mei", "8000 0012", "b", "Tampines"
)
CLEAR = OrderRequest((OrderLine("CNP-015-FB-01", 200, "200 12in", 1.0),), TAMPINES)
ASKED = replace(CLEAR, lines=(OrderLine(None, 100, "100 of it", 0.5, problem="ambiguous"),))


def turn(**more: Any) -> Turn:
    known: Turn = {"received_at": "2026-09-08T10:00:00+08:00", "focus": {}, "open_card": CARD}
    return {**known, **more}  # type: ignore[typeddict-item]  # (a test names what it needs)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("yes", "confirm"),
        ("fine, yes please", "confirm"),
        ("ok never mind", "decline"),
        ("no thanks, too late for us", "decline"),
        ("no, 100 is enough", None),
    ],
)
def test_words_answer_the_card_that_waits(text: str, answer: str | None) -> None:
    assert answer_to_card(text, turn(), has_order=False) == answer


def test_a_button_goes_before_words() -> None:
    pressed = turn(decision=CARD | {"decision": "confirm"}, open_card=None)
    assert answer_to_card("No", pressed, has_order=False) == "confirm"


def test_a_yes_to_a_question_about_the_order_is_none_to_its_card() -> None:
    asked = turn(open_card=CARD | {"is_asked": False})
    assert answer_to_card("yes", asked, has_order=True) is None
    assert answer_to_card("yes", asked, has_order=False) == "confirm"


def test_a_further_yes_is_about_the_card_that_was_answered_just_before() -> None:
    answered = turn(open_card=None, focus={"answered": CARD})
    assert answer_to_card("yes", answered, has_order=False) == "confirm"
    assert answer_to_card("no", answered, has_order=False) is None
    assert answer_to_card("yes", turn(open_card=None), has_order=False) is None


@pytest.mark.parametrize(
    ("order", "card", "expected"),
    [
        (ASKED, CARD | {"is_asked": False}, True),
        (ASKED, None, True),
        (ASKED, CARD, False),
        (CLEAR, None, False),
    ],
    ids=["other-question", "no-card", "card-shown-last", "nothing-asked"],
)
def test_a_yes_leaves_a_question_that_it_does_not_answer(
    order: OrderRequest, card: dict[str, Any] | None, *, expected: bool
) -> None:
    assert is_still_asked("yes", turn(open_card=card), order) is expected


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("why not saturday?", "delivery#lead-time"),
        ("why so late?", "delivery#lead-time"),
        ("why not friday?", "delivery#delivery-days-and-time-slots"),
        ("why not 9 aug 2027?", "delivery#public-holidays"),
        ("为什么不能周六？", "delivery#lead-time"),
        ("why is the price so high?", None),
        ("saturday please", None),
    ],
)
def test_why_a_day_is_not_possible_is_a_rule(text: str, rule: str | None) -> None:
    assert rule_of_day(text, turn()) == rule
    assert bool(asks_about_day(text, turn())) == bool(rule)


def test_without_a_card_nothing_is_asked_about_its_day() -> None:
    assert rule_of_day("why not saturday?", turn(open_card=None)) is None


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("Saturday if possible", True),
        ("in the morning please", True),
        ("do you deliver on saturday?", False),
        ("what are your hours", False),
    ],
)
def test_a_wish_for_a_day_asks_for_no_rule(part: str, *, expected: bool) -> None:
    assert is_only_a_wish(part, "delivery") is expected
    assert not is_only_a_wish(part, "damage")
