import pytest
from openapi_schema_validator import OAS31Validator

from tools.sandbox.openai.schemas import least, structured

CLASSIFICATION = {
    "type": "object",
    "properties": {
        "intents": {"type": "array", "items": {"$ref": "#/$defs/Intent"}, "minItems": 1},
        "confidence": {"type": "number", "minimum": 0, "maximum": 1},
        "order": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    },
    "required": ["intents", "confidence", "order"],
    "additionalProperties": False,
    "$defs": {"Intent": {"enum": ["balance", "order"]}},
}


def test_the_least_value_fits_its_schema() -> None:
    value = least(CLASSIFICATION)

    OAS31Validator(CLASSIFICATION).validate(value)
    assert value["intents"] == ["balance"]


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "f"}}])
def test_a_forced_tool_is_called(choice: object) -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": CLASSIFICATION}}
    reply = structured({"tools": [tool], "tool_choice": choice}, None)

    assert reply is not None
    assert reply.tool_calls[0].name == "f"
    OAS31Validator(CLASSIFICATION).validate(reply.tool_calls[0].arguments)


def test_a_tool_that_is_only_offered_is_not_called() -> None:
    tool = {"type": "function", "function": {"name": "f"}}

    assert structured({"tools": [tool], "tool_choice": "auto"}, None) is None
