"""The statements by which runs are claimed, put together and answered."""

from tools.intake import COLUMNS, LEASE_SECONDS, WAITS

MAX_STRIKES = 5  # deaths without any progress between them
SILENT_SECONDS = 2  # without a renewal, of a worker whose session is gone
SETTLING_SECONDS = 10  # after a start of Postgres, in which no session is there yet

# This message and those right behind it, up to the first that must be answered on its own: because
# it does more than say something, was asked by somebody else, or may mean a card.
BURST = """
select run_id from (
  select run_id, turn, bool_and(notice is null and resume is null and asked_in is null
      and strategy = 'enqueue' and cancel is null and attempts = (run_id = %(run_id)s)::integer
      and request->>'interrupt_before' is null and request->>'interrupt_after' is null
      and scope = (select scope from runs where run_id = %(run_id)s)
      and not exists (select 1 from messages m where m.run_id = r.run_id and m.extra ? 'action'))
    over (order by turn) as is_plain
  from runs r where thread_id = %(thread_id)s and turn >= %(turn)s and due_at is null
    and answered_by is null and (status = 'queued' or run_id = %(run_id)s)) waiting
where is_plain and not exists (select 1 from actions a
  where a.thread_id = %(thread_id)s and a.status = 'proposed')
order by turn limit %(most)s"""

# A run whose message led to a write stays, whatever becomes of its answer.
WROTE = "exists (select 1 from actions a where a.confirmed_in in (r.run_id, r.asked_in))"

# One part for each attempt that came to an end, and for what a person's decision led to.
MOST_PARTS = 8
KEEP_TRACE = f"""
trace = case when %(trace)s::jsonb is null or jsonb_array_length(trace) >= {MOST_PARTS} then trace
  else coalesce(trace, '[]') || jsonb_build_array(%(trace)s::jsonb) end"""

# Before anything of a thread's runs changes in more than one row: what comes in waits, and the
# statement after this one sees what came in before.
LOCK_THREAD = """
select 1 from threads t join runs r using (thread_id) where r.run_id = %(run_id)s
for no key update of t"""

ANSWER = f"""
with ended as (
  update runs set status = %(end)s, owner = null, updated_at = now(), focus = %(focus)s,
    signals = %(signals)s, {KEEP_TRACE}
  where run_id = %(run_id)s and owner = %(owner)s and status = 'running' and cancel is null
  returning thread_id),
 answered as (
  insert into messages (message_id, thread_id, run_id, role, content, extra)
  select %(message_id)s, thread_id, %(run_id)s, 'ai', %(content)s, %(extra)s from ended
  returning created_at),
 touched as (
  update threads t set updated_at = now() from ended where t.thread_id = ended.thread_id),
 others as (
  update runs r set status = 'succeeded', updated_at = now() from ended
  where r.answered_by = %(run_id)s and r.status = 'queued' returning r.run_id)
select created_at, array(select run_id from others) as others,
  exists (select 1 from runs q, ended where q.thread_id = ended.thread_id and q.status = 'queued'
    and q.due_at is null and q.answered_by is distinct from %(run_id)s) as is_followed
from answered"""


# A worker that died is known by its session before its lease has run out.
_DEAD = f"""
(lease_until < now() or lease_until < now() + {LEASE_SECONDS - SILENT_SECONDS} * interval '1 second'
  and now() - pg_postmaster_start_time() > {SETTLING_SECONDS} * interval '1 second'
  and not exists (select 1 from pg_locks l where l.locktype = 'advisory' and l.objsubid = 1
    and (l.classid::bigint << 32 | l.objid::bigint) = hashtextextended(r.owner, 0)))"""

REACHED = """
(select max(checkpoint_id) from checkpoints c
  where c.thread_id = graph_thread and c.checkpoint_ns = '')"""
MOVED = f"{REACHED} is distinct from seen_checkpoint"

CLAIM = f"""
update runs set status = 'running', owner = %(owner)s, attempts = attempts + 1,
  lease_until = now() + {LEASE_SECONDS} * interval '1 second', updated_at = now(),
  strikes = case when {MOVED} then 1 else strikes + 1 end,
  seen_checkpoint = {REACHED}
where run_id in (select run_id from runs r
  where thread_id = coalesce(%(thread)s, thread_id) and cancel is null
    and run_id <> all(%(held)s)
    and (resume is not null or not exists (select 1 from threads t
      where t.thread_id = r.thread_id and t.person is not null))
    and (strikes < {MAX_STRIKES} or {MOVED}) and (status = 'running' and {_DEAD}
    or {WAITS} and answered_by is null
      and not exists (select 1 from runs a where a.thread_id = r.thread_id
        and (a.status = 'running' or a.status = 'queued' and a.due_at is null
          and a.answered_by is null and a.turn < r.turn)))
  order by created_at for update skip locked limit %(limit)s)
returning {COLUMNS}, exists (select 1 from runs q where q.status = 'queued'
  and q.thread_id = runs.thread_id and q.turn > runs.turn) as is_followed"""
