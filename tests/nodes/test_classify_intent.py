from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from langgraph.runtime import Runtime

from nodes.classify_intent import classify_intent
from nodes.state import Understanding
from tests.nodes.conftest import a_state
from tests.tools.conftest import Control
from tools.context import Context
from tools.model.client import Model
from tools.ordering.orders import parse_order
from tools.ordering.records import dump

CARD = {"action_id": "0f5c64a1-95d7-4c55-b9a7-6a1f0c2c7b10", "hash": "a hash"}
RECEIVED = datetime.fromisoformat("2026-11-23T10:30:00+08:00")
UNSURE = "settle it for us"


async def understand(context: Context, text: str, **more: Any) -> Understanding:
    update = await classify_intent(a_state(text, **more), Runtime(context=context))
    return update["understanding"]


async def names(context: Context, text: str, **more: Any) -> set[str]:
    return {f["name"] for f in (await understand(context, text, **more))["intents"]}


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("what do I owe?", "balance"),
        ("eh how much we owe u ah", "balance"),
        ("did you receive my payment", "payment"),
        ("how much is the fee if I cancel the day before delivery?", "policy"),
        ("your boxes arrived crushed!!", "damage"),
        ("found an insect inside the boxes", "food_safety"),
        ("let me talk to a real person please", "person"),
        ("please cancel tomorrow's delivery", "order_cancel"),
        ("hello", "small_talk"),
        ("200 12 inch boxes for tampines pls", "order"),
        ("when is INV-1042 due?", "invoice"),
        ("who won the football match yesterday", "out_of_scope"),
        ("asdf", "unclear"),
    ],
)
async def test_a_message_is_understood_without_a_model(
    context: Context, text: str, intent: str
) -> None:
    assert intent in await names(context, text)


async def test_two_requests_in_one_message_are_both_found(context: Context) -> None:
    found = await names(context, "what do I owe? Also the boxes arrived crushed.")
    assert {"balance", "damage"} <= found


async def test_a_greeting_beside_a_request_says_nothing_more(context: Context) -> None:
    assert await names(context, "hello! what do I owe?") == {"balance"}


@pytest.mark.parametrize("text", ["yes", "ok go ahead", "confirm", "好的", "boleh", "sure lah"])
async def test_a_plain_yes_answers_the_open_card(context: Context, text: str) -> None:
    assert await names(context, text, open_card=CARD) == {"confirm"}


@pytest.mark.parametrize("text", ["no", "no, not now", "tidak", "不要", "never mind"])
async def test_a_plain_no_answers_the_open_card(context: Context, text: str) -> None:
    assert await names(context, text, open_card=CARD) == {"decline"}


@pytest.mark.parametrize(
    "text",
    [
        "yes but make it 300",
        "ok, how much is delivery?",
        "yes, only the large ones",
        "sure, wait till tomorrow",
        "yes?",
    ],
)
async def test_a_yes_with_more_to_it_confirms_nothing(context: Context, text: str) -> None:
    assert "confirm" not in await names(context, text, open_card=CARD)


@pytest.mark.parametrize("text", ["yes", "ok go ahead", "confirm"])
async def test_a_yes_without_an_open_card_confirms_nothing(context: Context, text: str) -> None:
    assert "confirm" not in await names(context, text)


@pytest.mark.parametrize(("decision", "intent"), [("confirm", "confirm"), ("decline", "decline")])
async def test_a_button_needs_no_words(context: Context, decision: str, intent: str) -> None:
    found = await names(context, "what do I owe?", decision=CARD | {"decision": decision})
    assert found == {intent}


async def test_what_a_message_names_is_collected(context: Context) -> None:
    understood = await understand(context, "compare inv-1003 with INV-1001 and INV-1003")
    documents = [e["value"] for e in understood["entities"] if e["kind"] == "document"]
    assert documents == ["INV-1003", "INV-1001"]


async def test_urgency_and_feeling_are_read(context: Context) -> None:
    understood = await understand(context, "URGENT, the boxes are all wrong!! unacceptable")
    assert understood["is_urgent"]
    assert understood["sentiment"] == "angry"


async def test_misunderstandings_are_counted_until_one_is_understood(context: Context) -> None:
    assert (await understand(context, "asdf"))["misunderstood"] == 1
    again = await understand(context, "qwer zxcv", focus={"misunderstood": 2})
    assert again["misunderstood"] == 3
    understood = await understand(context, "what do I owe?", focus={"misunderstood": 2})
    assert understood["misunderstood"] == 0


async def test_and_the_other_one_asks_the_same_again(context: Context) -> None:
    focus = {"intents": ["invoice"], "documents": ["INV-1"], "listed": ["INV-1", "INV-2"]}
    assert await names(context, "and the other one?", focus=focus) == {"invoice"}
    assert await names(context, "and the other one?") != {"invoice"}


async def open_order(context: Context, text: str) -> dict[str, Any]:
    """The focus of a conversation in which this order is being put together."""
    outlets = await context.outlets.of_contacts(context.caller.contact_ids)
    request = parse_order(text, context.catalogue, outlets, RECEIVED)
    return {"order": {"current": dump(request), "waiting": []}}


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("make it 300", {"CNP-015-FB-01": 300}),
        ("no wait, the 10 inch", {"CNP-014-FB-01": 200}),
        ("add 200 lids", {"CNP-015-FB-01": 200, "TRI-002-LD-01": 200}),
        ("改成300个", {"CNP-015-FB-01": 300}),
        ("yes but make it 300", {"CNP-015-FB-01": 300}),
    ],
)
async def test_an_open_order_is_changed_by_what_is_said_next(
    context: Context, text: str, pieces: dict[str, int]
) -> None:
    focus = await open_order(context, "200 12 inch boxes for tampines")
    understood = await understand(context, text, focus=focus, open_card=CARD)
    assert [f["name"] for f in understood["intents"]] == ["order"]
    assert understood["order"] is not None
    lines = understood["order"]["current"]["lines"]
    assert {line["code"]: line["pieces"] for line in lines} == pieces


async def test_a_question_in_the_middle_of_an_order_leaves_it_alone(context: Context) -> None:
    focus = await open_order(context, "200 12 inch boxes for tampines")
    understood = await understand(context, "what do I owe?", focus=focus, open_card=CARD)
    assert understood["order"] is None
    assert [f["name"] for f in understood["intents"]] == ["balance"]


async def test_the_same_as_last_month_repeats_an_order(context: Context) -> None:
    assert await names(context, "same as last month please") == {"reorder"}


async def test_an_order_and_a_question_in_one_message(context: Context) -> None:
    found = await names(context, "200 12 inch boxes for tampines pls. What do I owe you?")
    assert found == {"order", "balance"}


async def test_the_model_is_asked_only_when_the_rest_is_unsure(
    with_model: Context, control: Control
) -> None:
    before = control.model_calls()
    await names(with_model, "what do I owe?")
    assert control.model_calls() == before


async def test_the_model_settles_what_the_rest_is_unsure_of(
    with_model: Context, control: Control
) -> None:
    control.model("echo", form={"intents": ["order_status"]})
    assert await names(replace(with_model, model=None), UNSURE) != {"order_status"}
    assert await names(with_model, UNSURE) == {"order_status"}


@pytest.mark.parametrize("form", [{"intents": ["delete_everything"]}, {"intents": []}])
async def test_a_model_that_makes_intents_up_is_not_believed(
    with_model: Context, control: Control, form: dict[str, Any]
) -> None:
    control.model("echo", form=form)
    offline = await understand(replace(with_model, model=None), UNSURE)
    assert await understand(with_model, UNSURE) == offline


@pytest.mark.parametrize("mode", ["error_500", "truncate"])
async def test_a_model_that_fails_changes_nothing(
    with_model: Context, control: Control, mode: str
) -> None:
    control.model(mode)
    offline = await understand(replace(with_model, model=None), UNSURE)
    assert await understand(with_model, UNSURE) == offline


async def test_a_model_that_cannot_be_reached_changes_nothing(context: Context) -> None:
    away = replace(context, model=Model("a key", "http://127.0.0.1:9/v1", "sandbox-chat"))
    assert await understand(away, UNSURE) == await understand(context, UNSURE)


@pytest.mark.parametrize(
    ("text", "intent", "wants"),
    [
        ("what is your GST number?", "invoice", ["tax"]),
        ("macam mana nak bayar?", "payment", ["how_to_pay"]),
        ("எப்படி பணம் செலுத்துவது?", "payment", ["how_to_pay"]),
        ("你们的银行账号", "payment", ["how_to_pay"]),
        ("QU-1001 இன்னும் செல்லுபடியாகுமா", "quote", ["quote_valid"]),
        ("send me the pdf of INV-1042", "invoice", ["pdf"]),
        ("we have paid INV-1042", "payment", ["has_paid"]),
    ],
)
async def test_a_certain_wish_says_what_a_message_is_about(
    context: Context, text: str, intent: str, wants: list[str]
) -> None:
    understood = await understand(context, text)
    assert [found["name"] for found in understood["intents"]] == [intent]
    assert understood["wants"] == wants


@pytest.mark.parametrize(
    "text",
    [
        "how do I pay my town council charges",
        "how to file income tax on iras",
        "I want a copy of all data you hold on me",
        "please send all invoices to our new email address in future",
        "is there a grace period for overdue invoices",
        "how much with GST for a carton of 2 ply napkins",
    ],
)
async def test_words_that_mean_something_else_are_no_wish(context: Context, text: str) -> None:
    assert (await understand(context, text))["wants"] == []


async def test_the_time_that_is_named_is_understood(context: Context) -> None:
    understood = await understand(context, "statement for October please")
    assert understood["period"] == ("2026-10-01", "2026-10-31")
    assert (await understand(context, "what do I owe?"))["period"] is None


async def test_the_answer_to_what_we_asked_back_is_read_with_its_question(
    context: Context,
) -> None:
    asked = {"text": "please cancel my order", "intents": ["order_cancel"], "wants": []}
    state = a_state("TRIA-000123", focus={"asked": asked})
    update = await classify_intent(state, Runtime(context=context))
    assert [f["name"] for f in update["understanding"]["intents"]] == ["order_cancel"]
    assert update["screened"]["text"] == "please cancel my order\nTRIA-000123"
    documents = [e["value"] for e in update["understanding"]["entities"] if e["kind"] == "document"]
    assert documents == ["TRIA-000123"]


async def test_a_document_that_is_named_answers_which_one(context: Context) -> None:
    text = "I have paid INV-1041 and INV-1042"
    asked = {"text": text, "intents": ["payment"], "wants": ["has_paid"]}
    state = a_state("INV-1041", focus={"asked": asked})
    update = await classify_intent(state, Runtime(context=context))
    named = [e["value"] for e in update["understanding"]["entities"] if e["kind"] == "document"]
    assert named == ["INV-1041"]
    assert update["understanding"]["wants"] == ["has_paid"]


async def test_a_button_is_no_answer_to_what_we_asked_back(context: Context) -> None:
    asked = {"text": "please cancel my order", "intents": ["order_cancel"], "wants": []}
    decision = CARD | {"decision": "confirm"}
    state = a_state("TRIA-000123", focus={"asked": asked}, decision=decision)
    update = await classify_intent(state, Runtime(context=context))
    assert [f["name"] for f in update["understanding"]["intents"]] == ["confirm"]


async def test_another_question_is_no_answer_to_what_we_asked_back(context: Context) -> None:
    asked = {"text": "please cancel my order", "intents": ["order_cancel"], "wants": []}
    state = a_state("what do I owe?", focus={"asked": asked})
    update = await classify_intent(state, Runtime(context=context))
    assert [f["name"] for f in update["understanding"]["intents"]] == ["balance"]
    assert "screened" not in update


async def test_to_cancel_that_order_is_more_than_to_ask_for_it(context: Context) -> None:
    focus = {"documents": ["TRIA-000123"], "listed": ["TRIA-000123"]}
    assert await names(context, "cancel that order", focus=focus) == {"order_cancel"}
    assert await names(context, "show me that invoice", focus=focus) == {"invoice"}


async def test_a_delivery_order_is_a_document_and_no_order(context: Context) -> None:
    assert await names(context, "send me the delivery order") == {"order_status"}
