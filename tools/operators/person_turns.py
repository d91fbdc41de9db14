"""Turns that a person writes: stored like answers, and worked on by nobody."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal
from uuid import UUID, uuid5

import psycopg
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from tools.errors import OperationRefused
from tools.intake import COLUMNS, ThreadMissing

Connection = psycopg.AsyncConnection[DictRow]
Event = Literal["joined", "left"]

# How far back a conversation's language and documents are looked for.
FAR = 500
SHOWN = {"stream_mode": ["values", "messages-tuple"], "stream_resumable": True}
# What the assistant needs to know when it goes on. What it asked for, what was being ordered and
# how often it misunderstood belongs to what the person has settled.
KEPT = ("language", "documents", "listed", "products")

LOCK = """
select thread_id, customer_id, person, assigned_to from threads where thread_id = %s
for no key update"""

LAST = f"""
select r.scope, coalesce((select b.focus
    from lineage(r.thread_id, r.turn, {FAR}) l join runs b using (run_id)
    where b.status in ('succeeded', 'interrupted') and b.answered_by is null and b.focus <> '{{}}'
    order by l.turn desc limit 1), '{{}}') as focus
from runs r where r.thread_id = %s and r.due_at is null order by r.turn desc limit 1"""

ADD_TURN = f"""
with counted as (update threads set turns = turns + 1, updated_at = now()
  where thread_id = %(thread_id)s returning thread_id, turns)
insert into runs (run_id, thread_id, turn, after_turn, graph_thread, request, scope, focus,
  status, for_person)
select %(run_id)s, thread_id, turns, last_turn(thread_id), thread_id || ':' || turns, %(request)s,
  %(scope)s, %(focus)s, 'succeeded', true from counted
returning {COLUMNS}"""

ADD_WORDS = """
insert into messages (message_id, thread_id, run_id, role, content, extra)
values (%(message_id)s, %(thread_id)s, %(run_id)s, 'ai', %(content)s, %(extra)s)"""


@dataclass(frozen=True)
class Person:
    """Who works on conversations. One who leads others may take one from them."""

    staff_id: str
    name: str
    leads: bool = False


@dataclass(frozen=True)
class Words:
    """What a turn of a person says. `event` marks that they came or went."""

    run_id: UUID
    content: str
    event: Event | None = None


async def locked(connection: Connection, thread_id: UUID) -> DictRow:
    """The conversation: whatever comes in waits until this transaction is over."""
    thread = await (await connection.execute(LOCK, [thread_id])).fetchone()
    if thread is None:
        raise ThreadMissing
    return thread


async def last_of(connection: Connection, thread_id: UUID) -> DictRow:
    """Who the customer is, as their sign-in said last, and what the conversation is about."""
    last = await (await connection.execute(LAST, [thread_id])).fetchone()
    if last is None:
        raise OperationRefused("Nothing was said here yet: wait for the customer's first message.")
    return last


async def found(connection: Connection, run_id: UUID) -> DictRow | None:
    """A turn that is there already, because the button was pressed twice."""
    return await (
        await connection.execute(f"select {COLUMNS} from runs where run_id = %s", [run_id])
    ).fetchone()


async def add_turn(
    connection: Connection, thread_id: UUID, last: Mapping[str, Any], person: Person, words: Words
) -> DictRow:
    """Store what a person says as the conversation's last turn."""
    focus = {key: last["focus"][key] for key in KEPT if key in last["focus"]}
    values = {
        "run_id": words.run_id,
        "thread_id": thread_id,
        "request": Jsonb(SHOWN),
        "scope": Jsonb(last["scope"]),
        "focus": Jsonb(focus | {"misunderstood": 0} if words.event == "left" else {}),
        "message_id": str(uuid5(words.run_id, "answer")),
        "content": words.content,
        "extra": Jsonb({"person": who(person, words.event)}),
    }
    turn = await (await connection.execute(ADD_TURN, values)).fetchone()
    if turn is None:
        raise ThreadMissing
    await connection.execute(ADD_WORDS, values)
    return turn


def who(person: Person, event: Event | None = None) -> dict[str, str]:
    """A person as the customer sees them."""
    return {"name": person.name} | ({"event": event} if event else {})


def line(event: Event, language: str, name: str) -> str:
    """What the customer reads when a person comes or goes."""
    wordings = _lines()[event]
    return wordings.get(language, wordings["en"]).format(name=name)


@cache
def _lines() -> Mapping[str, Mapping[str, str]]:
    text = (resources.files("tools.operators") / "lines.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
