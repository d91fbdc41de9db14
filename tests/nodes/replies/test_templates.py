"""Every template of every language: it renders, speaks its language and passes the gate."""

import re
import tomllib
from dataclasses import asdict
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from nodes.replies import LANGUAGES, render
from tests.nodes.replies.samples import PRODUCT, SAMPLES, Sample
from tools.grounding.evidence import gather
from tools.grounding.gate import unsupported
from tools.policy.answers import compute
from tools.search.texts import load_policies
from tools.tone import speaks

NOW = datetime.fromisoformat("2026-11-24T10:00:00+08:00")
# Numbers of documents, names of places and addresses are in no language.
CODES = re.compile(r"https?://\S+|\S+@\S+|\b[A-Z]+-[\dA-Z-]+|Forno Rosso \w+|\d\d\" \w+ pizza box")
CASES = tomllib.loads(
    (Path(__file__).parents[2] / "tools" / "policy" / "answers.toml").read_text("utf-8")
)["computed"]


def templates(language: str) -> set[str]:
    folder = resources.files("nodes") / "replies" / language
    return {f.name.removesuffix(".j2") for f in folder.iterdir() if f.name.endswith(".j2")}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_everything(language: str) -> None:
    assert templates(language) == templates("en")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda s: f"{s.block}-{SAMPLES.index(s)}")
def test_a_reply_says_only_what_stands_in_its_fact(sample: Sample, language: str) -> None:
    text = render(sample.block, language, **sample.filling)
    assert text
    assert unsupported(text, gather(sample.facts, [], NOW)) == []
    assert speaks(CODES.sub("", text), language)


# Names that mean something else, a day or a favour among it.
@pytest.mark.parametrize("name", ["Grace", "May", "April", "Will", "Bill", "Mark", "Sunny"])
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("channel", ["mail", "whatsapp", "web"])
@pytest.mark.parametrize("sentiment", ["neutral", "angry"])
def test_every_customer_may_be_greeted(
    name: str, language: str, channel: str, sentiment: str
) -> None:
    text = render(
        "greeting",
        language,
        name=name,
        channel=channel,
        sentiment=sentiment,
        tone={"situation": "routine", "most_emoji": 1},
        is_first=True,
        is_valued=True,
    )
    assert name in text
    facts = [{"kind": "customer", "data": {"name": f"{name} Lim", "company": "Katong Pies"}}]
    assert unsupported(text, gather(facts, [], NOW)) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_policy_may_be_told_as_it_stands(language: str) -> None:
    stock = {"kind": "products", "data": {"listed": [PRODUCT]}}
    for section in load_policies(language):
        known = gather([stock], [asdict(section)], NOW)
        assert unsupported(render("policy", language, passage=asdict(section)), known) == []


def computed(ask: str) -> dict[str, Any]:
    found = compute(ask, NOW)
    assert found is not None
    return {
        "rule": found.rule,
        "section_id": found.section_id,
        "inputs": found.inputs,
        "result": found.result,
    }


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["ask"][:60])
def test_a_computed_answer_says_only_what_was_computed(case: dict[str, Any], language: str) -> None:
    fact = computed(case["ask"])
    text = render("computed", language, fact=fact)
    assert text
    grounds = [
        asdict(section)
        for spoken in ("en", language)
        for section in load_policies(spoken)
        if section.id == fact["section_id"]
    ]
    facts = [{"kind": "computed", "data": fact}]
    assert unsupported(text, gather(facts, grounds, NOW)) == []
    assert speaks(text, language)
