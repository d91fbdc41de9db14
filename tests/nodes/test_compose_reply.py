from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from langgraph.runtime import Runtime

from graph.routing import after_validate_output
from nodes.call_xero_tools import call_xero_tools
from nodes.compose_reply import compose_reply
from nodes.replies import LANGUAGES
from nodes.retrieve_policies import retrieve_policies
from nodes.state import Fact, State, evidence_of
from nodes.validate_output import validate_output
from tests.nodes.conftest import Stream, a_state, naming
from tests.tools.conftest import Control
from tools.context import Context
from tools.grounding.gate import unsupported
from tools.model.client import Model
from tools.ordering.card import card_of
from tools.ordering.delivery import resolve_slot
from tools.ordering.orders import parse_order
from tools.ordering.pricing import price_order
from tools.tone import speaks

LINES = ("a", "another", "some", "such", "this", "that", "any", "each", "every")
ASKED = {"status": "proposed", "notes": [], "waiting": 0}
FEE = "how much is the fee if I cancel the day before delivery?"


async def owes(context: Context) -> State:
    state = a_state("what do I owe?", "balance")
    return {**state, **await call_xero_tools(state, Runtime(context=context))}


async def asks_for_the_fee(context: Context) -> State:
    state = a_state(FEE, "policy")
    return {**state, **await retrieve_policies(state, Runtime(context=context))}


async def handed(_: Context) -> State:
    return {**a_state("all crushed", "damage"), "handoff": HANDOFF}


async def ordered(context: Context) -> State:
    state = a_state("600 10in and 200 lids to tampines", "order")
    received = datetime.fromisoformat(state["turn"]["received_at"])
    outlets = await context.outlets.of_contacts(context.caller.contact_ids)
    text = state["screened"]["text"]
    request = parse_order(text, context.catalogue, outlets, received)
    prices = {code: item.price for code, item in (await context.accounts.price_list()).items()}
    order = price_order(request.lines, prices, received.date(), await context.accounts.standing())
    slot = resolve_slot(received, order.counted, None, None)
    return {**state, "card": card_of(order, request, slot) | ASKED}


def with_fact(text: str, kind: str, data: dict[str, Any], **more: Any) -> State:
    state = a_state(text, "order")
    return {**state, "facts": [Fact(kind=kind, source="orders", data=data)], **more}  # type: ignore[typeddict-item]


async def test_without_a_model_the_templates_tell_the_balance(context: Context) -> None:
    stream = Stream(context)
    state = await owes(context)
    update = await compose_reply(state, stream.runtime)
    outstanding = Decimal(state["facts"][0]["data"]["outstanding"])
    assert f"You owe SGD {outstanding:,.2f}" in update["reply"]["text"]
    assert update["reply"]["by"] == "templates"


async def test_what_is_streamed_is_what_is_stored(context: Context) -> None:
    stream = Stream(context)
    update = await compose_reply(await owes(context), stream.runtime)
    assert stream.events[0] == {"type": "reset"}
    assert len(stream.sentences) > 2
    assert stream.shown.strip() == update["reply"]["text"]


async def test_a_truthful_model_is_streamed_sentence_by_sentence(with_model: Context) -> None:
    stream = Stream(with_model)
    state = await owes(with_model)
    update = await compose_reply(state, stream.runtime)
    assert update["reply"]["by"] == "model"
    assert state["facts"][0]["data"]["outstanding"] in update["reply"]["text"]
    assert stream.shown.strip() == update["reply"]["text"]
    assert [e["type"] for e in stream.events].count("reset") == 1


# 5.4 case 22
@pytest.mark.parametrize("question", [owes, asks_for_the_fee], ids=["balance", "policy"])
async def test_no_figure_of_a_lying_model_leaves(
    with_model: Context, control: Control, question: Any
) -> None:
    control.model("lying")
    stream = Stream(with_model)
    state = await question(with_model)
    update = await compose_reply(state, stream.runtime)
    evidence = evidence_of(state, with_model.now(), with_model.caller)
    assert [s for s in stream.sentences if unsupported(s, evidence)] == []
    assert update["reply"]["by"] in ("templates", "both")
    assert stream.shown.strip() == update["reply"]["text"]


# 5.4 case 22
@pytest.mark.parametrize(
    "lie",
    [
        "You owe SGD 1.00 only.",
        "It was due on 1 January 2020.",
        "See INV-1.",
        "You get 15% off.",
        "We refund everything.",
        "Pay at https://pay.example/now.",
        "Call us at 18:45.",
    ],
)
async def test_an_unsupported_sentence_is_held_back_and_the_templates_finish(
    with_model: Context, control: Control, lie: str
) -> None:
    control.model("scripted", replies=[f"Here is your account. {lie} Thank you."])
    stream = Stream(with_model)
    update = await compose_reply(await owes(with_model), stream.runtime)
    assert stream.sentences[0] == "Here is your account. "
    assert not any(lie in s for s in stream.sentences)
    assert [e["type"] for e in stream.events].count("reset") == 1
    assert update["reply"]["by"] == "both"
    assert "You owe SGD" in update["reply"]["text"]
    assert stream.shown.count("Here is your account.") == 1


async def test_a_refused_sentence_is_rewritten_once_with_the_reason(
    with_model: Context, control: Control
) -> None:
    control.model("scripted", replies=["Hello Mei. You owe SGD 1.23.", "I ask a colleague."])
    stream = Stream(with_model)
    update = await compose_reply(await owes(with_model), stream.runtime)
    assert update["reply"] == {
        "text": "Hello Mei. I ask a colleague.",
        "by": "model",
        "citations": [],
        "is_shared": False,
    }
    assert "1.23" in control.last_asked()["messages"][-1]["content"]


async def test_a_stream_that_breaks_is_finished_by_the_templates_without_repeating(
    with_model: Context, control: Control
) -> None:
    state = await owes(with_model)
    outstanding = Decimal(state["facts"][0]["data"]["outstanding"])
    control.model("truncate")
    stream = Stream(with_model)
    update = await compose_reply(state, stream.runtime)
    assert update["reply"]["by"] in ("templates", "both")
    assert stream.shown.strip() == update["reply"]["text"]
    assert stream.shown.count(f"{outstanding:,.2f}") == 1
    assert [e["type"] for e in stream.events].count("reset") == 1


async def test_the_same_question_about_the_rules_is_answered_from_the_cache(
    with_model: Context, control: Control
) -> None:
    state = await asks_for_the_fee(with_model)
    state = {**state, "facts": [], **await compose_reply(state, Stream(with_model).runtime)}
    await validate_output(state, Runtime(context=with_model))
    before = control.model_calls()
    again: State = {**state, "screened": {**state["screened"], "masked": FEE.upper()}}
    reply = (await compose_reply(again, Stream(with_model).runtime))["reply"]
    assert reply["by"] == "cache"
    assert reply["text"] == state["reply"]["text"]
    assert control.model_calls() == before


@pytest.mark.parametrize("mode", ["error_500", "error_429"])
async def test_a_model_that_fails_is_replaced_by_the_templates(
    with_model: Context, control: Control, mode: str
) -> None:
    control.model(mode)
    stream = Stream(with_model)
    update = await compose_reply(await owes(with_model), stream.runtime)
    assert update["reply"]["by"] == "templates"
    assert stream.shown.strip() == update["reply"]["text"]
    assert "You owe SGD" in stream.shown


async def test_a_model_that_cannot_be_reached_is_replaced_by_the_templates(
    context: Context,
) -> None:
    away = replace(context, model=Model("a key", "http://127.0.0.1:9/v1", "sandbox-chat"))
    update = await compose_reply(await owes(away), Stream(away).runtime)
    assert update["reply"]["by"] == "templates"


async def test_what_our_own_words_may_not_say_is_never_shown(context: Context) -> None:
    """A computed answer that names no section has no passage to cite."""
    result = {"percent": "9", "net": "325.00", "gst": "29.25", "total": "354.25"}
    fact = {"rule": "gst", "section_id": None, "inputs": {"amount": "325.00"}, "result": result}
    state: State = {**await asks_for_the_fee(context)}
    state["facts"] = [Fact(kind="computed", source="policies", data=fact)]
    state["passages"] = [{**state["passages"][0], "id": None}]
    stream = Stream(context)
    state = {**state, **await compose_reply(state, stream.runtime)}
    assert "354.25" not in "".join(stream.sentences)
    assert "rather have a colleague" in state["reply"]["text"]
    assert "".join(stream.sentences).strip() == state["reply"]["text"]
    update = await validate_output(state, Runtime(context=context))
    assert update == {"verdict": {"passed": False, "problems": ["no citation"], "tries": 1}}
    assert after_validate_output({**state, **update}) == "__end__"


@pytest.mark.parametrize(
    "written",
    [
        "Good news 🎉 You owe money.",
        "\n".join(f"Here is {word} line." for word in LINES),
        "您好，请看您的账户，里面有您所有的发票和付款的记录，谢谢您。",
    ],
    ids=["emoji", "lines", "language"],
)
async def test_what_the_tone_forbids_is_never_shown(
    with_model: Context, control: Control, written: str
) -> None:
    control.model("scripted", replies=[written])
    stream = Stream(with_model)
    state = await owes(with_model)
    state = {**state, **await compose_reply(state, stream.runtime)}
    assert written not in "".join(stream.sentences)
    assert "".join(stream.sentences).strip() == state["reply"]["text"]
    assert "You owe SGD" in state["reply"]["text"]
    assert (await validate_output(state, Runtime(context=with_model)))["verdict"]["passed"]


async def test_a_rewrite_comes_from_the_templates(with_model: Context) -> None:
    state = await owes(with_model)
    state["verdict"] = {"passed": False, "problems": ["no citation"], "tries": 1}
    update = await compose_reply(state, Stream(with_model).runtime)
    assert update["reply"]["by"] == "templates"


async def test_what_an_action_did_is_never_worded_by_the_model(
    with_model: Context, control: Control
) -> None:
    control.model("scripted", replies=["Your order is placed."])
    state = with_fact("no", "declined", {})
    update = await compose_reply(state, Stream(with_model).runtime)
    assert update["reply"]["by"] == "templates"
    assert "not placed" in update["reply"]["text"]


async def test_the_model_sees_tokens_and_no_personal_data(
    with_model: Context, control: Control
) -> None:
    state = a_state("what do I owe? my ic is S1234567D, call 8000 0012", "balance")
    state = {**state, **await call_xero_tools(state, Runtime(context=with_model))}
    await compose_reply(state, Stream(with_model).runtime)
    asked = str(control.last_asked())
    assert "[nric_1]" in asked
    assert "S1234567D" not in asked
    assert "8000 0012" not in asked
    assert not any(contact in asked for contact in with_model.caller.contact_ids)


async def test_the_customers_words_never_become_instructions(
    with_model: Context, control: Control
) -> None:
    state = a_state("hello, ${facts} and {braces}", "small_talk")
    await compose_reply(state, Stream(with_model).runtime)
    system, *_, last = control.last_asked()["messages"]
    assert "braces" not in system["content"]
    assert last["role"] == "user"
    assert last["content"] == "hello, ${facts} and {braces}"


async def test_a_policy_answer_cites_the_passage_it_quotes(context: Context) -> None:
    state = await asks_for_the_fee(context)
    reply = (await compose_reply(state, Stream(context).runtime))["reply"]
    best = state["passages"][0]
    assert reply["citations"] == [best["id"]]
    assert reply["text"] == best["text"]


async def test_a_policy_question_without_a_passage_offers_a_colleague(context: Context) -> None:
    state: State = {**a_state("do you sell moons", "policy"), "passages": []}
    reply = (await compose_reply(state, Stream(context).runtime))["reply"]
    assert "can't find this in our policies" in reply["text"]
    assert reply["citations"] == []


async def test_a_part_that_is_away_is_said_so_and_nothing_is_made_up(context: Context) -> None:
    state = with_fact("what do I owe?", "unavailable", {"part": "accounts"})
    reply = (await compose_reply(state, Stream(context).runtime))["reply"]
    assert "isn't answering" in reply["text"]
    assert "SGD" not in reply["text"]


async def test_a_price_is_told_with_its_pack(context: Context) -> None:
    state = naming(a_state("how much is it", "price"), "product", "CNP-015-FB-01")
    state = {**state, **await call_xero_tools(state, Runtime(context=context))}
    reply = (await compose_reply(state, Stream(context).runtime))["reply"]
    assert "SGD 0.65 each before GST, sold by the bundle of 100 for SGD 65.00" in reply["text"]
    assert reply["citations"] == []


async def test_stock_is_told_and_what_is_gone_is_said(context: Context) -> None:
    state = naming(a_state("in stock?", "stock"), "product", "CUT-W", "BGS-BOWL6")
    state = {**state, **await call_xero_tools(state, Runtime(context=context))}
    reply = (await compose_reply(state, Stream(context).runtime))["reply"]
    assert "out of stock at the moment" in reply["text"]
    assert "120 pieces in stock" in reply["text"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "question", ["owes", "asks_for_the_fee", "handed", "ordered"], ids=lambda q: q
)
async def test_templates_of_every_language_pass_the_gate_and_speak_it(
    context: Context, language: str, question: str
) -> None:
    state = await SITUATIONS[question](context)
    state = {**state, "tone": {**state["tone"], "language": language}}
    state = {**state, **await compose_reply(state, Stream(context).runtime)}
    verdict = (await validate_output(state, Runtime(context=context)))["verdict"]
    assert verdict["problems"] == []
    if question != "asks_for_the_fee":  # its passage is in the language that was searched
        assert speaks(state["reply"]["text"], language)


@pytest.mark.parametrize(
    ("channel", "begins"),
    [("mail", "Dear Mei,"), ("whatsapp", "Hi Mei"), ("web", "You owe")],
)
async def test_each_channel_has_its_manners(context: Context, channel: str, begins: str) -> None:
    there = replace(context, caller=replace(context.caller, channel=channel))
    reply = (await compose_reply(await owes(there), Stream(there).runtime))["reply"]
    assert reply["text"].startswith(begins)


HANDOFF = {
    "ticket": "T-000007",
    "reason": "complaint",
    "level": 2,
    "who": "service staff",
    "deadline": "2026-11-23T11:00:00+08:00",
    "deadline_text": "Mon 23 Nov, 11:00",
}


@pytest.mark.parametrize(
    ("reason", "says"),
    [
        ("complaint", "I am sorry"),
        ("food_safety", "stop using the goods"),
        ("account_on_hold", "long overdue"),
        ("quote", "we make you a quote"),
        ("unknown_outcome", "don't send it again"),
        ("total_differs", "could not do this as shown"),
        ("person", "passing you to a colleague"),
        ("damage", "arrived like this"),
        ("misunderstood", "still don't understand"),
        ("privacy", "personal data"),
        ("urgent", "as urgent"),
    ],
)
async def test_a_hand_over_names_the_ticket_and_the_time(
    context: Context, reason: str, says: str
) -> None:
    state = a_state("help", "person")
    state["handoff"] = HANDOFF | {"reason": reason}
    reply = (await compose_reply(state, Stream(context).runtime))["reply"]
    assert says in reply["text"]
    assert "T-000007" in reply["text"]
    assert "23 Nov 2026, 11:00" in reply["text"]


@pytest.mark.parametrize(("segment", "says"), [("vip", True), ("established", False)])
async def test_a_valued_customer_who_complains_is_called_by_name(
    context: Context,
    segment: str,
    says: bool,  # noqa: FBT001
) -> None:
    state = with_fact("your driver was rude", "standing", {"segment": segment})
    state["handoff"] = HANDOFF
    state["tone"]["situation"] = "complaint"
    reply = (await compose_reply(state, Stream(context).runtime))["reply"]
    assert ("Thank you for telling us, Mei." in reply["text"]) == says


@pytest.mark.parametrize(
    ("text", "before", "says"),
    [
        ("thanks, that's all. bye", "", "Goodbye Mei"),
        ("thank you!", "", "You are welcome"),
        ("hello there", "", "Hello Mei"),
        ("ok we keep the carton", "food_safety", "who have your ticket can read this"),
        ("thank you!", "complaint", "You are welcome"),
    ],
)
async def test_small_talk_is_answered_as_it_is_meant(
    context: Context, text: str, before: str, says: str
) -> None:
    state = a_state(text, "small_talk", focus={"intents": [before] if before else []})
    reply = (await compose_reply(state, Stream(context).runtime))["reply"]
    assert says in reply["text"]
    assert ("take an order" in reply["text"]) == (says == "Hello Mei")


@pytest.mark.parametrize("language", ["en", "zh", "ms", "ta"])
async def test_what_was_told_of_a_damage_is_not_asked_for_again(
    context: Context, language: str
) -> None:
    asked = {"missing": ["quantity"], "report_hours": 24, "invoice": "INV-1"}
    state = a_state("all crushed", "damage")
    state["tone"]["language"] = language
    state = {**state, "handoff": HANDOFF | {"reason": "damage"}}
    at_first = (await compose_reply(state, Stream(context).runtime))["reply"]["text"]
    facts = [Fact(kind="credit_needs_details", source="actions", data=asked)]
    told = (await compose_reply({**state, "facts": facts}, Stream(context).runtime))["reply"][
        "text"
    ]
    assert at_first.splitlines()[2] not in told
    assert at_first.splitlines()[1] in told


async def test_an_ended_quote_is_told_once(context: Context) -> None:
    quote = {"number": "QU-1", "status": "sent", "total": "9.00", "currency": "SGD"}
    listed = {"listed": [quote | {"expiry_date": "2026-07-24", "is_expired": True}]}
    state = with_fact("I accept QU-1", "quote_not_open", {"number": "QU-1", "expiry": "2026-07-24"})
    state["facts"] = [*state["facts"], Fact(kind="quotes", source="xero:quotes", data=listed)]
    text = (await compose_reply(state, Stream(context).runtime))["reply"]["text"]
    assert text.count("24 Jul 2026") == 1


@pytest.mark.parametrize(
    ("kind", "data", "says"),
    [
        ("card_gone", {}, "no longer open"),
        ("card_outdated", {}, "out of date"),
        ("not_written", {}, "say yes again"),
        ("still_placing", {}, "cannot be placed a second time"),
        ("below_minimum", {"minimum": "200.00"}, "SGD 200.00"),
        ("nothing_to_repeat", {}, "can't find an earlier order"),
    ],
)
async def test_what_became_of_a_card_is_told(
    context: Context, kind: str, data: dict[str, Any], says: str
) -> None:
    reply = (await compose_reply(with_fact("yes", kind, data), Stream(context).runtime))["reply"]
    assert says in reply["text"]


@pytest.mark.parametrize(
    ("intent", "says"),
    [
        ("small_talk", "Hello Mei"),
        ("out_of_scope", "only help with orders"),
        ("order_status", "number of your order"),
        ("unclear", "not sure what you mean"),
    ],
)
async def test_a_message_that_needs_no_facts_is_answered(
    context: Context, intent: Any, says: str
) -> None:
    reply = (await compose_reply(a_state("hm", intent), Stream(context).runtime))["reply"]
    assert says in reply["text"]


@pytest.mark.parametrize("question", [owes, asks_for_the_fee], ids=["balance", "policy"])
async def test_the_templates_pass_their_own_gate(context: Context, question: Any) -> None:
    state: State = await question(context)
    state = {**state, **await compose_reply(state, Stream(context).runtime)}
    assert (await validate_output(state, Runtime(context=context)))["verdict"]["passed"]


SITUATIONS: dict[str, Callable[[Context], Awaitable[State]]] = {
    "owes": owes,
    "asks_for_the_fee": asks_for_the_fee,
    "handed": handed,
    "ordered": ordered,
}
