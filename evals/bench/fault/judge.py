"""Holds what the clients saw against what is stored: nothing lost, nothing twice, no gap."""

import asyncio
import itertools
import statistics
import time
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg

from evals.bench.fault.cluster import Cluster
from evals.bench.fault.history import Turn, content_of, place
from evals.bench.fault.load import Conversation, messages_of
from evals.bench.fault.overheard import Overheard
from evals.bench.fault.strikes import Blow
from graph.public import answer_id

QUIET_SECONDS = 120.0
OPEN = "select count(*) from runs where status in ('queued', 'running')"
STORED = (
    "select m.message_id, r.run_id::text, r.status, r.error,"
    " array(select a.content from messages a where a.run_id = r.run_id and a.role = 'ai')"
    " from messages m join runs r on r.run_id = m.run_id where m.role = 'human'"
)
# Turns that nobody asked for: how a card ended.
NEWS = "select run_id::text from runs where notice is not null"


@dataclass(frozen=True)
class Stored:
    """What the database says of one message."""

    run_id: str
    status: str
    error: str | None
    answers: Sequence[str]


@dataclass(frozen=True)
class Verdict:
    """Each list names the messages it is about."""

    acknowledged: int
    lost: list[str]
    doubled: list[str]
    gaps: list[str]


async def quiet(cluster: Cluster) -> bool:
    """Wait until no run waits or runs; False when that takes too long."""
    end = time.monotonic() + QUIET_SECONDS
    while time.monotonic() < end:
        with psycopg.connect(cluster.database_url) as connection:
            row = connection.execute(OPEN).fetchone()
        if row and row[0] == 0:
            return True
        await asyncio.sleep(0.2)
    return False


async def judge(cluster: Cluster, conversations: Sequence[Conversation]) -> Verdict:
    """Look at every message that was sent."""
    stored = _stored(cluster)
    turns = [turn for conversation in conversations for turn in conversation.turns]
    seen = await _seen(conversations, _news(cluster))
    acknowledged = [turn for turn in turns if turn.is_acknowledged]
    lost = [_named(t, stored) for t in acknowledged if not _answers(t, stored)]
    lost += [
        f"{t.message_id} not seen"
        for t in acknowledged
        if _answers(t, stored) and not seen[t.message_id]
    ]
    doubled = [_named(t, stored) for t in turns if len(_answers(t, stored)) > 1]
    doubled += [
        f"{t.message_id} seen twice"
        for t in turns
        if len(_answers(t, stored)) == 1 and seen[t.message_id] > 1
    ]
    gaps = [
        f"{turn.message_id} {fault}"
        for turn in acknowledged
        if (fault := await _gap(cluster, conversations, turn, _answers(turn, stored)))
    ]
    return Verdict(len(acknowledged), lost, doubled, gaps)


def takeovers(blows: Iterable[Blow], turns: Mapping[str, Turn]) -> list[float]:
    """Seconds from a blow to the first event of another process, for every turn that it held."""
    found = []
    for blow in blows:
        for run_id in blow.run_ids:
            begun = turns[run_id].attempts if run_id in turns else []
            later = [at for at in begun if at >= blow.at_ms]
            if later:
                found.append((later[0] - blow.at_ms) / 1000)
    return found


def quantile(values: Sequence[float], share: float) -> float | None:
    """The value that a share of them does not exceed."""
    if not values:
        return None
    if len(values) == 1:
        return round(values[0], 2)
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return round(cuts[round(share * 100) - 1], 2)


def _stored(cluster: Cluster) -> dict[str, Stored]:
    with psycopg.connect(cluster.database_url) as connection:
        return {row[0]: Stored(*row[1:]) for row in connection.execute(STORED).fetchall()}


def _answers(turn: Turn, stored: Mapping[str, Stored]) -> Sequence[str]:
    return stored[turn.message_id].answers if turn.message_id in stored else []


def _named(turn: Turn, stored: Mapping[str, Stored]) -> str:
    found = stored.get(turn.message_id)
    why = f"{found.status} {found.error} {len(found.answers)}" if found else "not stored"
    return f"{turn.message_id} {why}"


def _news(cluster: Cluster) -> set[str]:
    """The ids of the answers that are news."""
    with psycopg.connect(cluster.database_url) as connection:
        return {answer_id(row[0]) for row in connection.execute(NEWS).fetchall()}


async def _seen(conversations: Sequence[Conversation], news: Set[str]) -> dict[str, int]:
    """How many answers stand after each message in its client's view.

    A state shows the last fifty messages: of what stands before them the stream is the view.
    """
    counts = {t.message_id: int(bool(t.answer)) for c in conversations for t in c.turns}
    for conversation in conversations:
        messages = [m for m in await messages_of(conversation) if m["id"] not in news]
        asked = [n for n, message in enumerate(messages) if message["type"] == "human"]
        for n, end in zip(asked, [*asked[1:], len(messages)], strict=True):
            counts[messages[n]["id"]] = end - n - 1
    return counts


async def _gap(
    cluster: Cluster, conversations: Sequence[Conversation], turn: Turn, answers: Sequence[str]
) -> str | None:
    """What is wrong with what this turn's client was shown, if anything."""
    if not turn.is_in_order:
        return f"ids out of order: {_first_out_of_order(turn)}"
    if len(answers) == 1 and answers[0] not in (turn.spoken, turn.answer):
        return "the text is not the answer"
    return turn.missed(await _replay(cluster, conversations, turn))


def _first_out_of_order(turn: Turn) -> str:
    pairs = itertools.pairwise(turn.ids)
    return next(f"{b} after {a}" for a, b in pairs if place(a) >= place(b))


async def _replay(
    cluster: Cluster, conversations: Sequence[Conversation], turn: Turn
) -> dict[str, str]:
    """The whole stream, ids to contents, read again afterwards; empty where the log is gone."""
    headers = next(c.headers for c in conversations if c.thread_id == turn.thread_id)
    url = f"{cluster.url}/threads/{turn.thread_id}/runs/{turn.run_id}/stream"
    whole: dict[str, str] = {}

    def note(event: str, data: Any, event_id: str | None) -> None:
        if event_id:
            whole[event_id] = content_of(event, data)

    sent = {**headers, "Last-Event-ID": "-1"}
    async with httpx.AsyncClient(headers=sent, transport=Overheard(note)) as client:
        await client.get(url, timeout=30)
    return whole
