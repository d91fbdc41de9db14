-- What operators did to runs. `once` is the form's, so that a second press finds the first one.
-- A row without an end is of a process that died in between: what it began is done by pressing again.
create table repairs (
  once uuid primary key,
  run_id uuid not null references runs on delete cascade,
  operation text not null
    check (operation in ('resume', 'retry', 'skip', 'edit', 'abandon')),
  staff_id text not null,
  detail jsonb not null default '{}',
  created_at timestamptz not null default now(),
  done_at timestamptz
);
create index repairs_of_run on repairs (run_id, created_at);

-- Turns played again that sent nothing and wrote nothing. `wanted` is what was changed; `outcome`
-- stands beside what happened. Both hold words of the conversation and go with it.
create table trials (
  trial_id uuid primary key,
  run_id uuid not null references runs on delete cascade,
  thread_id uuid not null references threads on delete cascade,
  staff_id text not null,
  wanted jsonb not null,
  outcome jsonb,
  error text,
  created_at timestamptz not null default now(),
  done_at timestamptz
);
create index trials_of_run on trials (run_id, created_at);
create index trials_of_thread on trials (thread_id);
