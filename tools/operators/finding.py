"""Search over all conversations: one box that recognises what was typed.

An id or the beginning of one, a ticket, a document, else a customer's name and words of messages.
What somebody looks for may be a name: it stands in no address and no log.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import psycopg
from psycopg.rows import DictRow

from tools.conversations import SEARCH_TIMEOUT
from tools.database import Pool
from tools.operators.rows import Hide, Rows

Kind = Literal["conversation", "run", "ticket", "document", "customer", "words"]

LONGEST = 200  # characters of what is looked for
MOST = 50  # conversations
MOST_CUSTOMERS = 10
MOST_MESSAGES = 400  # the latest ones; several may be of the same conversation

ID = re.compile(r"[0-9a-f]{8}(?:-?[0-9a-f]{0,4}){0,3}-?[0-9a-f]{0,12}", re.IGNORECASE)
TICKET = re.compile(r"T-?0*(\d{1,12})", re.IGNORECASE)
DOCUMENT = re.compile(r"(INV|TRIA|CN|QU)[-_ ]?(\d{1,10})", re.IGNORECASE)

_BY_ID = """
select thread_id, 'conversation' as kind, thread_id::text as what, updated_at as at, null as content
from threads where thread_id between %(low)s and %(high)s
union all select thread_id, 'run', run_id::text, created_at, null from runs
where run_id between %(low)s and %(high)s
union all select thread_id, 'document', document_number, updated_at, null from actions
where action_id between %(low)s and %(high)s and thread_id is not null
limit 50"""
_BY_TICKET = """
select thread_id, 'ticket' as kind, 'T-' || lpad(ticket_id::text, 6, '0') as what,
  created_at as at, null as content
from tickets where ticket_id = %(ticket)s"""
# A card's own number first, then cards about it, then whoever wrote it. Zeros at its front are
# written or not.
_BY_DOCUMENT = """
with named as materialized (select thread_id, content, created_at from messages
  where search_words(content) @@ %(written)s::tsquery)
select thread_id, 'document' as kind, document_number as what, updated_at as at, null as content
from actions where document_number = any(%(numbers)s) and thread_id is not null
union all select thread_id, 'document', card->>'invoice', updated_at, null from actions
where card ? 'invoice' and card->>'invoice' = any(%(numbers)s) and thread_id is not null
union all (select thread_id, 'words', '', created_at, content from named
  where content ~* %(pattern)s order by created_at desc limit %(most)s)"""
_CUSTOMERS = """
select customer_id, company,
  (select count(*) from threads t where t.customer_id = c.customer_id) as conversations
from customers c where strpos(lower(customer_id), lower(%(asked)s)) > 0
  or strpos(lower(name), lower(%(asked)s)) > 0 or strpos(lower(company), lower(%(asked)s)) > 0
order by company limit %(customers)s"""
_BY_CUSTOMER = """
select t.thread_id, 'customer' as kind, '' as what, t.updated_at as at, null as content
from unnest(%(found)s::text[]) c(customer_id), lateral (select thread_id, updated_at from threads
  where customer_id = c.customer_id order by updated_at desc limit 10) t
order by t.updated_at desc limit 20"""
# The index alone: by age the messages would be read one by one until there are enough.
_BY_WORDS = """
with named as materialized (select thread_id, seq from messages
  where search_words(content) @@ search_query(%(asked)s)),
 latest as (select thread_id, seq from named order by seq desc limit %(most)s)
select m.thread_id, 'words' as kind, '' as what, m.created_at as at, m.content
from latest join messages m using (seq) order by seq desc"""
# What is asked changes which plan is good; to start workers takes longer than most answers.
_PLAN_ANEW = """
select set_config('plan_cache_mode', 'force_custom_plan', true),
  set_config('max_parallel_workers_per_gather', '0', true)"""


@dataclass(frozen=True)
class Hit:
    """One conversation that was found, and by what."""

    thread_id: UUID
    kind: Kind
    what: str
    at: datetime
    content: str | None


@dataclass(frozen=True)
class Found:
    """Conversations with what was found in them, and customers whose name fits."""

    rows: Sequence[dict[str, Any]]
    customers: Sequence[Mapping[str, Any]]


class Finding:
    """The search of the console."""

    def __init__(self, pool: Pool, hide: Hide) -> None:
        self._pool = pool
        self._rows = Rows(pool, hide)

    async def search(self, asked: str, limit: int = MOST) -> Found:
        """What fits: named things first, then customers, then words, the latest first."""
        asked = " ".join(asked.replace("\0", " ").split())[:LONGEST]
        if not asked:
            return Found([], [])
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute(SEARCH_TIMEOUT)
            await connection.execute(_PLAN_ANEW)
            hits, customers = await _found(connection, asked)
        return Found(await self._shown(_first_of_each(hits)[:limit], asked), customers)

    async def _shown(self, hits: Sequence[Hit], asked: str) -> list[dict[str, Any]]:
        ids, contents = (
            [hit.thread_id for hit in hits],
            {h.thread_id: h.content or "" for h in hits},
        )
        around = asked.split(maxsplit=1)[0]
        rows = {row["thread_id"]: row for row in await self._rows.of(ids, contents, around)}
        return [
            rows[hit.thread_id]
            | {
                "kind": hit.kind,
                "what": hit.what,
                "found_at": hit.at,
            }
            for hit in hits
            if hit.thread_id in rows
        ]


async def _found(
    connection: psycopg.AsyncConnection[DictRow], asked: str
) -> tuple[list[Hit], list[DictRow]]:
    async def hits_of(query: str, **values: Any) -> list[Hit]:
        rows = await (await connection.execute(query.encode(), values)).fetchall()
        return [Hit(**row) for row in rows]

    if named := _document(asked):
        return await hits_of(_BY_DOCUMENT, most=MOST_MESSAGES, **named), []
    hits: list[Hit] = []
    if span := _ids(asked):
        hits += await hits_of(_BY_ID, low=span[0], high=span[1])
    if ticket := TICKET.fullmatch(asked):
        hits += await hits_of(_BY_TICKET, ticket=int(ticket[1]))
    if hits:
        return hits, []
    values = {"asked": asked, "customers": MOST_CUSTOMERS}
    customers = await (await connection.execute(_CUSTOMERS, values)).fetchall()
    hits = await hits_of(_BY_CUSTOMER, found=[row["customer_id"] for row in customers])
    return hits + await hits_of(_BY_WORDS, asked=asked, most=MOST_MESSAGES), customers


def _first_of_each(hits: Iterable[Hit]) -> list[Hit]:
    first: dict[UUID, Hit] = {}
    for hit in hits:
        first.setdefault(hit.thread_id, hit)
    return list(first.values())


def _ids(asked: str) -> tuple[UUID, UUID] | None:
    """From the least to the greatest id that begins so."""
    digits = asked.replace("-", "").lower()
    if not ID.fullmatch(asked) or len(digits) > 32:
        return None
    return UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))


def _document(asked: str) -> dict[str, Any] | None:
    """A document's number as it may stand in cards, in the index and in messages."""
    if not (named := DOCUMENT.fullmatch(asked)):
        return None
    kind, digits = named[1].lower(), named[2].lstrip("0") or "0"
    forms = {digits, named[2], digits.zfill(4), digits.zfill(5), digits.zfill(6), digits.zfill(7)}
    words = [f"'{kind}' & '{number}' | '{kind}{number}'" for number in sorted(forms)]
    return {
        "numbers": [f"{kind.upper()}-{number}" for number in sorted(forms)],
        "written": " | ".join(words),
        "pattern": rf"(^|[^a-z0-9]){kind}[-_ ]?0*{digits}([^0-9]|$)",
    }
