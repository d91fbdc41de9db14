"""An OpenAI-compatible service without a model behind it."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from uuid import UUID

from fastapi import APIRouter, Request, Response
from starlette.responses import JSONResponse, StreamingResponse
from starlette.types import Message, Receive, Scope, Send
from typing_extensions import override

from tools.sandbox.desk import Desk
from tools.sandbox.openai.chunks import (
    DONE,
    chunks,
    completion,
    error,
    event,
    finish_of,
    is_content,
)
from tools.sandbox.openai.embeddings import embeddings
from tools.sandbox.openai.script import Script, ScriptIsEmpty
from tools.sandbox.openai.settings import ModelMode, ModelSettings, ScriptedReply
from tools.sandbox.openai.tool_calls import Foreign
from tools.sandbox.store import Json, Search
from tools.sandbox.xero.responses import BrokenOff

MODELS = ("sandbox-chat", "sandbox-embed")
LONGEST_STALL_SECONDS = 120
GARBAGE = '{"id": "chatcmpl-<html>'
CUT_OFF = ("truncate", "broken", "garbage")
FAILURES: Mapping[ModelMode, tuple[int, str, str]] = {
    "error_429": (429, "Rate limit reached.", "rate_limit_exceeded"),
    "error_500": (500, "The server had an error.", "server_error"),
    "error_503": (503, "The engine is overloaded.", "service_unavailable"),
}


def make_routes(desk: Desk, script: Script) -> APIRouter:
    """Models, chat completions and embeddings under /openai/v1."""
    router = APIRouter(prefix="/openai/v1")

    @router.get("/models")
    async def models(request: Request) -> Response:
        entries = [{"id": name, "object": "model", "owned_by": "sandbox"} for name in MODELS]
        return _refusal(request) or JSONResponse({"object": "list", "data": entries})

    @router.post("/embeddings")
    async def embed(request: Request) -> Response:
        body = _parsed(await request.body())
        if body is None:
            return _bad_body()
        return _refusal(request) or JSONResponse(embeddings(body))

    @router.post("/chat/completions")
    async def chat(request: Request) -> Response:
        body = _parsed(await request.body())
        if refused := _refusal(request):
            return refused
        if body is None or not _has_messages(body):
            return _bad_body()
        return await _answer(desk, script, body)

    return router


def _refusal(request: Request) -> Response | None:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme == "Bearer" and key.strip():
        return None
    message = "You didn't provide an API key."
    return JSONResponse(error(message, "invalid_request_error", "invalid_api_key"), 401)


def _bad_body() -> Response:
    message = "The body is not what this endpoint takes."
    return JSONResponse(error(message, "invalid_request_error", "invalid_body"), 400)


def _parsed(body: bytes) -> Json | None:
    try:
        parsed = json.loads(body)
    except ValueError:
        return None
    return parsed if isinstance(parsed, dict) else None


def _has_messages(body: Json) -> bool:
    messages = body.get("messages")
    return isinstance(messages, list) and all(isinstance(m, dict) for m in messages)


async def _answer(desk: Desk, script: Script, body: Json) -> Response:
    mode, settings = script.record(body), script.settings
    if mode in FAILURES:
        status, message, kind = FAILURES[mode]
        headers = {"Retry-After": f"{settings.retry_after:g}"} if status == 429 else {}
        return JSONResponse(error(message, kind, kind), status, headers)
    if mode == "timeout":
        await asyncio.sleep(LONGEST_STALL_SECONDS)
    if mode == "garbage" and not body.get("stream"):
        return Response(GARBAGE, media_type="application/json")
    try:
        reply = script.reply(body, mode, lambda text: _foreign(desk, text, settings.victim))
    except ScriptIsEmpty:
        return JSONResponse(error("No scripted reply is left.", "server_error", "script"), 500)
    created = int(desk.clock.now().timestamp())
    if body.get("stream"):
        events = _events(settings, mode, body, reply, created)
        streamed = BrokenStream if mode == "broken" else StreamingResponse
        return streamed(events, media_type="text/event-stream")
    return await _whole(settings, mode, completion(body, reply, finish_of(reply), created))


class BrokenStream(StreamingResponse):
    """A stream whose connection ends before the stream has."""

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_all_but_the_end(message: Message) -> None:
            if message["type"] != "http.response.body" or message.get("more_body"):
                await send(message)

        await super().__call__(scope, receive, send_all_but_the_end)


async def _whole(settings: ModelSettings, mode: ModelMode, answer: Json) -> Response:
    if mode == "slow":
        await asyncio.sleep(settings.first_seconds + settings.seconds)
    if mode == "stall":
        await asyncio.sleep(LONGEST_STALL_SECONDS)
    if mode == "broken":
        return BrokenOff()
    if mode == "truncate":
        choice = answer["choices"][0]
        content = choice["message"]["content"] or ""
        choice["finish_reason"] = "length"
        choice["message"]["content"] = content[: len(content) // 2]
    return JSONResponse(answer)


async def _events(
    settings: ModelSettings, mode: ModelMode, body: Json, reply: ScriptedReply, created: int
) -> AsyncIterator[str]:
    pieces = 0
    for chunk in chunks(body, reply, created):
        if is_content(chunk):
            if mode in CUT_OFF and pieces >= settings.after_pieces:
                yield f"data: {GARBAGE}\n\n" if mode == "garbage" else ""
                return
            await asyncio.sleep(_pause(settings, mode, pieces))
            pieces += 1
        elif mode in CUT_OFF and pieces:
            return
        yield event(chunk)
    yield DONE


def _pause(settings: ModelSettings, mode: ModelMode, pieces: int) -> float:
    if mode == "stall" and pieces >= settings.after_pieces:
        return LONGEST_STALL_SECONDS
    if mode != "slow":
        return 0
    return settings.seconds if pieces else settings.seconds + settings.first_seconds


def _foreign(desk: Desk, text: str, victim: str | None) -> Foreign:
    """The latest invoice of the victim, else of a contact none of whose invoices the text names."""
    invoices = desk.store.find("invoice", Search("type = 'ACCREC'", order="day desc, number desc"))
    named = {i["Contact"]["ContactID"] for i in invoices if i["InvoiceNumber"] in text}
    foreign = (
        Foreign(i["InvoiceNumber"], i["InvoiceID"], i["Contact"]["ContactID"])
        for i in invoices
        if i["Contact"]["ContactID"] == victim
        or (not victim and i["Contact"]["ContactID"] not in named)
    )
    return next(foreign, Foreign("INV-9999", str(UUID(int=1)), str(UUID(int=2))))
