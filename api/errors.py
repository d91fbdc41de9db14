"""Every error as one form of answer: problem+json (RFC 9457), with the `detail` clients read."""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, cast

import structlog
from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from psycopg import DataError, InterfaceError, OperationalError
from psycopg.errors import QueryCanceled
from psycopg_pool import PoolTimeout
from starlette.exceptions import HTTPException as AnyHTTPException
from typing_extensions import TypedDict

from monitoring.logging import origin
from monitoring.requests import request_trace
from tools.conversations import LONGEST_METADATA, MetadataTooLarge
from tools.errors import OperationRefused, TriaError
from tools.intake import MessageRepeated, RunRepeated, ThreadBusy, ThreadMissing
from tools.places import CheckpointMissing, NothingToContinue

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"
TYPES = "https://tria.example/problems/"
RETRY_SECONDS = 2
MOST_FIELDS = 20  # that one answer names
AWAY = "The service cannot reach its database right now. Try again shortly."

ANSWERS: dict[type[Exception], tuple[int, str]] = {
    ThreadMissing: (404, "Thread or assistant not found."),
    ThreadBusy: (409, "Thread is already running a task. Wait for it, or choose enqueue."),
    MessageRepeated: (409, "A message with this id is already part of the thread."),
    NothingToContinue: (422, "input: nothing stopped on its way here, so send what is to be said."),
    CheckpointMissing: (404, "This thread has no such checkpoint (any more)."),
    RunRepeated: (409, "A run with this id exists already."),
    MetadataTooLarge: (422, f"metadata: too large, above {LONGEST_METADATA:,} characters in all."),
    QueryCanceled: (422, "This search takes too long: narrow it."),  # before what it is a kind of
    DataError: (422, "Something in the request cannot be stored: a NUL or a number out of range."),
    InterfaceError: (503, AWAY),
    OperationalError: (503, AWAY),
    PoolTimeout: (503, AWAY),
}
# What the routes' parameters are called in the words of the protocol.
IDS = {"thread_id": "thread", "run_id": "run", "assistant_id": "assistant"}


class Fault(TypedDict):
    """One field of a request and what is wrong with it."""

    field: str
    message: str


def problem(
    status: int,
    detail: str,
    *,
    name: str | None = None,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> JSONResponse:
    """The answer to a request that failed. `name` is the problem's own, else the status's."""
    words = name or HTTPStatus(status).phrase
    content: dict[str, Any] = {
        "type": TYPES + re.sub(r"[^a-z]+", "-", words.lower()),
        "title": words,
        "status": status,
        "detail": detail,
    }
    if origin_of := request_trace.get():
        content["trace_id"] = origin_of.trace_id
    return JSONResponse(content | more, status, headers, media_type=MEDIA_TYPE)


def invalid(faults: Sequence[Fault], detail: str | None = None) -> JSONResponse:
    """The answer to a request whose fields are wrong; the first twenty are named."""
    named = list(faults[:MOST_FIELDS])
    told = detail or "; ".join(f"{each['field']}: {each['message']}" for each in named)
    return problem(422, told, name="Invalid request", errors=named)


def unavailable(detail: str = AWAY, *, code: str = "store_unavailable") -> JSONResponse:
    """The answer while a part is away. A write may come again safely under its key."""
    return problem(503, detail, headers={"Retry-After": str(RETRY_SECONDS)}, code=code)


def crashed(error: Exception) -> JSONResponse:
    """The answer to what nobody foresaw. The log gets its place, nobody gets its words."""
    log.error("request crashed", **origin(error))
    return problem(500, "Something failed on our side.", code="internal")


def not_found(what: str, identity: object) -> HTTPException:
    """Missing and foreign things get the same answer."""
    return HTTPException(404, f"{what} with ID {identity} not found")


def add_error_handlers(app: FastAPI) -> None:
    """Answer every error as a problem whose `detail` says what to do."""
    for error in ANSWERS:
        app.add_exception_handler(error, _known)
    app.add_exception_handler(AnyHTTPException, _stated)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(OperationRefused, _refused)
    app.add_exception_handler(TriaError, _ours)


async def _known(request: Request, error: Exception) -> JSONResponse:
    status, detail = next(a for e, a in ANSWERS.items() if isinstance(error, e))
    if status == 503:
        log.warning("store away", **origin(error))
        return unavailable(detail)
    return problem(status, detail, name=_words(type(error).__name__))


async def _stated(request: Request, error: Exception) -> JSONResponse:
    """What a route refuses, and what routing itself does: no such path, no such method."""
    error = cast(AnyHTTPException, error)
    headers = dict(error.headers or {})
    if error.status_code == 503:
        headers.setdefault("Retry-After", str(RETRY_SECONDS))
    return problem(error.status_code, _detail(request, error), headers=headers)


def _detail(request: Request, error: AnyHTTPException) -> str:
    said = str(error.detail)
    if said != HTTPStatus(error.status_code).phrase:
        return said
    if error.status_code == 405:
        return f"{request.method} is not possible here; see the Allow header."
    if error.status_code == 404:
        return "There is nothing at this address; see /openapi.json."
    return said


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    """Name the field and the fault, never the value: it may hold what JSON cannot."""
    errors = cast(RequestValidationError, error).errors()
    detail = next((_malformed(e) for e in errors if _malformed(e)), None)
    return invalid([_fault(e) for e in errors], detail)


def _fault(error: Mapping[str, Any]) -> Fault:
    where = ".".join(_part(part) for part in error["loc"][1:]) or str(error["loc"][0])
    return {"field": where, "message": _message(error)}


def _part(part: object) -> str:
    """A piece of a field's place; one that a client made up is not repeated at length."""
    text = str(part)
    return text if re.fullmatch(r"[\w\[\]()., -]{1,60}", text, re.ASCII) else "?"


def _message(error: Mapping[str, Any]) -> str:
    """Pydantic's words where they quote nothing of the request."""
    if error["type"] == "json_invalid":
        return "this is not JSON"
    if error["type"].startswith("uuid"):
        return "must be a UUID"
    return str(error["msg"])


def _malformed(error: Mapping[str, Any]) -> str | None:
    """The sentence that the protocol's clients know for an id that is none."""
    what = IDS.get(str(error["loc"][-1]))
    if error["loc"][0] == "path" and what and error["type"].startswith("uuid"):
        return f"Invalid {what} ID: must be a UUID"
    return None


async def _refused(request: Request, error: Exception) -> JSONResponse:
    """What an operator asked for is over or not possible: the error's own words say what to do."""
    return problem(409, str(error), name="Operation refused")


async def _ours(request: Request, error: Exception) -> JSONResponse:
    error = cast(TriaError, error)
    log.error("request failed", code=error.code, **origin(error))
    return unavailable("Something failed on our side.", code=error.code)


def _words(name: str) -> str:
    """`ThreadBusy` as "Thread busy"."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).capitalize()
