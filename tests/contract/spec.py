"""Requests to Xero held against the official description of its API, where it is at hand.

`Recording` keeps every request of a client; `Spec.violations` says what is wrong with one.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import yaml
from openapi_schema_validator import OAS30Validator

from tools.xero.exchange import ACCOUNTING

SPEC = Path(__file__).parents[3] / "shared" / "xero" / "xero_accounting_trimmed.yaml"
MISSING = f"The description of Xero's API is not at {SPEC}"
REF = "#/components/schemas/"
ANYTHING = re.compile(r"(?s).*")
UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
FORMATS = {
    "integer": re.compile(r"\d+"),
    "boolean": re.compile(r"true|false"),
    "uuid": UUID,
    "date": re.compile(r"\d{4}-\d\d-\d\d"),
    "date-time": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"),
}
PLAIN = frozenset(
    {"accept", "accept-encoding", "authorization", "connection", "content-length", "content-type"}
    | {"host", "user-agent"}
)

Json = Mapping[str, Any]


class Recording:
    """Keeps what a client sends to the accounting API, as a hook of it."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []

    async def __call__(self, request: httpx.Request) -> None:
        if ACCOUNTING in request.url.path:
            await request.aread()
            self.requests.append(request)


@dataclass(frozen=True)
class Operation:
    """One operation of the description."""

    name: str  # GET /Invoices/{InvoiceID}
    entry: Json
    parameters: Mapping[tuple[str, str], Json]  # (place, name in lower case) -> parameter


class Spec:
    """The official description. Bodies may not hold a field that is unknown or only read."""

    def __init__(self, path: Path = SPEC) -> None:
        text = path.read_text("utf-8")
        self._document: dict[str, Any] = yaml.load(text, Loader=yaml.CSafeLoader)
        self._schemas = self._document["components"]["schemas"]

    def violations(self, request: httpx.Request) -> list[str]:
        """What the description does not allow in a request; empty when it is fine."""
        path = request.url.path.partition(ACCOUNTING)[2]
        operation = self._operation(request.method, path)
        if operation is None:
            return [f"{request.method} {_shown(path)}: there is no such operation"]
        found = [
            *_wrong_path(operation, path),
            *_wrong_values(operation, "query", request.url.params.multi_items()),
            *_wrong_values(operation, "header", _own(request.headers)),
            *_lacking(operation, request),
            *self._wrong_accept(operation, request.headers.get("Accept", "")),
            *self._wrong_body(operation, request.content),
        ]
        return [f"{operation.name}: {problem}" for problem in found]

    def having(self, method: str, parameter: str) -> frozenset[str]:
        """Paths, with `{id}` for every id, whose operation knows a query parameter."""
        found = set()
        for template, entry in self._document["paths"].items():
            own = entry.get(method.lower(), {})
            names = {self._resolved(p)["name"] for p in own.get("parameters", [])}
            if parameter in names:
                found.add(re.sub(r"\{\w+\}", "{id}", template))
        return frozenset(found)

    def _operation(self, method: str, path: str) -> Operation | None:
        for template, entry in self._document["paths"].items():
            pattern = re.sub(r"\{\w+\}", "[^/]+", template)
            if method.lower() in entry and re.fullmatch(pattern, path):
                own = entry[method.lower()]
                listed = [*entry.get("parameters", []), *own.get("parameters", [])]
                known = [self._resolved(p) for p in listed]
                named = {(p["in"], p["name"].lower()): p for p in known}
                return Operation(f"{method} {template}", own, named)
        return None

    def _wrong_accept(self, operation: Operation, accept: str) -> Iterator[str]:
        contents = operation.entry["responses"].get("200", {}).get("content", {})
        if contents and accept not in contents:
            yield f"it does not answer with {accept}"

    def _wrong_body(self, operation: Operation, content: bytes) -> Iterator[str]:
        described = operation.entry.get("requestBody")
        if described is None:
            if content:
                yield "it takes no body"
            return
        schema = self._resolved(described)["content"]["application/json"]["schema"]
        try:
            body = json.loads(content)
        except ValueError:
            yield "the body is no JSON"
            return
        validator = OAS30Validator(_local(_writable(schema)) | {"definitions": self._definitions})
        for error in validator.iter_errors(body):
            yield f"{'/'.join(str(step) for step in error.absolute_path)}: {error.message[:160]}"

    @cached_property
    def _definitions(self) -> dict[str, Any]:
        made = {f"{name}Write": _writable(schema) for name, schema in self._schemas.items()}
        found: dict[str, Any] = _local(json.loads(json.dumps(made, default=str)))
        return found

    def _resolved(self, entry: Json) -> Json:
        while "$ref" in entry:
            found: Any = self._document
            for step in entry["$ref"].removeprefix("#/").split("/"):
                found = found[step]
            entry = found
        return entry


def _writable(node: Any) -> Any:
    """A schema for what we send: nothing that is only read, and nothing that is not there."""
    if isinstance(node, list):
        return [_writable(part) for part in node]
    if not isinstance(node, dict):
        return node
    if isinstance(node.get("$ref"), str):
        return {"$ref": f"{node['$ref']}Write"}
    fields = node.get("properties")
    if not isinstance(fields, dict):
        return {name: _writable(part) for name, part in node.items()}
    sent = {name: _writable(field) for name, field in fields.items() if not field.get("readOnly")}
    required = [name for name in node.get("required", []) if name in sent]
    kept = {name: part for name, part in node.items() if name not in ("properties", "required")}
    return {
        **kept,
        "properties": sent,
        "additionalProperties": False,
        **({"required": required} if required else {}),
    }


def _local(node: Any) -> Any:
    if isinstance(node, list):
        return [_local(part) for part in node]
    if not isinstance(node, dict):
        return node
    return {
        name: part.replace(REF, "#/definitions/") if name == "$ref" else _local(part)
        for name, part in node.items()
    }


def _wrong_path(operation: Operation, path: str) -> Iterator[str]:
    """Xero takes printed numbers in paths too; we send ids alone, which nobody can guess."""
    template = operation.name.partition(" ")[2]
    for place, value in zip(template.split("/"), path.split("/"), strict=True):
        if place.startswith("{") and not UUID.fullmatch(value):
            yield f"{place} is no id"


def _wrong_values(operation: Operation, place: str, values: list[tuple[str, str]]) -> Iterator[str]:
    for name, value in values:
        parameter = operation.parameters.get((place, name.lower()))
        if parameter is None:
            yield f"{place} {name} does not exist"
        elif not _fits(value, parameter["schema"]):
            yield f"{place} {name} is none of {parameter['schema']}"


def _fits(text: str, schema: Json) -> bool:
    if schema.get("type") == "array":
        return all(_fits(part, schema["items"]) for part in text.split(","))
    kind = str(schema.get("format", schema.get("type")))
    is_long_enough = len(text) >= schema.get("minLength", 0)
    is_short_enough = len(text) <= schema.get("maxLength", len(text))
    return (
        text in schema.get("enum", [text])
        and bool(FORMATS.get(kind, ANYTHING).fullmatch(text))
        and bool(is_long_enough and is_short_enough)
    )


def _lacking(operation: Operation, request: httpx.Request) -> Iterator[str]:
    if "xero-tenant-id" not in request.headers:
        yield "it names no organisation"
    if not request.headers.get("Authorization", "").startswith("Bearer "):
        yield "it is not signed in"
    takes_key = ("header", "idempotency-key") in operation.parameters
    if takes_key and "Idempotency-Key" not in request.headers:
        yield "it has no idempotency key"
    has_errors = ("query", "summarizeerrors") in operation.parameters
    if has_errors and request.url.params.get("summarizeErrors") != "true":
        yield "refusals would come inside a 200"
    has_prices = ("query", "unitdp") in operation.parameters
    if has_prices and request.url.params.get("unitdp") != "4" and not _is_file(request):
        yield "prices would have two decimals"


def _is_file(request: httpx.Request) -> bool:
    return "json" not in request.headers.get("Accept", "")


def _own(headers: httpx.Headers) -> list[tuple[str, str]]:
    return [(name, value) for name, value in headers.items() if name not in PLAIN]


def _shown(path: str) -> str:
    return UUID.sub("{id}", path)
