from typing import Any

import pytest

from graph.focus import focus_of
from nodes.state import Fact, Focus, State
from tests.nodes.conftest import a_state, naming

ORDER = {"current": {"lines": []}, "waiting": []}
NOON, EVENING = "2026-11-23T12:00:00+08:00", "2026-11-23T19:00:00+08:00"
TWO_DAYS_LATER = "2026-11-25T12:00:00+08:00"


def with_fact(state: State, kind: str, /, **data: Any) -> State:
    return {**state, "facts": [Fact(kind=kind, source="test", data=data)]}


def kept(at: str = NOON) -> Focus:
    return {"order": ORDER, "order_at": at}


def test_an_order_that_was_proposed_is_kept() -> None:
    state: State = {**a_state("200 boxes", "order", received_at=NOON), "order": ORDER}
    assert focus_of(state)["order"] == ORDER
    assert focus_of(state)["order_at"] == NOON


def test_a_question_in_between_leaves_the_order_alone() -> None:
    state = a_state("what do I owe?", "balance", focus=kept(), received_at=EVENING)
    assert focus_of(state)["order"] == ORDER
    assert focus_of(state)["order_at"] == NOON


@pytest.mark.parametrize("kind", ["committed", "declined", "card_gone"])
def test_an_order_that_was_answered_is_over(kind: str) -> None:
    state = with_fact(
        a_state("yes", "confirm", focus=kept(), received_at=EVENING), kind, number="TRIA-000012"
    )
    assert focus_of(state)["order"] is None


def test_an_order_is_forgotten_with_its_card() -> None:
    state = a_state("hello", "small_talk", focus=kept(), received_at=TWO_DAYS_LATER)
    assert focus_of(state)["order"] is None


def test_the_documents_of_a_list_can_be_pointed_at() -> None:
    state = with_fact(
        a_state("what do I owe", "balance"),
        "balance",
        listed=[{"number": "INV-1"}, {"number": "INV-2"}],
    )
    assert focus_of(state)["listed"] == ["INV-1", "INV-2"]


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        ("statement", "lines"),
        ("credit_notes", "listed"),
        ("quotes", "listed"),
        ("orders", "listed"),
    ],
)
def test_every_list_of_documents_can_be_pointed_at(kind: str, key: str) -> None:
    rows = [{"number": "CN-1"}, {"number": ""}, {"number": "CN-2"}, {"number": "CN-1"}]
    focus = focus_of(with_fact(a_state("hm", "statement"), kind, **{key: rows}))
    assert focus["listed"] == ["CN-1", "CN-2"]
    assert focus["documents"] == []


def test_the_documents_of_a_question_can_be_pointed_at() -> None:
    state = with_fact(
        a_state("email it", "invoice"), "which_document", candidates=["INV-1", "INV-2"]
    )
    assert focus_of(state)["listed"] == ["INV-1", "INV-2"]


def test_the_only_document_that_was_shown_is_spoken_of() -> None:
    state = with_fact(a_state("my credit?", "credit"), "credit_notes", listed=[{"number": "CN-1"}])
    assert focus_of(state)["documents"] == ["CN-1"]


def test_a_document_that_was_written_is_spoken_of() -> None:
    state = with_fact(a_state("yes", "confirm"), "committed", number="TRIA-000012")
    assert focus_of(state)["documents"] == ["TRIA-000012"]


def test_what_was_named_last_is_spoken_of_and_the_rest_is_kept() -> None:
    before: Focus = {"documents": ["INV-1"], "products": ["CUT-W"], "intents": ["price"]}
    state = naming(a_state("INV-2 please", "invoice", focus=before), "document", "INV-2")
    focus = focus_of(state)
    assert focus["documents"] == ["INV-2"]
    assert focus["products"] == ["CUT-W"]
    assert focus["intents"] == ["invoice"]


def test_an_answer_to_a_card_does_not_change_the_subject() -> None:
    before: Focus = {"intents": ["balance"]}
    assert focus_of(a_state("yes", "confirm", focus=before))["intents"] == ["balance"]


def test_the_language_goes_on() -> None:
    assert focus_of(a_state("我要两百个盒子", "order"))["language"] == "zh"


def test_what_we_had_to_ask_back_about_is_kept_until_the_next_turn() -> None:
    state = a_state("cancel my order", "order_cancel")
    state["facts"] = [{"kind": "which_document", "source": "actions", "data": {"candidates": []}}]
    asked = focus_of(state)["asked"]
    assert asked == {"text": "cancel my order", "intents": ["order_cancel"], "wants": []}
    again = a_state("what do I owe?", "balance", focus={"asked": asked})
    assert focus_of(again)["asked"] is None


def test_an_order_being_put_together_is_no_question_of_its_own() -> None:
    state = a_state("300 boxes", "order")
    state["facts"] = [{"kind": "order_questions", "source": "orders", "data": {}}]
    assert focus_of(state)["asked"] is None


def test_an_order_that_waits_for_a_person_is_no_longer_put_together() -> None:
    waiting = with_fact(a_state("yes", "confirm", focus=kept()), "awaiting_approval", kind="order")
    assert focus_of(waiting)["order"] is None


@pytest.mark.parametrize("kind", ["email", "credit", "payment_report"])
def test_another_kind_of_card_leaves_the_order_alone(kind: str) -> None:
    done = with_fact(a_state("yes", "confirm", focus=kept()), "committed", kind=kind, number="T-1")
    assert focus_of(done)["order"] == ORDER


def test_news_of_an_earlier_order_leaves_the_next_one_alone() -> None:
    told = with_fact(
        a_state("", focus=kept(), notice={"kind": "action"}), "committed", kind="order", number="T"
    )
    assert focus_of(told)["order"] == ORDER


def test_a_card_that_was_carried_out_is_remembered_for_one_turn() -> None:
    card = {"action_id": "an id", "hash": "a hash", "status": "committed"}
    done = with_fact(a_state("yes", "confirm"), "committed", kind="order", number="T-1")
    answered = focus_of({**done, "card": card})["answered"]
    assert answered == {"action_id": "an id", "hash": "a hash"}
    again = a_state("yes", "confirm", focus={"answered": answered})
    told = with_fact(again, "committed", kind="order", number="T-1")
    assert focus_of(told)["answered"] == answered
    after = a_state("thanks", "small_talk", focus={"answered": answered})
    assert focus_of(after)["answered"] is None


def test_a_card_that_is_only_shown_was_not_carried_out() -> None:
    shown: State = {**a_state("200 boxes", "order"), "card": {"action_id": "an id", "hash": "h"}}
    assert focus_of(shown)["answered"] is None


def test_one_document_out_of_a_list_leaves_the_others_to_be_pointed_at() -> None:
    before: Focus = {"listed": ["INV-1", "INV-2", "INV-3"]}
    one = with_fact(
        a_state("the first one", "invoice", focus=before), "documents", found=[{"number": "INV-1"}]
    )
    assert focus_of(one)["listed"] == ["INV-1", "INV-2", "INV-3"]
    assert focus_of(one)["documents"] == ["INV-1"]
    other = with_fact(
        a_state("INV-7?", "invoice", focus=before), "documents", found=[{"number": "INV-7"}]
    )
    assert focus_of(other)["listed"] == ["INV-7"]


def test_what_was_wished_can_be_wished_again_unless_it_was_done() -> None:
    state = a_state("pay link for INV-1", "invoice")
    state["understanding"]["wants"] = ["email_it", "pay_link"]
    assert focus_of(state)["wants"] == ["pay_link"]
