"""One raced trial: a customer writes, a person takes over a moment later, on another replica."""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID, uuid4

import httpx

from tools.database import Pool
from tools.intake import queue_notice

Json = dict[str, Any]
Kind = Literal["question", "burst", "yes", "news"]

KINDS: tuple[Kind, ...] = ("question", "question", "burst", "yes", "news")
QUESTIONS = (
    "which payments have you received from us?",
    "what do I owe?",
    "which days do you deliver?",
    "how much is the 12 inch pizza box?",
)
ORDER = "600 10 inch boxes for Tampines please"
STREAMED = ["values", "messages-tuple", "updates", "custom"]
PATIENCE_SECONDS = 30.0
AGAIN_SECONDS = 0.005
NEWS: Json = {
    "kind": "payment",
    "payment": {
        "amount": "10.00",
        "invoice": "INV-1657",
        "date": "2026-11-27",
        "amount_due": "0.00",
        "currency": "SGD",
    },
}


TOLD = """
select count(*) as told from messages m join runs r using (run_id)
where r.thread_id = %s and r.notice is not null and m.role = 'ai'"""


@dataclass
class Heard:
    """What one stream of the customer's brought, in its order, and when."""

    events: list[tuple[float, str, Any]] = field(default_factory=list)
    is_whole: bool = False
    ended: float = 0.0


@dataclass
class Trial:
    """What happened in one conversation."""

    kind: Kind
    thread_id: str
    streams: list[Heard] = field(default_factory=list)
    is_taken: asyncio.Event = field(default_factory=asyncio.Event)
    taken: float = 0.0  # when the take-over was answered
    seconds: float = 0.0  # that it took
    told: bool | None = None  # whether news that waited was told after the hand-back

    @property
    def shown_after(self) -> int:
        """Pieces and answers of the assistant that follow the line that says who has joined."""
        return sum(_shown_after(stream.events) for stream in self.streams)

    @property
    def unfinished(self) -> int:
        """Streams that did not end."""
        return sum(not stream.is_whole for stream in self.streams)

    @property
    def silence_seconds(self) -> float:
        """From the answer to the take-over until every stream of before has ended."""
        return max([0.0, *(stream.ended - self.taken for stream in self.streams[:-1])])


@dataclass(frozen=True)
class People:
    """The customer and the colleague, each on any replica."""

    customers: Sequence[httpx.AsyncClient]
    colleagues: Sequence[httpx.AsyncClient]
    pool: Pool


async def play(people: People, number: int, kind: Kind, offset: float) -> Trial:
    """One trial; the customer's replica and the colleague's are by turns the same and others."""
    customer = people.customers[number % len(people.customers)]
    colleague = people.colleagues[number // 2 % len(people.colleagues)]
    thread_id = (await _post(customer, "/threads", {}))["thread_id"]
    trial = Trial(kind, thread_id)
    await _prepare(customer, trial)
    async with asyncio.TaskGroup() as group:
        group.create_task(_write(people, customer, trial, number))
        group.create_task(_take_over(colleague, trial, offset))
    if kind == "news":
        await _hand_back(people, colleague, trial)
    return trial


async def _prepare(customer: httpx.AsyncClient, trial: Trial) -> None:
    if trial.kind == "yes":
        await _said(customer, trial, ORDER)
    if trial.kind == "news":
        await _said(customer, trial, "what do I owe?")


async def _write(people: People, customer: httpx.AsyncClient, trial: Trial, number: int) -> None:
    """What is raced, and one more message that nobody but the person may answer."""
    match trial.kind:
        case "news":
            await _queue_news(people.pool, trial)
        case "yes":
            await _said(customer, trial, "yes")
        case "burst":
            question = QUESTIONS[number % len(QUESTIONS)]
            said = (question, "hello?", "and are you there?")
            await asyncio.gather(*(_said(customer, trial, text) for text in said))
        case "question":
            await _said(customer, trial, QUESTIONS[number % len(QUESTIONS)])
    await trial.is_taken.wait()
    await _said(customer, trial, "what do I owe?")


async def _take_over(colleague: httpx.AsyncClient, trial: Trial, offset: float) -> None:
    await asyncio.sleep(offset)
    path, began = f"/admin/conversations/{trial.thread_id}/take-over", time.monotonic()
    answer = await colleague.post(path, json={})
    if answer.status_code == 409:  # nothing is said there yet
        await _take_over(colleague, trial, AGAIN_SECONDS)
        return
    answer.raise_for_status()
    trial.taken, trial.seconds = time.monotonic(), time.monotonic() - began
    trial.is_taken.set()


async def _hand_back(people: People, colleague: httpx.AsyncClient, trial: Trial) -> None:
    """After it the news is told, where it was not told before the take-over."""
    path = f"/admin/conversations/{trial.thread_id}/hand-back"
    (await colleague.post(path, json={})).raise_for_status()
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end and not trial.told:
        async with people.pool.connection() as connection:
            found = await connection.execute(TOLD, [trial.thread_id])
            row = await found.fetchone() or {"told": 0}
            trial.told = row["told"] == 1
        await asyncio.sleep(0.1)


async def _queue_news(pool: Pool, trial: Trial) -> None:
    async with pool.connection() as connection, connection.transaction():
        found = await connection.execute(
            "select thread_id, scope from runs where thread_id = %s limit 1", [trial.thread_id]
        )
        about = await found.fetchone()
        if about:
            await queue_notice(connection, uuid4(), about, NEWS)


async def _said(customer: httpx.AsyncClient, trial: Trial, text: str) -> None:
    """Say something and listen to the end."""
    heard = Heard()
    trial.streams.append(heard)
    body = {
        "assistant_id": "tria",
        "input": {"messages": [{"role": "user", "content": text}]},
        "stream_mode": STREAMED,
        "stream_resumable": True,
        "on_disconnect": "continue",
    }
    path = f"/threads/{trial.thread_id}/runs/stream"
    async with customer.stream("POST", path, json=body) as answer:
        answer.raise_for_status()
        name = ""
        async for text_line in answer.aiter_lines():
            if text_line.startswith("event: "):
                name = text_line[7:]
            elif text_line.startswith("data: "):
                heard.events.append((time.monotonic(), name, json.loads(text_line[6:])))
    heard.is_whole, heard.ended = True, time.monotonic()


async def _post(client: httpx.AsyncClient, path: str, body: Json) -> Json:
    answer = await client.post(path, json=body)
    answer.raise_for_status()
    made: Json = answer.json()
    return made


def _shown_after(events: Sequence[tuple[float, str, Any]]) -> int:
    joined, shown = False, 0
    for _, name, data in events:
        if name == "messages":
            shown += joined and not _is_persons(data[0])
        elif name == "values":
            after = _after_joining(data.get("messages", []))
            joined = joined or after is not None
            shown += sum(m["type"] == "ai" and not _is_persons(m) for m in after or ())
    return shown


def _after_joining(messages: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]] | None:
    for place, message in enumerate(messages):
        if _is_persons(message) and message["additional_kwargs"]["person"].get("event"):
            return messages[place:]
    return None


def _is_persons(message: Mapping[str, Any]) -> bool:
    return bool(message.get("additional_kwargs", {}).get("person"))


def thread_ids(trials: Sequence[Trial]) -> list[UUID]:
    """Of all of them."""
    return [UUID(trial.thread_id) for trial in trials]
