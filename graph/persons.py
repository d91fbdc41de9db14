"""What a person does in a conversation, and how those who follow it see that at once.

Postgres decides; the streams only tell. Whoever misses an event here is shown the same from the
table.
"""

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson
from psycopg.rows import DictRow

from graph.clients import Clients
from graph.part_counts import count_ended
from graph.progress import Progress
from graph.public import chunk_json, public_values
from monitoring import metrics
from tools.conversations import Message
from tools.operators.person_turns import Person
from tools.operators.replies import Replies
from tools.operators.takeover import Change, Runs, Takeovers
from tools.streams.closing import Closing

NODE = "person"  # stands where a node's name does in the events of what a person wrote


async def take_over(clients: Clients, thread_id: UUID, person: Person) -> Change:
    """Give the conversation to a person. What the assistant was saying ends where it is.

    The streams of the runs that end are taken from their workers before the take-over is final, so
    nothing of an answer follows the line that says who has joined.
    """
    taken: list[tuple[DictRow, Closing]] = []

    async def silence(ended: Runs) -> None:
        closings = [clients.events.take(run["run_id"], run["updated_at"]) for run in ended]
        taken.extend(zip(ended, await asyncio.gather(*closings), strict=True))

    change = await Takeovers(clients.pool, count_ended).take_over(thread_id, person, silence)
    if change.turn:
        messages = await _show(clients, change.turn)
        for run, closing in taken:
            metrics.TURNS.labels("cancelled").inc()
            await closing.end(_last_events(run, messages))
    return change


async def reply(
    clients: Clients, thread_id: UUID, content: str, person: Person, once: UUID
) -> Change:
    """Say something to the customer in a person's name."""
    change = await Replies(clients.pool).reply(thread_id, content, person, once)
    if change.turn:
        await _show(clients, change.turn)
    return change


async def hand_back(
    clients: Clients, thread_id: UUID, person: Person, once: UUID, resolution: str = ""
) -> Change:
    """Let the assistant answer again. News that waited is told by the next sweep."""
    takeovers = Takeovers(clients.pool, count_ended)
    change = await takeovers.hand_back(thread_id, person, once, resolution)
    if change.turn:
        await _show(clients, change.turn)
    return change


async def show_unanswered(clients: Clients, run: DictRow) -> None:
    """End the stream of a message that a person will answer: it has been received."""
    progress = await _progress(clients, run)
    await progress.begin(set())
    await progress.show_values()
    await progress.end([])
    await clients.events.flushed(run["run_id"])


async def show_abandoned(clients: Clients, was: DictRow, run: DictRow) -> None:
    """Tell whoever follows a conversation how a turn ended that nobody works on any more.

    `was` is the run before that. A worker that hangs in it may wake up: its stream is taken.
    """
    messages = await clients.conversations.window(run["thread_id"])
    if was["status"] in ("running", "queued"):
        metrics.TURNS.labels("cancelled").inc()
    if was["status"] == "running":
        closing = await clients.events.take(run["run_id"], run["updated_at"])
        await closing.end(_values_of(run, messages))
        return
    await clients.events.forget(run["run_id"])  # what its attempts told was no answer
    again = {**run, "attempts": run["attempts"] + 1}
    progress = Progress(run=again, events=clients.events, messages=messages)
    await progress.begin(set())
    await progress.show_values()
    await progress.end([])
    await clients.events.flushed(run["run_id"])


async def _show(clients: Clients, turn: DictRow) -> list[Message]:
    """Tell whoever follows the conversation what a person wrote; all that was said until then."""
    progress = await _progress(clients, turn)
    await progress.begin(set())
    await progress.publish("messages", _piece(turn, progress.messages[-1]))
    await progress.show_values()
    await progress.end([])
    return progress.messages


async def _progress(clients: Clients, run: DictRow) -> Progress:
    messages = await clients.conversations.window(run["thread_id"], through_turn=run["turn"])
    return Progress(run=run, events=clients.events, messages=messages)


def _last_events(run: Mapping[str, Any], messages: list[Message]) -> list[tuple[str, str]]:
    """Who has joined, in a form that the client of this run asked for."""
    if "messages-tuple" in run["request"]["stream_mode"]:
        return _values_of(run, messages) or [_event("messages", _piece(run, messages[-1]))]
    return _values_of(run, messages)


def _values_of(run: Mapping[str, Any], messages: list[Message]) -> list[tuple[str, str]]:
    is_wanted = "values" in run["request"]["stream_mode"]
    return [_event("values", public_values({}, messages))] if is_wanted else []


def _event(name: str, data: object) -> tuple[str, str]:
    return name, orjson.dumps(data, default=str).decode()


def _piece(run: Mapping[str, Any], message: Message) -> list[dict[str, Any]]:
    """The whole message as one piece of text, with whose it is."""
    person = message["extra"]["person"]
    chunk = chunk_json(message["message_id"], message["content"])
    chunk |= {"name": person["name"], "additional_kwargs": {"person": person}}
    about = {name: run[name] for name in ("run_id", "thread_id")} | {"langgraph_node": NODE}
    return [chunk, about]
