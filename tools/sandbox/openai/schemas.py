"""Structured answers: the least value that fits a JSON schema, or the one a test posted."""

import json
from typing import Any

from tools.sandbox.openai.settings import ScriptedReply
from tools.sandbox.openai.tool_calls import ToolRequest
from tools.sandbox.store import Json

DEEPEST = 8
EMPTY: dict[str, Any] = {"string": "", "integer": 1, "number": 0.9, "boolean": False, "null": None}


def structured(body: Json, form: Json | None) -> ScriptedReply | None:
    """The structured answer a request asks for; None when it asks for text."""
    if tool := _forced_tool(body):
        arguments = form or least(tool.get("parameters", {}))
        return ScriptedReply(tool_calls=[ToolRequest(name=tool["name"], arguments=arguments)])
    asked = body.get("response_format") or {}
    if asked.get("type") not in ("json_schema", "json_object"):
        return None
    value = form or least(asked.get("json_schema", {}).get("schema", {}))
    return ScriptedReply(content=json.dumps(value, ensure_ascii=False))


def least(schema: Json) -> Any:
    """The least value that fits: first of an enum, one entry where a list needs one."""
    return _least(schema, schema, 0)


def _forced_tool(body: Json) -> Json | None:
    functions = [tool["function"] for tool in body.get("tools") or []]
    choice = body.get("tool_choice")
    if choice == "required":
        return next(iter(functions), None)
    if isinstance(choice, dict):
        name = choice.get("function", {}).get("name")
        return next((f for f in functions if f["name"] == name), None)
    return None


def _least(schema: Json, root: Json, depth: int) -> Any:
    if "$ref" in schema:
        return _least(_target(schema["$ref"], root), root, depth)
    for name in ("const", "default"):
        if name in schema:
            return schema[name]
    if "enum" in schema:
        return schema["enum"][0]
    for name in ("anyOf", "oneOf", "allOf"):
        if name in schema:
            return _least(schema[name][0], root, depth)
    return _least_of_type(schema, root, depth)


def _least_of_type(schema: Json, root: Json, depth: int) -> Any:
    kind = schema.get("type", "object")
    if kind == "object":
        parts = schema.get("properties", {}) if depth < DEEPEST else {}
        return {name: _least(part, root, depth + 1) for name, part in parts.items()}
    if kind == "array":
        items = schema.get("items", {})
        return [_least(items, root, depth + 1)] * int(schema.get("minItems", 0))
    if kind in ("integer", "number") and "minimum" in schema:
        return max(schema["minimum"], min(EMPTY[kind], schema.get("maximum", EMPTY[kind])))
    return EMPTY[kind]


def _target(ref: str, root: Json) -> Json:
    found = root
    for part in ref.removeprefix("#/").split("/"):
        found = found[part]
    return found
