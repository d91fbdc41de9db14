"""Conversations as lists show them: whose, in which state, and what was said last."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from tools.database import Pool, fetch_all
from tools.operators.attention import LAST_SAID

# Hides personal data of any JSON-like value; the names are somebody's for sure.
Hide = Callable[[Any, Sequence[str]], Any]

SNIPPET = 160  # characters
STATUSES = ("idle", "busy", "interrupted", "error")
STATUS = """case l.status when 'failed' then 'error' when 'interrupted' then 'interrupted'
  when 'queued' then 'busy' when 'running' then 'busy' else 'idle' end"""
LAST_RUN = """
select r.status, r.scope, r.focus->>'language' as language from runs r
where r.thread_id = t.thread_id and r.due_at is null order by r.turn desc limit 1"""

_ROWS = f"""
select t.thread_id, t.customer_id, t.turns, t.created_at, t.updated_at, t.person, t.assigned_to,
  t.resolution, {STATUS} as status, l.language,
  coalesce(l.scope->>'company', c.company, '') as company,
  coalesce(l.scope->>'name', c.name, '') as name,
  array(select o.contact_person from outlets o where o.bill_to = any(array(
    select id::uuid from jsonb_array_elements_text(l.scope->'contact_ids') id
    where id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'))) as contacts,
  m.role, m.content, m.created_at as said_at, m.by as said_by,
  extract(epoch from now() - coalesce(m.created_at, t.updated_at))::float as quiet_s
from unnest(%s::uuid[]) with ordinality as o(thread_id, place)
join threads t using (thread_id) left join customers c using (customer_id)
left join lateral ({LAST_RUN}) l on true left join lateral ({LAST_SAID}) m on true
order by o.place"""


@dataclass(frozen=True)
class Rows:
    """Reads the rows of some conversations. Nothing that is shown has personal data in it."""

    pool: Pool
    hide: Hide

    async def of(
        self, thread_ids: Sequence[UUID], found: Mapping[UUID, str] | None = None, around: str = ""
    ) -> list[dict[str, Any]]:
        """In the order in which they are named; what is gone is left out.

        Of a message that was `found` in a conversation a piece is shown, around a word.
        """
        if not thread_ids:
            return []
        rows = await fetch_all(self.pool, _ROWS, [list(thread_ids)])
        found = found or {}
        return [self._row(row, found.get(row["thread_id"], ""), around) for row in rows]

    def _piece(self, text: str, names: Sequence[str], around: str = "") -> str:
        """A piece of a message, around a word where it stands in it.

        It is hidden before it is cut: half of a number is not known to be one.
        """
        hidden = " ".join(str(self.hide(text, names)).split())
        at = max(hidden.casefold().find(around.casefold()) - SNIPPET // 3, 0) if around else 0
        piece = hidden[at : at + SNIPPET].strip()
        before, after = "… " if at else "", " …" if at + SNIPPET < len(hidden) else ""
        return f"{before}{piece}{after}"

    def _row(self, row: DictRow, found: str, around: str) -> dict[str, Any]:
        names = _names(row)
        speaker = {"human": "customer", "ai": row["said_by"] or "assistant"}
        shown = {
            name: row[name]
            for name in (
                *("thread_id", "customer_id", "company", "turns", "created_at", "updated_at"),
                *("person", "assigned_to", "resolution", "status", "language", "said_at"),
                "quiet_s",
            )
        }
        return shown | {
            "said": self._piece(row["content"] or "", names),
            "said_by": speaker.get(row["role"] or "", ""),
            "found": self._piece(found, names, around),
        }


def _names(row: DictRow) -> list[str]:
    """Who is named for sure; a part of a name only where the company is not called so."""
    whole, company = [row["name"], *row["contacts"]], row["company"].casefold()
    parts = [part for name in whole for part in name.split() if part.casefold() not in company]
    return list(dict.fromkeys([*whole, *parts]))
