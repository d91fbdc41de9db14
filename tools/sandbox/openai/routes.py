"""An OpenAI-compatible service without a model behind it."""

import asyncio
import json
from collections.abc import AsyncIterator

from fastapi import APIRouter, Request, Response
from starlette.responses import JSONResponse, StreamingResponse

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
from tools.sandbox.openai.settings import ModelMode, ScriptedReply
from tools.sandbox.store import Json, Search

MODELS = ("sandbox-chat", "sandbox-embed")
LONGEST_STALL_SECONDS = 120


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
    mode = script.record(body)
    if mode == "error_500":
        return JSONResponse(error("The server had an error.", "server_error", "server_error"), 500)
    if mode == "error_429":
        limited = error("Rate limit reached.", "requests", "rate_limit_exceeded")
        return JSONResponse(limited, 429, {"Retry-After": "2"})
    try:
        reply = script.reply(body, mode, lambda text: _foreign_number(desk, text))
    except ScriptIsEmpty:
        return JSONResponse(error("No scripted reply is left.", "server_error", "script"), 500)
    created = int(desk.clock.now().timestamp())
    if body.get("stream"):
        events = _events(script, mode, body, reply, created)
        return StreamingResponse(events, media_type="text/event-stream")
    return await _whole(script, mode, completion(body, reply, finish_of(reply), created))


async def _whole(script: Script, mode: ModelMode, answer: Json) -> Response:
    if mode in ("slow", "stall"):
        await asyncio.sleep(script.settings.seconds if mode == "slow" else LONGEST_STALL_SECONDS)
    if mode == "truncate":
        choice = answer["choices"][0]
        content = choice["message"]["content"] or ""
        choice["finish_reason"] = "length"
        choice["message"]["content"] = content[: len(content) // 2]
    return JSONResponse(answer)


async def _events(
    script: Script, mode: ModelMode, body: Json, reply: ScriptedReply, created: int
) -> AsyncIterator[str]:
    settings, pieces = script.settings, 0
    for chunk in chunks(body, reply, created):
        if is_content(chunk):
            if mode == "truncate" and pieces >= settings.after_pieces:
                return
            await asyncio.sleep(_pause(mode, pieces, settings.after_pieces, settings.seconds))
            pieces += 1
        elif mode == "truncate" and pieces:
            return
        yield event(chunk)
    yield DONE


def _pause(mode: ModelMode, pieces: int, after_pieces: int, seconds: float) -> float:
    if mode == "stall" and pieces >= after_pieces:
        return LONGEST_STALL_SECONDS
    return seconds if mode == "slow" else 0


def _foreign_number(desk: Desk, text: str) -> str:
    """An invoice number of a contact none of whose invoices the text names."""
    invoices = desk.store.find("invoice", Search("type = 'ACCREC'", order="day desc, number desc"))
    named = {i["Contact"]["ContactID"] for i in invoices if i["InvoiceNumber"] in text}
    foreign = (i for i in invoices if i["Contact"]["ContactID"] not in named)
    return next((str(i["InvoiceNumber"]) for i in foreign), "INV-9999")
