-- A person writes in a conversation, and the assistant is silent until they hand it back. `person` is
-- who has it: {staff_id, name, since}; `assigned_to` is who is to look after it.
alter table threads add column person jsonb, add column assigned_to text;
create index threads_with_person on threads ((person ->> 'staff_id')) where person is not null;
create index threads_assigned on threads (assigned_to) where assigned_to is not null;

-- A turn that nobody works on, because a person answers it, or ended it, or wrote it.
alter table runs add column for_person boolean not null default false;

alter table tickets
  add column assigned_to text,
  add column answered_at timestamptz, -- when a person first wrote
  add column closed_at timestamptz,
  add column closed_by text,
  add column resolution text;

-- What colleagues tell each other. No customer ever sees it.
create table notes (
  note_id uuid primary key,
  thread_id uuid not null references threads on delete cascade,
  author text not null,
  name text not null,
  content text not null,
  created_at timestamptz not null default now()
);
create index notes_of_thread on notes (thread_id, created_at);
