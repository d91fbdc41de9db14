-- What was asked under an Idempotency-Key, and what it was answered with. `id` is made from who
-- asked, the method, the path and the key. Without a status the request is under way, and belongs
-- to its holder until the lease ends; without a body it was done, and the answer is not kept. What
-- is kept of a conversation goes with it.
create table idempotency_keys (
  id uuid primary key,
  fingerprint bytea not null,
  holder uuid not null,
  lease_until timestamptz not null,
  status integer,
  headers jsonb,
  body bytea,
  thread_id uuid references threads on delete cascade,
  created_at timestamptz not null default now()
);
create index idempotency_keys_created on idempotency_keys (created_at);
create index idempotency_keys_of_thread on idempotency_keys (thread_id)
  where thread_id is not null;
