"""What a chat client does: sends a message or a card's button, and follows the answer."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast
from uuid import uuid4

import httpx
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient
from langgraph_sdk.errors import APIStatusError
from langgraph_sdk.schema import Input, StreamMode, StreamPart

from evals.outcome import Stream, Turn

MODES: list[StreamMode] = ["messages-tuple", "values"]
RUN_SECONDS = 120.0
WORDS = {"confirm": "Yes", "decline": "No"}
Said = dict[str, Any]  # one message of the protocol


@dataclass(frozen=True)
class Speaker:
    """A signed-in customer with a client of LangGraph's own SDK."""

    customer_id: str
    url: str
    headers: dict[str, str]
    client: LangGraphClient


@asynccontextmanager
async def speaking(url: str, customer_id: str) -> AsyncIterator[Speaker]:
    """A demo customer who is signed in."""
    async with httpx.AsyncClient(base_url=url, timeout=30) as http:
        answer = await http.post("/demo/sign-in", json={"customer_id": customer_id})
    answer.raise_for_status()
    headers = {"Authorization": f"Bearer {answer.json()['token']}"}
    async with get_client(url=url, headers=headers, timeout=RUN_SECONDS) as client:
        yield Speaker(customer_id, url, headers, client)


def message(text: str) -> Said:
    """Something said."""
    return {"role": "user", "content": text}


def pressed(button: str, card: dict[str, Any]) -> Said:
    """A card's button."""
    answer = {"action_id": card["action_id"], "hash": card["hash"], "decision": button}
    return message(WORDS[button]) | {"additional_kwargs": {"action": answer}}


async def say(who: Speaker, thread_id: str, said: Said) -> Turn:
    """Send it and follow the stream to its end; a refusal or a broken stream is in the turn."""
    turn, started = Turn(said=str(said["content"])), time.monotonic()
    follow = _Following(turn.stream, started)
    try:
        async for part in who.client.runs.stream(
            thread_id, "tria", input=_input(said), stream_mode=MODES
        ):
            follow.note(part)
    except APIStatusError as refusal:
        turn.refused = refusal.status_code
    except httpx.HTTPError as error:
        turn.error = f"the stream broke: {type(error).__name__}"
    turn.stream.total_ms = _ms(started)
    turn.run_id, turn.error = follow.run_id, follow.error or turn.error
    return turn


class _Following:
    """Takes a stream's events in."""

    def __init__(self, stream: Stream, started: float) -> None:
        self._stream, self._started = stream, started
        self._last_id = ""
        self.run_id: str | None = None
        self.error: str | None = None

    def note(self, part: StreamPart) -> None:
        """One event."""
        stream = self._stream
        if stream.first_event_ms is None:
            stream.first_event_ms = _ms(self._started)
        if not stream.events or stream.events[-1] != part.event:
            stream.events.append(part.event)
        self._note_id(part.id)
        if part.event == "metadata":
            self.run_id = part.data["run_id"]
        elif part.event == "messages":
            self._note_text(part.data[0])
        elif part.event == "error":
            self.error = str(part.data)

    def _note_text(self, chunk: dict[str, Any]) -> None:
        if chunk["type"] != "AIMessageChunk" or not chunk["content"]:
            return
        if self._stream.first_text_ms is None:
            self._stream.first_text_ms = _ms(self._started)
        self._stream.pieces += 1
        self._stream.text += chunk["content"]

    def _note_id(self, event_id: str | None) -> None:
        if event_id and self._last_id and _place(event_id) <= _place(self._last_id):
            self._stream.ids_ordered = False
        self._last_id = event_id or self._last_id


async def say_twice(who: Speaker, thread_id: str, said: Said) -> Turn:
    """Send it twice at once under one idempotency key, and wait for the end."""
    body = {"assistant_id": "tria", "input": {"messages": [said]}}
    headers = who.headers | {"Idempotency-Key": str(uuid4())}
    turn, started = Turn(said=str(said["content"])), time.monotonic()
    async with httpx.AsyncClient(base_url=who.url, headers=headers, timeout=RUN_SECONDS) as http:
        sent = [http.post(f"/threads/{thread_id}/runs", json=body) for _ in range(2)]
        answers = await asyncio.gather(*sent)
    if any(answer.is_error for answer in answers):
        turn.refused = max(answer.status_code for answer in answers)
        return turn
    runs = [answer.json()["run_id"] for answer in answers]
    turn.is_twice_same = len(set(runs)) == 1
    turn.run_id = runs[0]
    for run in dict.fromkeys(runs):
        await who.client.runs.join(thread_id, run)
    turn.stream.total_ms = _ms(started)
    return turn


def _input(said: Said) -> Input:
    return cast(Input, {"messages": [said]})


def _place(event_id: str) -> tuple[int, ...]:
    return tuple(int(part) for part in event_id.split("-") if part.isdigit())


def _ms(started: float) -> float:
    return round((time.monotonic() - started) * 1000, 1)
