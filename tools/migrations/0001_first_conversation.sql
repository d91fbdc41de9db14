create table threads (
  thread_id uuid primary key,
  customer_id text not null,
  metadata jsonb not null default '{}',
  turns integer not null default 0,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index threads_of_customer on threads (customer_id, updated_at desc);

-- One row a turn: its state machine, who works on it, and everything needed to work on it elsewhere.
create table runs (
  run_id uuid primary key,
  thread_id uuid not null references threads on delete cascade,
  turn integer not null,
  status text not null default 'queued'
    check (status in ('queued', 'running', 'interrupted', 'succeeded', 'failed', 'cancelled')),
  strategy text not null default 'enqueue' check (strategy in ('enqueue', 'reject')),
  request jsonb not null,
  scope jsonb not null,
  metadata jsonb not null default '{}',
  owner text,
  lease_until timestamptz,
  attempts integer not null default 0,
  error text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (thread_id, turn)
);
create unique index runs_one_active on runs (thread_id) where status in ('running', 'interrupted');
create index runs_waiting on runs (created_at) where status = 'queued';
create index runs_leased on runs (lease_until) where status = 'running';

-- The conversation. Rows are only ever added.
create table messages (
  seq bigint generated always as identity primary key,
  message_id text not null,
  thread_id uuid not null references threads on delete cascade,
  run_id uuid not null references runs on delete cascade,
  role text not null check (role in ('human', 'ai')),
  content text not null,
  extra jsonb not null default '{}',
  created_at timestamptz not null default now(),
  unique (thread_id, message_id)
);
create index messages_of_run on messages (run_id);
create unique index messages_one_answer on messages (run_id) where role = 'ai';

create sequence document_numbers;

-- A write to the books, from proposal to its end. `payload` holds the exact bytes that are sent.
create table actions (
  action_id uuid primary key,
  thread_id uuid not null references threads on delete cascade,
  customer_id text not null,
  kind text not null,
  status text not null default 'proposed'
    check (status in ('proposed', 'confirmed', 'committed', 'declined', 'expired', 'failed')),
  card jsonb not null,
  hash text not null,
  payload bytea not null,
  document_number text not null unique,
  confirmed_by text,
  confirmed_at timestamptz,
  document_id uuid,
  error text,
  expires_at timestamptz not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create unique index actions_one_open on actions (thread_id) where status in ('proposed', 'confirmed');

create table audit (
  audit_id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  actor text not null,
  event text not null,
  subject text not null,
  detail jsonb not null default '{}'
);
create index audit_of_subject on audit (subject, audit_id);

create table tickets (
  ticket_id bigint generated always as identity primary key,
  task_key text not null unique,
  thread_id uuid not null references threads on delete cascade,
  customer_id text not null,
  reason text not null,
  levels integer[] not null,
  packet jsonb not null,
  deadline timestamptz not null,
  status text not null default 'open' check (status in ('open', 'closed')),
  created_at timestamptz not null default now()
);
create index tickets_open on tickets (deadline) where status = 'open';

create table outlets (
  outlet_id text primary key,
  bill_to uuid not null,
  name text not null,
  address text not null,
  postal_code text not null,
  area text not null,
  contact_person text not null,
  mobile text not null,
  usual_days text[] not null default '{}'
);
create index outlets_of_contact on outlets (bill_to);

-- Both tokens are encrypted by the service before they reach this table.
create table xero_tokens (
  tenant_id uuid primary key,
  access_token bytea not null,
  refresh_token bytea not null,
  expires_at timestamptz not null,
  refreshed_at timestamptz not null default now()
);
