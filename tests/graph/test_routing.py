from itertools import combinations
from typing import Any, get_args

import pytest

from graph.routing import (
    MOST_TRIES,
    Step,
    after_action,
    after_await_approval,
    after_call_xero_tools,
    after_commit_action,
    after_confirm_action,
    after_propose_action,
    after_start,
    after_validate_output,
)
from nodes.state import INTENTS, SUSPICIOUS, Fact, Found, Intent, Reply, State
from tools.understanding.wants import Want

REPLY: Reply = {"text": "Hello.", "by": "model", "citations": [], "is_shared": False}
WRITES = {"propose_order", "propose_action", "confirm_action"}


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
        "facts": [Fact(kind=kind, source="actions", data={"kind": "order"}) for kind in facts],
    }


ROUTES: dict[Intent, list[Step]] = {
    "order": ["propose_order"],
    "reorder": ["propose_order"],
    "order_status": ["adapt_tone"],
    "order_change": ["propose_action"],
    "order_cancel": ["propose_action"],
    "quote": ["propose_action"],
    "confirm": ["confirm_action"],
    "decline": ["confirm_action"],
    "balance": ["adapt_tone"],
    "invoice": ["adapt_tone"],
    "payment": ["adapt_tone"],
    "statement": ["adapt_tone"],
    "credit": ["adapt_tone"],
    "refund": ["propose_action"],
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
    assert steps == ["propose_order", "hand_off"]


def test_a_yes_beside_an_order_answers_the_card_first() -> None:
    assert after_call_xero_tools(a_state("confirm", "order")) == ["confirm_action"]


@pytest.mark.parametrize("intent", ["order", "reorder", "confirm", "decline"])
def test_a_suspicious_message_triggers_no_write(intent: Intent) -> None:
    assert after_call_xero_tools(a_state(intent, injection=SUSPICIOUS)) == ["adapt_tone"]


def test_a_suspicious_message_still_reaches_a_person() -> None:
    steps = after_call_xero_tools(a_state("order", "food_safety", injection=1.0))
    assert steps == ["hand_off"]


@pytest.mark.parametrize("beside", [i for i in INTENTS if i != "food_safety"])
def test_where_food_is_at_stake_nothing_but_a_person_comes_next(beside: Intent) -> None:
    assert after_call_xero_tools(a_state("food_safety", beside)) == ["hand_off"]


def test_the_third_misunderstanding_in_a_row_goes_to_a_person() -> None:
    assert after_call_xero_tools(a_state("unclear", misunderstood=2)) == ["adapt_tone"]
    assert after_call_xero_tools(a_state("unclear", misunderstood=3)) == ["hand_off"]


def test_urgent_words_go_to_a_person_and_an_urgent_order_only_once() -> None:
    assert after_call_xero_tools(a_state("order_status", is_urgent=True)) == ["hand_off"]
    order = a_state("order", is_urgent=True, facts=("needs_person",))
    assert after_call_xero_tools(order) == ["propose_order"]
    assert after_action(order) == "hand_off"


def test_a_suspicious_urgent_order_goes_to_a_person_and_not_to_a_card() -> None:
    state = a_state("order", is_urgent=True, injection=SUSPICIOUS)
    assert after_call_xero_tools(state) == ["hand_off"]


def test_the_part_of_an_order_that_waits_follows_when_the_first_is_placed() -> None:
    waiting: dict[str, Any] = {"current": {}, "waiting": [{}]}
    placed = a_state("confirm", facts=("committed",), order=waiting)
    assert after_commit_action(placed) == "propose_order"
    assert after_commit_action(a_state("confirm", order=waiting)) == "adapt_tone"
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


@pytest.mark.parametrize("intent", ["complaint", "person", "food_safety"])
def test_a_message_that_is_handed_over_already_opens_no_second_ticket(intent: Intent) -> None:
    state = a_state("order", intent, facts=("needs_person",))
    assert "hand_off" in after_call_xero_tools(state)
    assert after_action(state) == "adapt_tone"


@pytest.mark.parametrize("want", ["email_it", "has_paid", "accept_quote", "apply_credit"])
def test_what_asks_for_a_write_gets_a_card(want: Want) -> None:
    state = a_state("invoice")
    state["understanding"]["wants"] = [want]
    assert after_call_xero_tools(state) == ["propose_action"]


@pytest.mark.parametrize(("want", "intent"), [("quote_valid", "quote"), ("credit_left", "credit")])
def test_what_only_asks_how_things_stand_gets_no_card(want: Want, intent: Intent) -> None:
    state = a_state(intent)
    state["understanding"]["entities"] = [{"kind": "document", "value": "CN-1001"}]
    assert after_call_xero_tools(state) == ["propose_action"]
    state["understanding"]["wants"] = [want]
    assert after_call_xero_tools(state) == ["adapt_tone"]
    state["understanding"]["wants"] = [want, "email_it"]
    assert after_call_xero_tools(state) == ["propose_action"]


def test_a_read_that_needs_a_person_goes_to_one() -> None:
    assert after_call_xero_tools(a_state("invoice", facts=("needs_person",))) == ["hand_off"]


@pytest.mark.parametrize(("intent", "step"), [("credit", "adapt_tone"), ("damage", "hand_off")])
def test_a_credit_is_asked_for_by_its_document(intent: Intent, step: Step) -> None:
    state = a_state(intent)
    assert after_call_xero_tools(state) == [step]
    state["understanding"]["entities"] = [{"kind": "document", "value": "INV-1001"}]
    assert after_call_xero_tools(state) == ["propose_action"]


def test_damage_reaches_a_person_beside_its_card() -> None:
    assert after_propose_action(a_state("damage")) == "hand_off"
    assert after_propose_action(a_state("order_cancel")) == "adapt_tone"
    assert after_propose_action(a_state("order_cancel", facts=("needs_person",))) == "hand_off"


def test_a_turn_without_a_message_tells_what_happened() -> None:
    told: State = {"turn": {"notice": {"kind": "action"}}}
    assert after_start(told) == "report_outcome"
    assert after_start({"turn": {"text": "hi", "notice": None}}) == "screen_message"


def test_a_yes_is_carried_out_unless_a_person_must_agree() -> None:
    confirmed: State = {**a_state("confirm"), "action": {"action_id": "1"}}
    assert after_confirm_action(confirmed) == "commit_action"
    waiting = a_state("confirm", facts=("awaiting_approval", "needs_person"))
    assert after_confirm_action({**waiting, "action": {"action_id": "1"}}) == "hand_off"
    assert after_confirm_action(a_state("decline", facts=("declined",))) == "adapt_tone"


def test_a_run_waits_only_after_its_answer_and_goes_on_only_after_a_yes() -> None:
    state = a_state("confirm", facts=("awaiting_approval",))
    state["verdict"] = {"passed": True, "problems": [], "tries": 1}
    state["reply"] = REPLY
    assert after_validate_output(state) == "await_approval"
    assert after_await_approval({**state, "decision": {"approved": True}}) == "commit_action"
    for refused in ({"approved": False}, {"approved": "yes"}, {}):
        assert after_await_approval({**state, "decision": refused}) == "__end__"


def test_what_a_person_agreed_to_is_told_by_a_turn_of_its_own() -> None:
    state = a_state("confirm", facts=("awaiting_approval", "committed"))
    assert after_commit_action({**state, "decision": {"approved": True}}) == "__end__"


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
    state: State = {
        "verdict": {"passed": passed, "problems": [], "tries": tries},
        "reply": REPLY,
    }
    assert after_validate_output(state) == route


def test_fixed_words_are_not_written_again() -> None:
    state: State = {
        "verdict": {"passed": False, "problems": ["no citation"], "tries": 1},
        "reply": {**REPLY, "withheld": ["no citation"]},
    }
    assert after_validate_output(state) == "__end__"
