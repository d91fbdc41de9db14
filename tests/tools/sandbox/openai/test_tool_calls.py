"""The stand-in picks tools as a test says, or as a model would that somebody has talked round."""

import json
import random
from typing import Any

import httpx
import pytest
from openapi_schema_validator import OAS31Validator

from tests.tools.sandbox.openai.test_routes import chat, set_mode
from tools.sandbox.openai.tool_calls import KINDS, AttackKind, Foreign, ToolRequest, attack

Json = dict[str, Any]

FOREIGN = Foreign("INV-1042", "00000000-0000-0000-0000-00000000000d", "a contact's id")


def tool(name: str, **properties: Json) -> Json:
    parameters = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


TOOLS = [
    tool("summary"),
    tool("find", document={"type": "string", "maxLength": 40}),
    tool(
        "list", state={"type": "string", "enum": ["open"]}, day={"type": "string", "format": "date"}
    ),
]


def drawn(kind: AttackKind, tools: list[Json], seed: int) -> list[ToolRequest]:
    return attack(kind, tools, FOREIGN, random.Random(seed))  # noqa: S311


def calls(answer: httpx.Response) -> list[tuple[str, str]]:
    message = answer.json()["choices"][0]["message"]
    made = message.get("tool_calls", [])
    return [(c["function"]["name"], c["function"]["arguments"]) for c in made]


def test_offered_tools_are_called_as_told(http: httpx.Client) -> None:
    picks = [{"name": "find", "arguments": {"document": "INV-1"}}, {"name": "x", "arguments": "{"}]
    set_mode(http, picks=picks)
    answer = chat(http, tools=TOOLS)

    assert calls(answer) == [("find", '{"document": "INV-1"}'), ("x", "{")]
    assert answer.json()["choices"][0]["finish_reason"] == "tool_calls"


def test_without_tools_nothing_is_called(http: httpx.Client) -> None:
    set_mode(http, picks=[{"name": "find"}], attack="mixed")

    assert calls(chat(http)) == []
    assert chat(http).json()["choices"][0]["message"]["content"]


def test_an_attack_is_the_same_for_the_same_seed(http: httpx.Client) -> None:
    seen = set()
    for seed in range(8):
        set_mode(http, attack="mixed", seed=seed)
        first, second = calls(chat(http, tools=TOOLS)), calls(chat(http, tools=TOOLS))
        assert first == second
        seen.add(str(first))
    assert len(seen) > 3


def test_an_attacker_is_after_its_victim(http: httpx.Client) -> None:
    [invoice] = http.get("/control/invoices").json()[:1]
    set_mode(http, attack="foreign_number", victim=invoice["Contact"]["ContactID"])
    [(_, arguments)] = calls(chat(http, tools=TOOLS))
    number = json.loads(arguments)["document"]
    books = http.get("/control/invoices").json()
    [found] = [i for i in books if i["InvoiceNumber"] == number]

    assert found["Contact"]["ContactID"] == invoice["Contact"]["ContactID"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tools", [TOOLS, TOOLS[:1]], ids=["all", "one without arguments"])
def test_every_attack_asks_for_something(kind: AttackKind, tools: list[Json]) -> None:
    for seed in range(20):
        assert drawn(kind, tools, seed)


@pytest.mark.parametrize("kind", ["extra_argument", "wrong_type", "broken_json", "no_object"])
def test_what_should_not_fit_its_schema_does_not(kind: AttackKind) -> None:
    schemas = {t["function"]["name"]: t["function"]["parameters"] for t in TOOLS}
    for seed in range(40):
        [request] = drawn(kind, TOOLS, seed)
        fits = isinstance(request.arguments, dict) and OAS31Validator(
            schemas[request.name]
        ).is_valid(request.arguments)
        assert not fits


@pytest.mark.parametrize("kind", ["foreign_number", "foreign_id"])
def test_what_should_look_harmless_fits_its_schema(kind: AttackKind) -> None:
    [request] = drawn(kind, TOOLS, 1)
    assert request.name == "find"
    OAS31Validator(TOOLS[1]["function"]["parameters"]).validate(request.arguments)


def test_guessing_goes_through_many_numbers() -> None:
    made = drawn("many_calls", TOOLS, 1)
    assert len({str(r.arguments) for r in made}) == 40


def test_long_texts_are_long() -> None:
    [request] = drawn("long_text", TOOLS, 1)
    assert len(str(request.arguments)) >= 10_000
