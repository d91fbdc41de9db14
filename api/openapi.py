"""Completes the description of the API with what holds for every route: its refusals and keys."""

import re
from collections.abc import Iterator
from typing import Any, cast

from fastapi import FastAPI

from api.errors import MEDIA_TYPE
from api.idempotency import READS

Operation = dict[str, Any]

WRITES = frozenset(("post", "put", "patch", "delete"))
UNLIMITED = ("/health", "/info")
PROBLEMS = {
    401: "Nobody is signed in",
    403: "Whoever is signed in may not do this",
    404: "Missing, or somebody else's",
    408: "The body came too slowly",
    409: "It does not fit what is there, or a request with the same key is under way",
    413: "The body is too large",
    415: "The body is not JSON",
    422: "A field is wrong; `errors` names it",
    429: "Too many requests: wait for the seconds in `Retry-After`",
    501: "Not offered here",
    503: "A part is away: try again after `Retry-After`, under an Idempotency-Key if it writes",
}
PROBLEM = {
    "type": "object",
    "title": "Problem",
    "description": "What went wrong, as RFC 9457 has it.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What to do"},
        "code": {"type": "string"},
        "trace_id": {"type": "string", "description": "What our logs know it by"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}
CONTENT = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
RETRY_AFTER = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds"}}
KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "A request that comes again under the same key is done once.",
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
}


def describe(app: FastAPI) -> None:
    """Complete the description when it is first asked for."""
    build = app.openapi

    def complete() -> dict[str, Any]:
        if app.openapi_schema is None:
            _complete(build())
        return cast(dict[str, Any], app.openapi_schema)

    app.openapi = complete  # type: ignore[method-assign]  # FastAPI's documented way


def _complete(document: dict[str, Any]) -> None:
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = PROBLEM
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            _add_problems(path, method, operation)
            _add_parameters(path, method, operation)


def _add_problems(path: str, method: str, operation: Operation) -> None:
    responses = operation["responses"]
    responses.pop("422", None)  # FastAPI's own form, which nothing here answers with
    for status in _statuses(path, method, operation):
        described = responses.setdefault(str(status), {"description": PROBLEMS[status]})
        described["content"] = described.get("content", {}) | CONTENT
        if status in (429, 503):
            described["headers"] = RETRY_AFTER


def _add_parameters(path: str, method: str, operation: Operation) -> None:
    parameters = operation.setdefault("parameters", [])
    named = {each["name"] for each in parameters}
    for name in re.findall(r"{(\w+)}", path):
        if name not in named:  # a route that answers everybody the same does not look at it
            schema = {"type": "string"}
            parameters.append({"name": name, "in": "path", "required": True, "schema": schema})
    if method in WRITES and operation.get("security") and not READS.fullmatch(path):
        parameters.append(KEY)


def _statuses(path: str, method: str, operation: Operation) -> Iterator[int]:
    if path.startswith(UNLIMITED):
        return
    yield from (422, 429, 503)
    if operation.get("security"):
        yield from (401, 403)
    if "{" in path or "sign-in" in path or method in WRITES:
        yield 404
    if method in WRITES:
        yield from (408, 409, 413, 415)
    if path.endswith("/crons"):
        yield 501
