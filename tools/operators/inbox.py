"""The inbox: conversations that need a person now, most urgent first, and why."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow
from typing_extensions import override

from tools.audit import note
from tools.database import Pool, fetch_all, fetch_one
from tools.operators.attention import ITEMS, REASONS, Reason
from tools.operators.rows import LAST_RUN, Hide, Rows
from tools.synthetic import CUSTOMER

PAGE = 50

# Language and customer are looked at only where they are asked for: `l` costs a look-up each.
_LANGUAGE = f"""(%(language)s::text is null or %(language)s = (
  select l.language from ({LAST_RUN}) l))"""
_WANTED = f"""
with items as materialized ({ITEMS}),
 needed as (select thread_id, min(step) as step, (array_agg(due order by step, due))[1] as due,
   array_agg(distinct reason) as reasons,
   bool_or(coalesce(%(level)s = any(levels), false)) as is_of_level
  from items group by thread_id),
 wanted as materialized (select n.* from needed n join threads t using (thread_id)
  where t.customer_id <> '{CUSTOMER}' and (%(level)s::integer is null or n.is_of_level)
   and (%(customer)s::text is null or t.customer_id = %(customer)s)
   and (%(mine)s::text is null or t.assigned_to = %(mine)s or t.person->>'staff_id' = %(mine)s)
   and (not %(unassigned)s or t.assigned_to is null and t.person is null)
   and {_LANGUAGE}),
 page as (select * from wanted
  where (%(reason)s::text is null or %(reason)s = any(reasons))
   and (%(step)s::integer is null
    or (step, due, thread_id) > (%(step)s, %(due)s::timestamptz, %(thread_id)s::uuid))
  order by step, due, thread_id limit %(limit)s + 1)
select (select coalesce(jsonb_object_agg(reason, many), '{{}}') from (
   select reason, count(*) as many from wanted, unnest(reasons) reason group by reason) c
  ) as counts,
  (select count(*) from wanted) as total,
  array(select thread_id from page order by step, due, thread_id) as threads,
  array(select step from page order by step, due, thread_id) as steps,
  array(select due from page order by step, due, thread_id) as dues"""
_REASONS = f"""
select i.*, extract(epoch from now() - i.since)::float as age_s,
  extract(epoch from i.due - now())::float as left_s
from ({ITEMS}) i where i.thread_id = any(%s) order by i.step, i.due"""


@dataclass(frozen=True)
class Key:
    """Where a page of the inbox ends, and the next one begins."""

    step: int
    due: datetime
    thread_id: UUID

    @override
    def __str__(self) -> str:
        return f"{self.step}_{self.due.isoformat()}_{self.thread_id}"

    @classmethod
    def read(cls, text: str) -> "Key":
        """From how it stands in an address; ValueError for what is none."""
        step, due, thread_id = text.split("_")
        return cls(int(step), datetime.fromisoformat(due), UUID(thread_id))


@dataclass(frozen=True)
class Wish:
    """Which of it somebody wants to see. `mine` is the id of who asks for their own."""

    reason: Reason | None = None
    level: int | None = None
    mine: str | None = None
    is_unassigned: bool = False
    language: str | None = None
    customer: str | None = None


@dataclass(frozen=True)
class InboxPage:
    """Rows with their reasons, how many there are for each reason, and where it goes on."""

    rows: Sequence[dict[str, Any]]
    counts: Mapping[str, int]
    total: int
    following: Key | None


class Inbox:
    """Reads what needs a person. It keeps nothing: whatever process asks sees the same."""

    def __init__(self, pool: Pool, hide: Hide) -> None:
        self._pool = pool
        self._rows = Rows(pool, hide)

    async def page(
        self, wish: Wish | None = None, after: Key | None = None, limit: int = PAGE
    ) -> InboxPage:
        """The most urgent conversations that are wanted, after a key if one is given."""
        found = await fetch_one(self._pool, _WANTED, _values(wish or Wish(), after, limit))
        assert found is not None  # noqa: S101 (a statement without a table has one row)
        keys = list(map(Key, found["steps"], found["dues"], found["threads"]))
        rows = await self._with_reasons(keys[:limit])
        counts: dict[str, int] = {reason: found["counts"].get(reason, 0) for reason in REASONS}
        following = keys[limit - 1] if len(keys) > limit else None
        return InboxPage(rows, counts, found["total"], following)

    async def of_thread(self, thread_id: UUID) -> list[DictRow]:
        """Why one conversation needs a person."""
        return await fetch_all(self._pool, _REASONS, [[thread_id]])

    async def seen(self, thread_id: UUID, through: datetime, staff_id: str) -> bool:
        """Take moods and doubts up to a moment out of the inbox: somebody has looked at them.

        What else needs a person stays until it is done. False for a conversation that is not there.
        """
        async with self._pool.connection() as connection, connection.transaction():
            found = await connection.execute(
                "select seen_at from threads where thread_id = %s for no key update", [thread_id]
            )
            if (row := await found.fetchone()) is None:
                return False
            if row["seen_at"] is None or row["seen_at"] < through:
                await connection.execute(
                    "update threads set seen_at = %s, seen_by = %s where thread_id = %s",
                    [through, staff_id, thread_id],
                )
                await note(connection, staff_id, "conversation.seen", str(thread_id))
        return True

    async def _with_reasons(self, keys: Sequence[Key]) -> list[dict[str, Any]]:
        ids = [key.thread_id for key in keys]
        if not ids:
            return []
        reasons: dict[UUID, list[DictRow]] = defaultdict(list)
        for row in await fetch_all(self._pool, _REASONS, [ids]):
            reasons[row["thread_id"]].append(row)
        rows = {row["thread_id"]: row for row in await self._rows.of(ids)}
        return [
            rows[key.thread_id]
            | {"step": key.step, "due": key.due, "reasons": reasons[key.thread_id]}
            for key in keys
            if key.thread_id in rows
        ]


def _values(wish: Wish, after: Key | None, limit: int) -> dict[str, Any]:
    return {
        **{name: getattr(wish, name) for name in ("reason", "level", "mine", "language")},
        "customer": wish.customer,
        "unassigned": wish.is_unassigned,
        "step": after and after.step,
        "due": after and after.due,
        "thread_id": after and after.thread_id,
        "limit": limit,
    }
