"""The shapes in which an OpenAI-compatible service answers."""

import json
import re
import uuid
from collections.abc import Iterator

from tools.sandbox.openai.settings import ScriptedReply
from tools.sandbox.store import Json

DONE = "data: [DONE]\n\n"
_PIECES = re.compile(r"\s*\S+\s*$|\s*\S+(?=\s)")


def completion(body: Json, reply: ScriptedReply, finish: str, created: int) -> Json:
    """The answer to a request that did not ask for a stream."""
    message: Json = {"role": "assistant", "content": reply.content, "refusal": None}
    if reply.tool_calls:
        message["tool_calls"] = _tool_calls(reply)
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
    head = _head(body, "chat.completion", created)
    return {**head, "choices": [choice], "usage": usage(body, reply)}


def chunks(body: Json, reply: ScriptedReply, created: int) -> Iterator[Json]:
    """The chunks of a stream: role, pieces of the content or tool calls, the finish reason."""
    head = _head(body, "chat.completion.chunk", created)
    if (body.get("stream_options") or {}).get("include_usage"):
        head["usage"] = None
    yield _chunk(head, {"role": "assistant", "content": "", "refusal": None})
    for piece in _PIECES.findall(reply.content or ""):
        yield _chunk(head, {"content": piece})
    for index, call in enumerate(_tool_calls(reply)):
        yield _chunk(head, {"tool_calls": [{"index": index, **call}]})
    yield _chunk(head, {}, finish_of(reply))
    if "usage" in head:
        yield {**head, "choices": [], "usage": usage(body, reply)}


def is_content(chunk: Json) -> bool:
    """Whether a chunk carries words or a tool call."""
    deltas = [choice["delta"] for choice in chunk["choices"]]
    return any(delta.get("content") or "tool_calls" in delta for delta in deltas)


def event(chunk: Json) -> str:
    """A chunk as a server-sent event."""
    return f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n"


def finish_of(reply: ScriptedReply) -> str:
    """Why a whole reply ended."""
    return "tool_calls" if reply.tool_calls else "stop"


def usage(body: Json, reply: ScriptedReply) -> Json:
    """Tokens, taken to be words."""
    asked = len(json.dumps(body.get("messages", body.get("input", ""))).split())
    said = len((reply.content or "").split()) + len(reply.tool_calls)
    return {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}


def error(message: str, kind: str, code: str) -> Json:
    """The body of a refusal."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def _head(body: Json, kind: str, created: int) -> Json:
    return {
        "id": f"chatcmpl-{uuid.uuid4().hex}",
        "object": kind,
        "created": created,
        "model": body.get("model", "sandbox-chat"),
        "system_fingerprint": "fp_sandbox",
    }


def _chunk(head: Json, delta: Json, finish: str | None = None) -> Json:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return {**head, "choices": [choice]}


def _tool_calls(reply: ScriptedReply) -> list[Json]:
    return [
        {
            "id": f"call_{uuid.uuid4().hex[:24]}",
            "type": "function",
            "function": {"name": call.name, "arguments": _written(call.arguments)},
        }
        for call in reply.tool_calls
    ]


def _written(arguments: Json | str) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments)
