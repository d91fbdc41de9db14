from typing import Any

import pytest

from nodes.adapt_tone import DIRECTIONS, REFUSALS, adapt_tone
from nodes.state import Fact, Intent, Situation, State
from tests.nodes.conftest import a_state, understood


def with_facts(state: State, **facts: Any) -> State:
    found = [Fact(kind=kind, source="test", data=data) for kind, data in facts.items()]
    return {**state, "facts": found}


@pytest.mark.parametrize(
    ("intents", "situation"),
    [
        (("order",), "routine"),
        (("confirm",), "routine"),
        (("balance",), "question"),
        (("policy", "product"), "question"),
        (("complaint", "order"), "complaint"),
        (("food_safety",), "complaint"),
    ],
)
def test_the_situation_follows_from_the_intents(
    intents: tuple[Intent, ...], situation: Situation
) -> None:
    tone = adapt_tone(a_state("hm", *intents))["tone"]
    assert tone["situation"] == situation
    assert tone["directions"].startswith(DIRECTIONS[situation][0])
    assert tone["max_lines"] == DIRECTIONS[situation][1]


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_refusal_is_bad_news(refusal: str) -> None:
    state = with_facts(a_state("yes", "confirm"), **{refusal: {}})
    assert adapt_tone(state)["tone"]["situation"] == "bad_news"


@pytest.mark.parametrize(
    ("segment", "situation"), [("vip", "vip"), ("major", "vip"), ("established", "routine")]
)
def test_a_large_customer_is_recognised(segment: str, situation: Situation) -> None:
    state = with_facts(a_state("200 boxes", "order"), standing={"segment": segment})
    assert adapt_tone(state)["tone"]["situation"] == situation


def test_haste_outweighs_bad_news_and_a_complaint_outweighs_haste() -> None:
    urgent = understood(a_state("urgent", "order"), words=("urgent",))
    refused = with_facts(urgent, unavailable={})
    assert adapt_tone(refused)["tone"]["situation"] == "urgent"
    angry = understood(a_state("urgent", "complaint"), words=("urgent",))
    assert adapt_tone(angry)["tone"]["situation"] == "complaint"


def test_the_reply_is_in_the_language_of_the_message() -> None:
    assert adapt_tone(a_state("我要订两百个盒子", "order"))["tone"]["language"] == "zh"


def test_what_is_said_is_not_touched() -> None:
    assert set(adapt_tone(a_state("hello", "small_talk"))) == {"tone"}
