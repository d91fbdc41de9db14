"""What needs a person now, and how urgently: one statement over small partial indexes.

The rule: every reason has a moment by which somebody should have acted (`due`) and stands on one of
three steps. **Now**: a customer waits for an answer that does not come by itself (failed, stuck,
written to a colleague who has not answered within ten minutes), a write to Xero has no known
outcome, an emergency, or a deadline has passed. **Soon**: a deadline is running, a customer is
angry, or somebody wrote a moment ago to a colleague. **Later**: unhappy, unsure, answered and only
to be closed, taken over with nothing to answer. A conversation stands on the first step of its
reasons, and within a step what is due first stands first.
"""

from typing import Literal, get_args

from tools.actions.selected import WAITING

Reason = Literal["failed", "stuck", "outcome", "approval", "handoff", "person", "unhappy", "unsure"]
REASONS: tuple[Reason, ...] = get_args(Reason)
NOW, SOON, LATER = 1, 2, 3

STUCK_SECONDS = 60  # for a turn to begin
LONG_SECONDS = 120  # for a turn to end
MANY_STRIKES = 2
FAILED_DAYS = 30  # a message that failed before that is nobody's any more
CONCERN_DAYS = 3  # and a mood passes
CONCERN_TURNS = 3  # it is seen in the last turns alone
ANSWER_MINUTES = 10  # for a colleague who has the conversation
EMERGENCIES = ("food_safety",)

# The last thing that was said, by whom, without walking a long conversation.
LAST_SAID = """
select m.role, m.content, m.created_at, m.extra->'person'->>'name' as by from (
  select run_id, turn from runs l where l.thread_id = t.thread_id and l.due_at is null
  order by turn desc limit 3) o
join messages m using (run_id) order by o.turn desc, m.seq desc limit 1"""

_ANSWERED_SINCE = """exists (select 1 from runs n where n.thread_id = r.thread_id
  and n.turn > r.turn and n.notice is null and n.status = 'succeeded')"""

_FAILED = f"""
select r.thread_id, 'failed' as reason, {NOW} as step, r.created_at + interval '5 minutes' as due,
  null::integer[] as levels, r.updated_at as since, r.run_id, null::uuid as action_id,
  null::bigint as ticket_id, r.error as what
from runs r where r.status = 'failed' and r.updated_at > now() - interval '{FAILED_DAYS} days'
  and not {_ANSWERED_SINCE}"""

_STUCK = f"""
select r.thread_id, 'stuck', {NOW}, r.created_at + interval '2 minutes', null, r.created_at,
  r.run_id, null, null, case when r.status = 'queued' then 'waiting'
    when r.lease_until < now() then 'lost' when r.strikes >= {MANY_STRIKES} then 'dying'
    else 'slow' end
from runs r join threads t using (thread_id)
where r.status = 'queued' and r.due_at is null and r.answered_by is null
    and r.updated_at < now() - interval '{STUCK_SECONDS} seconds'
    and (t.person is null or r.resume is not null)
  or r.status = 'running' and (r.lease_until < now() - interval '15 seconds'
    or r.strikes >= {MANY_STRIKES} or r.updated_at < now() - interval '{LONG_SECONDS} seconds')"""

_OUTCOME = f"""
select a.thread_id, 'outcome', {NOW}, a.updated_at + interval '15 minutes', null, a.updated_at,
  a.run_id, a.action_id, null, case when exists (select 1 from action_writes w
    where w.action_id = a.action_id and w.status = 'sent') then 'unknown' else 'unwritten' end
from actions a where a.thread_id is not null and a.status in ('confirmed', 'approved')
  and (a.status = 'approved' or a.approval_level is null)
  and a.updated_at < now() - interval '{STUCK_SECONDS} seconds' and (a.tries > 1
    or exists (select 1 from action_writes w where w.action_id = a.action_id and w.status = 'sent'
      and w.sent_at < now() - interval '{STUCK_SECONDS} seconds'))"""

_APPROVAL = f"""
select a.thread_id, 'approval',
  case when d.due < now() or a.escalated_at is not null then {NOW} else {SOON} end, d.due,
  array(select distinct l from unnest(array[a.approval_level]
    || case when a.escalated_at is not null then k.levels end) l order by l),
  a.confirmed_at, a.run_id, a.action_id, k.ticket_id,
  case when a.escalated_at is null then a.kind else 'forgotten ' || a.kind end
from actions a left join tickets k on k.task_key = a.run_id || ':hand_off' and k.status = 'open',
  lateral (select coalesce(k.deadline, a.confirmed_at + interval '4 hours') as due) d
where {WAITING} and a.thread_id is not null""".replace(
    "status = 'confirmed'", "a.status = 'confirmed'"
)

_HANDOFF = f"""
select k.thread_id, 'handoff', case when k.answered_at is not null then {LATER}
    when k.deadline < now() or k.reason = any('{{{",".join(EMERGENCIES)}}}') then {NOW}
    else {SOON} end,
  k.deadline, k.levels, k.created_at, null, null, k.ticket_id, k.reason
from tickets k where k.status = 'open' and k.reason <> 'approval'"""

# That a colleague has joined is no answer to what was asked before.
_LAST_WORDS = LAST_SAID.replace(
    "order by o.turn desc, m.seq",
    "where m.extra->'person'->>'event' is null order by o.turn desc, m.seq",
)

_PERSON = f"""
select t.thread_id, 'person', case when not w.waits then {LATER}
    when w.due < now() then {NOW} else {SOON} end,
  w.due, null, (t.person->>'since')::timestamptz, null, null, null, t.person->>'name'
from threads t left join lateral ({_LAST_WORDS}) m on true, lateral (
  select coalesce(m.role = 'human', false) as waits,
    coalesce(m.created_at, t.updated_at) + interval '{ANSWER_MINUTES} minutes' as due) w
where t.person is not null"""

# `offset 0`: a look-up for each of the few, instead of reading every thread.
_CONCERN = f"""
select r.thread_id, case when c in ('angry', 'unhappy') then 'unhappy' else 'unsure' end,
  case when c = 'angry' then {SOON} else {LATER} end,
  r.updated_at + case when c = 'angry' then interval '30 minutes' else interval '4 hours' end,
  null, r.updated_at, r.run_id, null, null, c
from runs r cross join lateral (select * from threads where thread_id = r.thread_id offset 0) t,
  lateral jsonb_array_elements_text(r.signals->'concerns') c
where r.signals ? 'concerns' and r.updated_at > now() - interval '{CONCERN_DAYS} days'
  and r.turn > t.turns - {CONCERN_TURNS} and t.person is null
  and (t.seen_at is null or t.seen_at < r.updated_at)
  and not exists (select 1 from runs n where n.thread_id = r.thread_id and n.turn > r.turn
    and n.for_person)"""

_COMPLAINT = f"""
select f.thread_id, 'unhappy', {SOON}, f.updated_at + interval '4 hours', null, f.updated_at,
  null, null, null, 'not_solved'
from feedback f join threads t using (thread_id)
where f.is_solved is false and f.updated_at > now() - interval '{CONCERN_DAYS} days'
  and t.person is null and (t.seen_at is null or t.seen_at < f.updated_at)
  and not exists (select 1 from runs n where n.thread_id = f.thread_id and n.for_person
    and n.created_at > f.updated_at)"""

# One row for each reason of each conversation.
SOURCES = (_FAILED, _STUCK, _OUTCOME, _APPROVAL, _HANDOFF, _PERSON, _CONCERN, _COMPLAINT)
ITEMS = " union all ".join(SOURCES)
