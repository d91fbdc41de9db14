from dataclasses import replace
from typing import Any

import pytest
from langgraph.runtime import Runtime

from nodes.classify_intent import classify_intent
from nodes.state import Understanding
from tests.nodes.conftest import a_state
from tests.tools.conftest import Control
from tools.context import Context
from tools.model import Model

CARD = {"action_id": "0f5c64a1-95d7-4c55-b9a7-6a1f0c2c7b10", "hash": "a hash"}
UNSURE = "the thing from before, same like that can?"


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
        ("did you receive my payment", "payments"),
        ("how much is the fee if I cancel the day before delivery?", "policy"),
        ("your boxes arrived crushed!!", "complaint"),
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
    assert {"balance", "complaint"} <= found


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


async def test_document_numbers_are_collected_once_in_their_printed_form(context: Context) -> None:
    understood = await understand(context, "compare inv-1003 with INV-1001 and INV-1003")
    assert understood["documents"] == ["INV-1001", "INV-1003"]


async def test_urgent_words_are_collected(context: Context) -> None:
    understood = await understand(context, "URGENT, what do I owe? asap")
    assert understood["level_words"] == ["urgent", "asap"]


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


CARD = {"action_id": "00000000-0000-0000-0000-000000000001", "hash": "0" * 64}


@pytest.mark.parametrize(
    "text",
    [
        "yes",
        "Yes please!",
        "ok",
        "ok go ahead",
        "yes, thanks",
        "sure lah",
        "好的",
        "boleh",
        "ஆம்",
        "சரி",
    ],
)
async def test_a_plain_yes_confirms_the_open_card(context: Context, text: str) -> None:
    state = a_state(text, open_card=CARD)
    understood = (await classify_intent(state, Runtime(context=context)))["understanding"]
    assert [f["name"] for f in understood["intents"]] == ["confirm"]


@pytest.mark.parametrize(
    "text",
    [
        "ok never mind",
        "ok, I don't want it",
        "yes cancel it please",
        "ok let me ask my boss first",
        "ok thanks bye",
        "okay stop",
        "ok cannot",
        "yes but make it 300",
        "yes for the other outlet",
        "no problem, go ahead",
    ],
)
async def test_anything_more_than_a_yes_does_not_confirm(context: Context, text: str) -> None:
    state = a_state(text, open_card=CARD)
    understood = (await classify_intent(state, Runtime(context=context)))["understanding"]
    assert "confirm" not in {f["name"] for f in understood["intents"]}
