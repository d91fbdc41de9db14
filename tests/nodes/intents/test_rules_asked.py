import pytest

from nodes.intents.rules_asked import ACTS, as_asked
from nodes.intents.wishes import found
from nodes.state import Found, Intent, Turn

RULE = "what happens if boxes come crushed?"


def turn(*before: Intent) -> Turn:
    return {"received_at": "2026-09-02T10:00:00+08:00", "focus": {"intents": list(before)}}


def names(text: str, *intents: Found, before: tuple[Intent, ...] = ()) -> list[Intent]:
    return [each["name"] for each in as_asked(list(intents), text, turn(*before))]


@pytest.mark.parametrize("act", sorted(ACTS))
def test_to_ask_for_the_rule_of_an_act_is_not_the_act(act: Intent) -> None:
    assert names(RULE, found(act, 0.95, RULE)) == ["policy"]


@pytest.mark.parametrize("act", ["food_safety", "person"])
def test_what_a_person_must_hear_stays(act: Intent) -> None:
    assert names(RULE, found(act, 0.95, RULE)) == [act]


def test_an_act_stays_where_something_happened() -> None:
    text = "our boxes came crushed, what happens now?"
    assert names(text, found("damage", 0.95, text)) == ["damage"]


def test_a_fragment_of_a_question_that_is_understood_opens_nothing() -> None:
    text = "within how many hours must we report damage and what do you need from us?"
    intents = (found("policy", 1.0, text), found("privacy", 0.6, "what do you need from us?"))
    assert names(text, *intents) == ["policy"]


def test_a_second_rule_keeps_its_own_part() -> None:
    text = "what do you charge for printing? what happens if boxes come crushed?"
    intents = as_asked([found("custom_print", 0.9, text), found("damage", 0.9, RULE)], text, turn())
    assert [(i["name"], i["part"]) for i in intents] == [("custom_print", text), ("policy", RULE)]


def test_a_rule_that_nothing_is_sure_of_is_a_question_about_policies() -> None:
    assert names(RULE, found("damage", 0.3, RULE)) == ["policy"]
    assert names(RULE, found("out_of_scope", 0.3, RULE)) == ["out_of_scope"]


def test_a_follow_up_leans_on_the_question_about_rules_before_it() -> None:
    text = "and 35 days late?"
    late = found("complaint", 0.95, text)
    assert names(text, late, before=("policy",)) == ["policy"]
    assert names(text, late, before=("invoice",)) == ["complaint"]
    assert names(text, late) == ["complaint"]


def test_a_cancellation_whose_fee_can_be_worked_out_is_a_question() -> None:
    text = "cancel fee if I cancel 15 hours before, order is SGD 806.60"
    assert names(text, found("order_cancel", 0.9, text)) == ["policy"]
    assert names("cancel it", found("order_cancel", 0.9, "cancel it")) == ["order_cancel"]
