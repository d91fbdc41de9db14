-- A card can hold several writes. Each keeps its frozen bytes and how far it got.
create table action_writes (
  action_id uuid not null references actions on delete cascade,
  position integer not null,
  operation text not null,
  target text not null,
  body bytea not null,
  seen integer not null default 0,
  status text not null default 'pending'
    check (status in ('pending', 'sent', 'done', 'undone')),
  epoch integer not null default 0,
  sent_at timestamptz,
  failed_at timestamptz,
  document_id uuid,
  total numeric,
  primary key (action_id, position)
);
insert into action_writes (action_id, position, operation, target, body, status, document_id)
  select action_id, 0, 'create_invoice', document_number, payload,
    case status when 'committed' then 'done' else 'pending' end, document_id from actions;
alter table actions drop column payload;

-- Who the customer was (so that any process can finish the write), who must approve, who did.
alter table actions
  add column scope jsonb not null default '{}',
  add column run_id uuid,
  add column approval_level integer,
  add column decided_by text,
  add column decided_at timestamptz,
  add column chased_at timestamptz,
  add column to_tell boolean not null default false,
  add column tries integer not null default 0,
  add column try_after timestamptz not null default now(),
  drop constraint actions_status_check,
  add constraint actions_status_check check (status in ('proposed', 'confirmed', 'approved',
    'committed', 'declined', 'expired', 'cancelled', 'failed'));

-- A conversation may go on while an earlier card waits for a person.
drop index actions_one_open;
create unique index actions_one_open on actions (thread_id) where status = 'proposed';
create index actions_unfinished on actions (updated_at) where status in ('confirmed', 'approved');
create index actions_of_run on actions (run_id) where run_id is not null;
create index actions_to_tell on actions (updated_at) where to_tell;
create index actions_of_customer on actions (customer_id, updated_at desc);

-- What was written stays known when its conversation is deleted.
alter table actions alter column thread_id drop not null;
alter table actions drop constraint actions_thread_id_fkey;
alter table actions add foreign key (thread_id) references threads on delete set null;

-- A run that waits for a person holds nothing up. `resume` is the person's decision;
-- `notice` is what a turn tells that no message asked for.
create index runs_interrupted on runs (run_id) where status = 'interrupted';
alter table runs add column resume jsonb, add column notice jsonb;
drop index runs_one_active;
create unique index runs_one_active on runs (thread_id) where status = 'running';
