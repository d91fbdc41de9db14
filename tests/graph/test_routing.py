from itertools import combinations
from typing import Any, get_args

import pytest

from graph.routing import (
    MOST_TRIES,
    SUSPICIOUS,
    Step,
    after_action,
    after_call_xero_tools,
    after_commit_action,
    after_validate_output,
)
from nodes.state import INTENTS, Fact, Found, Intent, State

WRITES = {"propose_action", "commit_action"}


def a_state(
    *intents: Intent,
    injection: float = 0.0,
    facts: tuple[str, ...] = (),
    is_urgent: bool = False,
    misunderstood: int = 0,
    order: dict[str, Any] | None = None,
) -> State:
    return {
        "turn": {"focus": {"order": order}},
        "screened": {
            "text": "",
            "masked": "",
            "language": "en",
            "injection": injection,
            "personal": {},
        },
        "understanding": {
            "intents": [Found(name=name, confidence=1.0, part="") for name in intents],
            "entities": [],
            "order": None,
            "is_urgent": is_urgent,
            "sentiment": "neutral",
            "misunderstood": misunderstood,
            "by": "classifier",
        },
        "facts": [Fact(kind=kind, source="actions", data={}) for kind in facts],
    }


ROUTES: dict[Intent, list[Step]] = {
    "order": ["propose_action"],
    "reorder": ["propose_action"],
    "order_status": ["adapt_tone"],
    "order_change": ["hand_off"],
    "order_cancel": ["hand_off"],
    "quote": ["hand_off"],
    "confirm": ["commit_action"],
    "decline": ["commit_action"],
    "balance": ["adapt_tone"],
    "invoice": ["adapt_tone"],
    "payment": ["adapt_tone"],
    "statement": ["adapt_tone"],
    "credit": ["hand_off"],
    "refund": ["hand_off"],
    "damage": ["hand_off"],
    "complaint": ["hand_off"],
    "food_safety": ["hand_off"],
    "product": ["adapt_tone"],
    "price": ["adapt_tone"],
    "stock": ["adapt_tone"],
    "delivery": ["adapt_tone"],
    "policy": ["adapt_tone"],
    "custom_print": ["adapt_tone"],
    "account_change": ["hand_off"],
    "privacy": ["hand_off"],
    "person": ["hand_off"],
    "small_talk": ["adapt_tone"],
    "out_of_scope": ["adapt_tone"],
    "unclear": ["adapt_tone"],
}


def test_every_intent_has_its_route() -> None:
    assert {i: after_call_xero_tools(a_state(i)) for i in INTENTS} == ROUTES


def test_an_order_beside_a_complaint_gets_both() -> None:
    steps = after_call_xero_tools(a_state("order", "complaint"))
    assert steps == ["propose_action", "hand_off"]


def test_a_yes_beside_an_order_answers_the_card_first() -> None:
    assert after_call_xero_tools(a_state("confirm", "order")) == ["commit_action"]


@pytest.mark.parametrize("intent", ["order", "reorder", "confirm", "decline"])
def test_a_suspicious_message_triggers_no_write(intent: Intent) -> None:
    assert after_call_xero_tools(a_state(intent, injection=SUSPICIOUS)) == ["adapt_tone"]


def test_a_suspicious_message_still_reaches_a_person() -> None:
    steps = after_call_xero_tools(a_state("order", "food_safety", injection=1.0))
    assert steps == ["hand_off"]


def test_the_third_misunderstanding_in_a_row_goes_to_a_person() -> None:
    assert after_call_xero_tools(a_state("unclear", misunderstood=2)) == ["adapt_tone"]
    assert after_call_xero_tools(a_state("unclear", misunderstood=3)) == ["hand_off"]


def test_urgent_words_go_to_a_person_and_an_urgent_order_only_once() -> None:
    assert after_call_xero_tools(a_state("order_status", is_urgent=True)) == ["hand_off"]
    order = a_state("order", is_urgent=True, facts=("needs_person",))
    assert after_call_xero_tools(order) == ["propose_action"]
    assert after_action(order) == "hand_off"


def test_the_part_of_an_order_that_waits_follows_when_the_first_is_placed() -> None:
    waiting: dict[str, Any] = {"current": {}, "waiting": [{}]}
    placed = a_state("confirm", facts=("committed",), order=waiting)
    assert after_commit_action(placed) == "propose_action"
    assert after_commit_action(a_state("decline", order=waiting)) == "adapt_tone"
    assert after_commit_action(a_state("confirm", facts=("committed",))) == "adapt_tone"


def test_any_pair_of_intents_goes_somewhere_and_writes_at_most_once() -> None:
    for pair in combinations(INTENTS, 2):
        steps = after_call_xero_tools(a_state(*pair))
        assert steps
        assert set(steps) <= set(get_args(Step))
        assert len(set(steps) & WRITES) <= 1
        assert len(steps) == 1 or "adapt_tone" not in steps


def test_an_action_that_needs_a_person_goes_to_one() -> None:
    assert after_action(a_state("order", facts=("needs_person",))) == "hand_off"


def test_an_action_that_went_well_is_answered() -> None:
    assert after_action(a_state("confirm", facts=("committed",))) == "adapt_tone"


@pytest.mark.parametrize("intent", ["complaint", "person", "food_safety", "order_change"])
def test_a_message_that_is_handed_over_already_opens_no_second_ticket(intent: Intent) -> None:
    state = a_state("order", intent, facts=("needs_person",))
    assert "hand_off" in after_call_xero_tools(state)
    assert after_action(state) == "adapt_tone"


@pytest.mark.parametrize(
    ("passed", "tries", "route"),
    [
        (True, 1, "__end__"),
        (False, 1, "compose_reply"),
        (False, MOST_TRIES, "__end__"),
        (True, MOST_TRIES, "__end__"),
    ],
)
def test_a_refused_reply_is_written_once_more(*, passed: bool, tries: int, route: str) -> None:
    state: State = {"verdict": {"passed": passed, "problems": [], "tries": tries}}
    assert after_validate_output(state) == route
