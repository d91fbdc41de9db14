from typing import Any

import pytest
from langgraph.runtime import Runtime

from nodes.adapt_tone import REFUSALS, adapt_tone
from nodes.state import Fact, Intent, Situation, State, Tone
from tests.nodes.conftest import a_state, urgent
from tools.context import Context
from tools.tone import directions_for


def with_facts(state: State, **facts: Any) -> State:
    found = [Fact(kind=kind, source="test", data=data) for kind, data in facts.items()]
    return {**state, "facts": found}


def tone_of(state: State, context: Context) -> Tone:
    update = adapt_tone(state, Runtime(context=context))
    assert set(update) == {"tone"}
    return update["tone"]


@pytest.mark.parametrize(
    ("intents", "situation"),
    [
        (("order",), "routine"),
        (("confirm",), "routine"),
        (("balance",), "question"),
        (("policy", "product"), "question"),
        (("complaint", "order"), "complaint"),
        (("damage",), "complaint"),
        (("food_safety",), "complaint"),
    ],
)
def test_the_situation_follows_from_the_intents(
    context: Context, intents: tuple[Intent, ...], situation: Situation
) -> None:
    assert tone_of(a_state("hm", *intents), context)["situation"] == situation


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_refusal_is_bad_news(context: Context, refusal: str) -> None:
    state = with_facts(a_state("yes", "confirm"), **{refusal: {}})
    assert tone_of(state, context)["situation"] == "bad_news"


def test_a_large_customer_is_recognised(context: Context) -> None:
    usual = tone_of(
        with_facts(a_state("hm", "order"), standing={"segment": "established"}), context
    )
    vip = tone_of(with_facts(a_state("hm", "order"), standing={"segment": "vip"}), context)
    assert "relationship" in vip["directions"]
    assert "relationship" not in usual["directions"]


def test_an_angry_customer_is_met_with_other_directions(context: Context) -> None:
    calm = a_state("hm", "order_status")
    understanding = {**calm["understanding"], "sentiment": "angry"}
    angry: State = {**calm, "understanding": understanding}  # type: ignore[typeddict-item]
    assert tone_of(angry, context)["directions"] != tone_of(calm, context)["directions"]


def test_haste_outweighs_bad_news_and_a_complaint_outweighs_haste(context: Context) -> None:
    refused = with_facts(urgent(a_state("urgent", "order")), unavailable={})
    assert tone_of(refused, context)["situation"] == "urgent"
    angry = urgent(a_state("urgent", "complaint"))
    assert tone_of(angry, context)["situation"] == "complaint"


def test_the_reply_is_in_the_language_of_the_message(context: Context) -> None:
    assert tone_of(a_state("我要订两百个盒子", "order"), context)["language"] == "zh"


def test_the_prompt_gets_what_the_table_says(context: Context) -> None:
    row = directions_for("routine", "web", "established", "neutral", of_money=False)
    tone = tone_of(a_state("200 boxes", "order"), context)
    assert (tone["directions"], tone["max_lines"], tone["most_emoji"]) == (row.text, row.lines, 0)
