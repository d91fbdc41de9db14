"""Takes a request's body in as a whole: in time, not too large, and JSON that can be stored."""

import asyncio
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from fastapi.responses import JSONResponse
from pydantic_core import from_json
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import Fault, invalid, problem

LARGEST = 64 * 1024
LARGEST_WEBHOOK = 1024 * 1024
BODY_SECONDS = 10.0
DEEPEST = 32
LARGEST_INTEGER = 2**63 - 1  # what a database's bigint holds
WRITES = frozenset(("POST", "PUT", "PATCH", "DELETE"))
BODY: Final = "tria.body"
PARTS: Final = "tria.parts"  # how many things a list asks for at once
JSON_TYPE = re.compile(r"application/([\w.+-]+\+)?json\s*(;.*)?", re.IGNORECASE)
FORM_TYPE = re.compile(r"application/x-www-form-urlencoded\s*(;.*)?", re.IGNORECASE)
# What may hide a NUL or a number out of range; without it only the depth needs a look.
SUSPECT = re.compile(rb"\\u0000|\d{19}|\d[eE]\+?\d{2}")


@dataclass
class Refused(Exception):
    """The body is not taken; it carries the answer that says why."""

    answer: JSONResponse


class ClientGone(Exception):
    """Whoever sent the request went away before its end."""


class Bodies:
    """Reads bodies before anybody works on the request, and hands them on in one piece."""

    def __init__(self, app: ASGIApp, seconds: float = BODY_SECONDS) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its body, or answer what is wrong with it."""
        if scope["type"] != "http" or scope["method"] not in WRITES:
            await self._app(scope, receive, send)
            return
        is_webhook = scope["path"].startswith("/webhooks/")  # signed first, understood later
        try:
            largest = LARGEST_WEBHOOK if is_webhook else LARGEST
            body = await self._within_time(scope, receive, largest)
            if body and scope["path"].startswith("/console"):
                check_form(body, header(scope, b"content-type"))
            elif body and not is_webhook:
                value = checked_json(body, header(scope, b"content-type"))
                scope[PARTS] = len(value) if isinstance(value, list) else 1
        except Refused as refused:
            await refused.answer(scope, receive, send)
            return
        except ClientGone:
            return
        scope[BODY] = body
        await self._app(scope, _again(body, receive), send)

    async def _within_time(self, scope: Scope, receive: Receive, largest: int) -> bytes:
        declared = header(scope, b"content-length") or ""
        if declared.isdigit() and int(declared[:20]) > largest:
            raise Refused(_too_large(largest))
        try:
            async with asyncio.timeout(self._seconds):
                return await _read(receive, largest)
        except TimeoutError:
            detail = f"The body did not arrive within {self._seconds:.0f} s: send it at once."
            raise Refused(problem(408, detail, headers={"Connection": "close"})) from None


def check_form(body: bytes, media_type: str | None) -> None:
    """Refuse what no form of our pages sends."""
    if not FORM_TYPE.fullmatch(media_type or ""):
        raise Refused(problem(415, "Send a form of the console's pages."))
    if b"%00" in body or b"\0" in body:
        raise Refused(problem(422, "The form holds a NUL, which cannot be stored."))


def header(scope: Scope, name: bytes) -> str | None:
    """A header's value, without building the whole set of them."""
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), None)


async def _read(receive: Receive, largest: int) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        body += message.get("body", b"")
        if len(body) > largest:
            raise Refused(_too_large(largest))
        if not message.get("more_body", False):
            return bytes(body)


def _too_large(largest: int) -> JSONResponse:
    detail = f"The body is larger than {largest // 1024} KiB: send less at once."
    return problem(413, detail, headers={"Connection": "close"})


def _again(body: bytes, receive: Receive) -> Receive:
    """The body that was read, then whatever comes after it."""
    is_read = False

    async def replay() -> Message:
        nonlocal is_read
        if is_read:
            return await receive()
        is_read = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def checked_json(body: bytes, content_type: str | None) -> Any:
    """What the body says; raises Refused with the field, or the place, that cannot be taken."""
    if content_type is None or not JSON_TYPE.fullmatch(content_type):
        detail = "Send JSON with the header 'Content-Type: application/json'."
        raise Refused(problem(415, detail, headers={"Accept": "application/json"}))
    try:
        value = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise Refused(_malformed(str(error))) from None
    if SUSPECT.search(body) or body.count(b"[") + body.count(b"{") > DEEPEST:
        faults = list(_faults(value, "", 0))
        if faults:
            raise Refused(invalid(faults))
    return value


def _malformed(reason: str) -> JSONResponse:
    """The parser's own words: they name the place, and quote nothing of the body."""
    return invalid([{"field": "body", "message": f"not valid JSON, {reason}"}])


def _faults(value: Any, where: str, depth: int) -> Iterator[Fault]:
    if depth > DEEPEST:
        yield {"field": where, "message": f"nested more than {DEEPEST} levels deep"}
    elif isinstance(value, dict):
        for key, inner in value.items():
            name = f"{where}.{key}" if where else key
            yield from _wrong(key, where or "body")
            yield from _faults(inner, name if name.isprintable() else where, depth + 1)
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _faults(inner, f"{where}.{place}" if where else str(place), depth + 1)
    else:
        yield from _wrong(value, where or "body")


def _wrong(value: Any, where: str) -> Iterator[Fault]:
    if isinstance(value, str) and "\x00" in value:
        yield {"field": where, "message": "holds a NUL character"}
    elif isinstance(value, int | float) and not _is_in_range(value):
        yield {"field": where, "message": "a number out of range"}


def _is_in_range(value: float) -> bool:
    return abs(value) <= LARGEST_INTEGER if type(value) is int else math.isfinite(value)
