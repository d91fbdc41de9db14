"""Fills a database with many conversations in every state, as if a desk had worked for months."""

import psycopg

CUSTOMERS = 50  # conversations of one customer, on average
# What customers write and what they are answered, with a number that each message has of its own.
SAID = (
    *("where is my order of {n} boxes?", "what do I owe on INV-{n}?", "my lids are cracked, {w}"),
    *("can you deliver {n} bundles to {w} tomorrow morning?", "发票INV-{n}的余额是多少？"),
    *("请问{n}箱什么时候送到？谢谢", "Boleh hantar {n} kotak ke {w} esok?", "Berapa baki INV-{n}?"),
    *("INV-{n} விலைப்பட்டியல் எங்கே?", "எனது {n} பெட்டிகள் எப்போது வரும்?", "ok thanks {w}"),
)
ANSWERED = (
    "Your order of {n} boxes is on its way and comes tomorrow between 09:00 and 12:00.",
    "You owe SGD {n}.00 on INV-{n}, due on 30 November. You can pay it by PayNow or bank transfer.",
    "您的订单共{n}箱，明天上午送到。如需更改，请告诉我们。",
    "Baki anda ialah SGD {n}.00 untuk INV-{n}. Terima kasih.",
    "உங்கள் {n} பெட்டிகள் நாளை காலை வரும். நன்றி.",
    "I am sorry about that. A colleague of ours, {w}, looks at it and calls you back today.",
)
_SCOPE = """jsonb_build_object('customer_id', {c}, 'name', 'Person ' || {c}, 'company',
  'Company ' || {c} || ' Pte Ltd', 'contact_ids', '[]'::jsonb, 'roles', '[]'::jsonb,
  'channel', 'web')"""
_TEXT = """replace(replace((%({which})s::text[])[1 + i %% %({which}_many)s], '{{n}}',
  (10000 + i)::text), '{{w}}', substr(md5(i::text), 1, 7))"""
# Each conversation has two turns, a week to a quarter of an hour old. About three in a hundred need
# somebody: the more conversations there are, the more is open.
STATEMENTS = (
    f"""
insert into customers select 'c' || i, 'Person c' || i, 'Company c' || i || ' Pte Ltd'
from generate_series(0, %(n)s / {CUSTOMERS}) i on conflict do nothing""",
    f"""
insert into threads (thread_id, customer_id, turns, created_at, updated_at, person, assigned_to)
select md5('t' || i)::uuid, 'c' || i / {CUSTOMERS}, 2, at, at,
  case when i %% 500 = 7 then jsonb_build_object('staff_id', 'mei', 'name', 'Mei', 'since', at) end,
  case when i %% 250 = 7 then 'mei' end
from generate_series(1, %(n)s) i,
  lateral (select now() - interval '15 minutes' - i * interval '60 days' / %(n)s as at) w""",
    f"""
insert into runs (run_id, thread_id, turn, after_turn, status, request, scope, attempts, focus,
  graph_thread, created_at, updated_at, signals, error, owner, lease_until)
select md5('r' || i)::uuid, t.thread_id, 1 + i %% 2, nullif(i %% 2, 0), status, '{{}}',
  {_SCOPE.format(c="t.customer_id")}, 1,
  jsonb_build_object('language', (array['en', 'zh', 'ms', 'ta'])[1 + i %% 4]),
  t.thread_id || ':' || 1 + i %% 2, t.updated_at, t.updated_at,
  jsonb_build_object('sentiment', 'neutral', 'language', 'en', 'by', 'templates')
    || case when i %% 40 = 5 then '{{"concerns": ["angry"]}}'::jsonb
      when i %% 40 = 7 then '{{"concerns": ["unsure"]}}' else '{{}}' end,
  case status when 'failed' then 'model_unavailable' end,
  case status when 'running' then 'gone' end,
  case status when 'running' then now() - interval '1 hour' end
from generate_series(2, 2 * %(n)s + 1) i join threads t on t.thread_id = md5('t' || i / 2)::uuid,
  lateral (select case when i %% 200 = 11 then 'failed' when i %% 4000 = 13 then 'queued'
    when i %% 5000 = 15 then 'running' when i %% 300 = 17 then 'interrupted'
    when i %% 100 = 19 then 'cancelled' else 'succeeded' end as status) s""",
    f"""
insert into messages (message_id, thread_id, run_id, role, content, created_at)
select 'h' || i, r.thread_id, r.run_id, 'human', {_TEXT.format(which="said")}, r.created_at
from generate_series(2, 2 * %(n)s + 1) i join runs r on r.run_id = md5('r' || i)::uuid
order by i desc""",
    f"""
insert into messages (message_id, thread_id, run_id, role, content, created_at)
select 'a' || i, r.thread_id, r.run_id, 'ai', {_TEXT.format(which="answered")}, r.updated_at
from generate_series(2, 2 * %(n)s + 1) i join runs r on r.run_id = md5('r' || i)::uuid
where r.status in ('succeeded', 'interrupted') order by i desc""",
    """
insert into tickets (task_key, thread_id, customer_id, reason, levels, packet, deadline, status,
  created_at, answered_at)
select 'k' || i, t.thread_id, t.customer_id, case when i %% 2000 = 0 then 'food_safety'
  else 'damage' end, array[2 + i %% 3], '{}', t.updated_at + interval '30 minutes',
  case when i %% 100 = 0 then 'open' else 'closed' end, t.updated_at,
  case when i %% 500 = 0 then t.updated_at end
from generate_series(10, %(n)s, 10) i join threads t on t.thread_id = md5('t' || i)::uuid""",
    f"""
insert into actions (action_id, thread_id, customer_id, kind, status, card, hash, document_number,
  expires_at, scope, run_id, approval_level, confirmed_at, created_at, updated_at, tries)
select md5('x' || i)::uuid, t.thread_id, t.customer_id, 'order', status,
  jsonb_build_object('title', 'Order', 'invoice', 'INV-' || 10000 + i), 'h',
  'TRIA-' || lpad(i::text, 7, '0'), t.updated_at + interval '1 day',
  {_SCOPE.format(c="t.customer_id")}, md5('r' || 2 * i)::uuid,
  case when i %% 300 = 3 then 2 + i %% 3 end, t.updated_at, t.updated_at, t.updated_at, 0
from generate_series(3, %(n)s, 3) i join threads t on t.thread_id = md5('t' || i)::uuid,
  lateral (select case when i %% 300 = 3 then 'confirmed' when i %% 900 = 6 then 'approved'
    else 'committed' end as status) s""",
    """
insert into action_writes (action_id, position, operation, target, body, status, sent_at)
select action_id, 0, 'create_invoice', document_number, '',
  case status when 'committed' then 'done' when 'approved' then 'sent' else 'pending' end,
  case status when 'confirmed' then null else updated_at end
from actions where document_number like 'TRIA-%%'""",
    "vacuum analyze",
)


def fill(database: "psycopg.Connection[tuple[int]]", conversations: int) -> None:
    """So many conversations, with four messages each, in a migrated database without any."""
    values = {
        "n": conversations,
        "said": list(SAID),
        "said_many": len(SAID),
        "answered": list(ANSWERED),
        "answered_many": len(ANSWERED),
    }
    for statement in STATEMENTS:
        database.execute(statement.encode(), values if "%(" in statement else None)
