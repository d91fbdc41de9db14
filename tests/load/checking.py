"""Holds what is stored, what stands in the books and what customers saw against each other."""

import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg
from psycopg.rows import class_row

from tests.load.stand import SECRET, Stand
from tests.load.talks import Told
from tools.sandbox.company import contact_id

QUIET_SECONDS = 60.0
OURS = "TRIA-"
NOTHING_LEFT = ("streams_active", "runs_active", "db_pool_waiting")
POOLED = ("connections", "redis_clients")  # which stay open for the next ones
KEPT_FILES = 10  # to Xero and the model, for a few seconds
NUMBER = re.compile(r"\b(?:INV|TRIA)-\d+\b")
ENDED = ("succeeded", "interrupted", "failed", "cancelled")
# What nobody has to do anything for: runs that are not for later, cards that wait for no person.
OPEN = """
select (select count(*) from runs where status in ('queued', 'running') and due_at is null)
  + (select count(*) from actions where status in ('confirmed', 'approved')
     and (approval_level is null or status = 'approved'))"""
TURNS = """
select m.message_id, r.status, array(select a.content from messages a
  where a.run_id = r.run_id and a.role = 'ai') as answers
from messages m join runs r using (run_id) where m.role = 'human'"""
WRITES = """
select a.action_id::text as action, a.status as card, a.customer_id as customer, w.target,
  w.status, (select count(*) from audit where subject = a.action_id::text
    and event = 'action.confirmed') as confirmed, (select count(*) from audit
    where subject = a.action_id::text and event = 'action.committed') as committed
from actions a join action_writes w using (action_id) where w.operation = 'create_invoice'"""


@dataclass(frozen=True)
class Stored:
    """A message, what became of its run, and the answers to it."""

    message_id: str
    status: str
    answers: list[str]


@dataclass(frozen=True)
class Write:
    """An invoice that a card would write, or has written."""

    action: str
    card: str
    customer: str
    target: str
    status: str
    confirmed: int
    committed: int


@dataclass(frozen=True)
class Ended:
    """Everything after a scenario; `books` are the invoices' numbers and whose they are."""

    open_runs: int
    stored: Mapping[str, Stored]
    writes: Sequence[Write]
    books: Sequence[tuple[str, str]]
    log: str


def ended(stand: Stand) -> Ended:
    """Wait until nothing is under way, at most for a minute, and look."""
    with psycopg.connect(stand.database, autocommit=True) as connection:
        open_runs = _quiet(connection)
        turns = connection.cursor(row_factory=class_row(Stored)).execute(TURNS).fetchall()
        writes = connection.cursor(row_factory=class_row(Write)).execute(WRITES).fetchall()
    found: list[Any] = httpx.get(f"{stand.sandbox}/control/invoices", timeout=120).json()
    books = [(each["InvoiceNumber"], each["Contact"]["ContactID"]) for each in found]
    stored = {turn.message_id: turn for turn in turns}
    return Ended(open_runs, stored, writes, books, stand.log.read_text(errors="replace"))


def _quiet(connection: "psycopg.Connection[Any]") -> int:
    end = time.monotonic() + QUIET_SECONDS
    while True:
        row = connection.execute(OPEN).fetchone()
        if not (row and row[0]) or time.monotonic() > end:
            return int(row[0]) if row else 0
        time.sleep(0.5)


def violations(found: Ended, turns: Sequence[Told]) -> dict[str, list[str]]:
    """What must never be, by name; an empty list is a promise that was kept."""
    broken: dict[str, list[str]] = {
        "unfinished": [f"{found.open_runs} runs or cards"] if found.open_runs else [],
        "lost": [t.message_id for t in turns if t.is_acknowledged and _is_lost(found, t)],
        "doubled": [m.message_id for m in found.stored.values() if len(m.answers) > 1],
        "other_text": [t.message_id for t in turns if _is_other_text(found, t)],
        "gaps": [f"{t.message_id} {t.gap}" for t in turns if t.gap],
        "books": list(_books(found)),
        "without_yes": [w.target for w in found.writes if w.status == "done" and not w.confirmed],
        "trail": [w.target for w in found.writes if w.card == "committed" and w.committed != 1],
        "foreign": list(_foreign(found, turns)),
        "secrets": ["in the log of the service"] if SECRET in found.log else [],
    }
    return broken


def left_over(before: Mapping[str, float], after: Mapping[str, float]) -> list[str]:
    """What the service holds on to although nobody talks to it any more, by two samples of it."""
    found = [f"{name} is {after[name]:g}" for name in NOTHING_LEFT if after.get(name, 0)]
    open_before, open_after = (
        sample.get("service_files", 0) - sum(sample.get(each, 0) for each in POOLED)
        for sample in (before, after)
    )
    if open_after > open_before + KEPT_FILES:
        found.append(f"{open_after:g} files are open, and {open_before:g} were before")
    return found


def _is_lost(found: Ended, told: Told) -> bool:
    """Whether an acknowledged message has not come to an end, or its answer is nowhere."""
    stored = found.stored.get(told.message_id)
    if stored is None or stored.status not in ENDED:
        return True
    return told.is_answered and not stored.answers


def _is_other_text(found: Ended, told: Told) -> bool:
    stored = found.stored.get(told.message_id)
    if not told.is_answered or stored is None or not stored.answers:
        return False
    return stored.answers[0] not in (told.answer, told.spoken)


def _books(found: Ended) -> Iterator[str]:
    """Each written invoice stands there once, and for its customer; nothing else of ours does."""
    count = Counter(number for number, _ in found.books)
    owners = dict(found.books)
    for write in found.writes:
        wanted = int(write.status == "done")
        if count[write.target] != wanted:
            yield f"{write.target} is {write.status} and stands there {count[write.target]} times"
        elif wanted and owners[write.target] != contact_id(write.customer):
            yield f"{write.target} is not of {write.customer}"
    known = {write.target for write in found.writes}
    for number in count:
        if number.startswith(OURS) and number not in known:
            yield f"{number} has no card"


def _foreign(found: Ended, turns: Sequence[Told]) -> Iterator[str]:
    """Documents that somebody was told of and that are another customer's."""
    owners = dict(found.books)
    for told in turns:
        own = contact_id(told.customer)
        for number in NUMBER.findall(f"{told.spoken} {told.answer}"):
            if owners.get(number, own) != own:
                yield f"{told.message_id} names {number}"
