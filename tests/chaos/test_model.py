"""A model whose streams end in ways that its API does not name: none of them is an answer."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from langchain_core.messages import HumanMessage

from tools.errors import BackendUnavailable
from tools.model.client import LONGEST_REPLY_TOKENS, Bounds, Model

SAID = "You owe"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


def piece(text: str = "", finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    told = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return f"data: {json.dumps(told | {'choices': [choice]})}\n\n".encode()


ENDS = {
    "a clean end without a reason": piece(SAID),
    "length": piece(SAID) + piece(finish="length") + b"data: [DONE]\n\n",
    "a filter": piece(SAID) + piece(finish="content_filter") + b"data: [DONE]\n\n",
    "an error event": piece(SAID) + b'data: {"error": {"message": "overloaded"}}\n\n',
    "no JSON": piece(SAID) + b'data: {"id": "x", \n\n',
    "no UTF-8": piece(SAID) + b'data: {"id": "\xff\xfe"}\n\n',
}


@asynccontextmanager
async def served(answer: bytes) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that answers every request with these bytes; its address and what it was asked."""
    asked: list[bytes] = []

    async def answer_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        asked.append(await reader.readexactly(length))
        writer.write(HEAD + answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer_one, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", asked


async def listen(model: Model, heard: list[str]) -> None:
    async for text in model.stream([HumanMessage("what do I owe?")]):
        heard.append(text)  # noqa: PERF401 (a failure would take them along)


# T16, T17, T18
@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS.keys())
async def test_what_breaks_off_is_a_failure_after_one_call(end: bytes) -> None:
    async with served(end) as (url, asked):
        model = Model("a key", url, "gpt-4.1-mini", Bounds(reply=3, first_token=3))
        heard: list[str] = []
        with pytest.raises(BackendUnavailable):
            await listen(model, heard)
        await model.aclose()
    assert "".join(heard) == SAID
    [body] = asked  # what was passed on is never begun anew
    assert json.loads(body)["max_completion_tokens"] == LONGEST_REPLY_TOKENS
