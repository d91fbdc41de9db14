"""Whether a conversation's matter is settled: the one rule, and who applies it.

confirmed: the customer said so, by the survey, a thumb on the last answer, or thanks. assumed: it
has been quiet since an answer and nothing is open. reopened: it was settled, and the customer came
back about the same. open: everything else. `threads.resolution` holds it.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import DictRow

from tools.database import Pool
from tools.rules import load_rules

OnResolved = Callable[[str], None]  # told what a conversation's matter has become

BATCH = 200  # conversations of one sweep
AGAIN_MINUTES = 15  # what is open may end without a message: a ticket, a card

# The customer's last word on it since their last message; a thumb counts on the last answer alone.
_SAID = """
select case when f.message_id is null then f.is_solved else f.score > 0 end as is_solved
from feedback f where f.thread_id = t.thread_id and (f.message_id = answer.message_id
  or f.message_id is null and f.is_solved is not null and f.updated_at >= question.created_at)
order by f.updated_at desc limit 1"""
_UNDER_WAY = """
t.person is not null or exists (select 1 from actions a where a.thread_id = t.thread_id
  and a.status in ('prepared', 'proposed', 'confirmed', 'approved'))
or exists (select 1 from runs r where r.thread_id = t.thread_id
  and r.status in ('queued', 'running'))
or exists (select 1 from tickets k where k.thread_id = t.thread_id and k.status = 'open')"""
_SHARED = """
exists (select 1 from jsonb_array_elements_text(coalesce(then_.focus -> '{key}', '[]')) x
  where coalesce(last.focus -> '{key}', '[]') ? x)"""
# About the same document or the same kind of thing, as far as that is known of both.
_SAME = f"""
(coalesce(then_.focus -> 'intents', '[]') = '[]' or coalesce(last.focus -> 'intents', '[]') = '[]'
  or {_SHARED.format(key="documents")} or {_SHARED.format(key="intents")})"""

_FOUND = f"""
select t.thread_id, t.updated_at, t.resolution as before, t.resolved_at,
  answer.created_at as answered_at, said.is_solved, question.created_at as asked_at,
  last.status, last.focus ->> 'ending' as ending, ({_UNDER_WAY}) as is_under_way,
  coalesce(answer.created_at >= question.created_at, false) as is_answered, {_SAME} as is_same
from threads t
left join lateral (select r.run_id, r.status, r.focus from runs r
  where r.thread_id = t.thread_id and r.due_at is null order by r.turn desc limit 1) last on true
left join lateral (select m.message_id, m.created_at from runs r join messages m using (run_id)
  where r.thread_id = t.thread_id and m.role <> 'human' order by r.turn desc, m.seq desc limit 1)
  answer on true
left join lateral (select m.created_at from runs r join messages m using (run_id)
  where r.thread_id = t.thread_id and m.role = 'human' order by r.turn desc, m.seq desc limit 1)
  question on true
left join lateral (select r.focus from runs r where r.thread_id = t.thread_id
  and r.created_at <= t.resolved_at order by r.turn desc limit 1) then_ on true
left join lateral ({_SAID}) said on true
where t.thread_id = any(%(threads)s)"""

_JUDGED = """
select *, case
  when is_solved then 'confirmed'
  when is_solved is null and not is_under_way and is_answered and status <> 'failed' then case
    when ending = 'thanks' then 'confirmed'
    when before in ('confirmed', 'assumed') and asked_at <= resolved_at then before
    when answered_at < now() - %(quiet)s * interval '1 hour' then 'assumed' end
  end as settled
from found"""

SETTLE = f"""
with found as materialized ({_FOUND}), judged as ({_JUDGED}),
resolved as (select *, coalesce(settled, case
    when is_solved is null and (before = 'reopened' or resolved_at is not null and is_same
      and asked_at between resolved_at and resolved_at + %(days)s * interval '1 day')
    then 'reopened' else 'open' end) as resolution from judged)
update threads t set resolution = r.resolution, settled_update = r.updated_at,
  resolved_at = case when r.settled is null and r.resolution = 'open' then null
    when r.settled is null or r.settled = r.before and r.asked_at <= r.resolved_at
    then r.resolved_at else now() end,
  settle_after = case when r.settled is not null or r.answered_at is null then null
    when r.is_under_way or r.is_solved is not null then now() + %(again)s * interval '1 minute'
    else greatest(r.answered_at + %(quiet)s * interval '1 hour',
      now() + interval '1 minute') end
from resolved r where t.thread_id = r.thread_id returning r.before, r.resolution"""

_DUE = """
select thread_id from threads where thread_id in (
  (select thread_id from threads where updated_at is distinct from settled_update
    order by updated_at limit %(batch)s)
  union (select thread_id from threads where settle_after < now()
    order by settle_after limit %(batch)s))
for no key update skip locked"""


async def settle(connection: psycopg.AsyncConnection[DictRow], *threads: UUID) -> list[str]:
    """Judge these conversations, in the transaction of what happened to them.

    Returns what the matters have become that were settled just now, or came back.
    """
    judged = await connection.execute(SETTLE, _numbers() | {"threads": list(threads)})
    changed = [row["resolution"] for row in await judged.fetchall() if _is_changed(row)]
    return [resolution for resolution in changed if resolution != "open"]


def _is_changed(row: DictRow) -> bool:
    return bool(row["resolution"] != row["before"])


def nobody(_resolution: str) -> None:
    """Matters of which nobody is told."""


class Resolutions:
    """Keeps `threads.resolution` true as time passes and conversations go on.

    `on_resolved` is told what it becomes.
    """

    def __init__(self, pool: Pool, on_resolved: OnResolved = nobody) -> None:
        self._pool = pool
        self._on_resolved = on_resolved

    async def settle_due(self) -> None:
        """Judge what changed, and what has been quiet for long enough, as far as one sweep goes."""
        async with self._pool.connection() as connection, connection.transaction():
            due = await (await connection.execute(_DUE, {"batch": BATCH})).fetchall()
            settled = await settle(connection, *(row["thread_id"] for row in due)) if due else []
        for resolution in settled:
            self._on_resolved(resolution)


def _numbers() -> dict[str, Any]:
    rules = load_rules().feedback
    return {
        "quiet": rules.quiet_hours,
        "days": rules.reopened_days,
        "again": AGAIN_MINUTES,
    }
