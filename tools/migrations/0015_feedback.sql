-- What a customer says of one answer, or without a message of the whole conversation: once each.
create table feedback (
  feedback_id uuid primary key default gen_random_uuid(),
  thread_id uuid not null references threads on delete cascade,
  customer_id text not null,
  message_id text,
  score integer,
  is_solved boolean,
  comment text not null default '',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create unique index feedback_once on feedback (thread_id, coalesce(message_id, ''));
create index feedback_updated on feedback (updated_at);

-- Whether the matter is settled. `settled_update` is the thread's `updated_at` when that was judged,
-- `settle_after` when it is to be judged again although nothing happened.
alter table threads
  add column resolution text not null default 'open'
    check (resolution in ('open', 'confirmed', 'assumed', 'reopened')),
  add column resolved_at timestamptz,
  add column settled_update timestamptz,
  add column settle_after timestamptz;
create index threads_to_settle on threads (updated_at)
  where updated_at is distinct from settled_update;
create index threads_settle_after on threads (settle_after) where settle_after is not null;

-- A card that a person changed: prepared until its turn shows it. That person's yes is kept with it,
-- and counts once the customer has said yes too.
alter table actions
  add column replaces uuid unique references actions,
  add column agreed_by text,
  add column agreed_level integer,
  add column escalated_at timestamptz,
  drop constraint actions_status_check,
  add constraint actions_status_check check (status in ('prepared', 'proposed', 'confirmed',
    'approved', 'committed', 'declined', 'expired', 'cancelled', 'failed'));
