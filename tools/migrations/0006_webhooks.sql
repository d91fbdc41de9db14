-- What Xero told by webhook. It carries no data: what happened is read from Xero afterwards.
create table xero_events (
  tenant_id uuid not null,
  resource_id uuid not null,
  category text not null,
  event_at timestamptz not null,
  event_type text not null,
  received_at timestamptz not null default now(),
  tries integer not null default 0,
  try_after timestamptz not null default now(),
  done_at timestamptz,
  error text,
  primary key (tenant_id, resource_id, category, event_at, event_type)
);
create index xero_events_due on xero_events (try_after) where done_at is null;
create index xero_events_done on xero_events (done_at) where done_at is not null;
create index xero_events_received on xero_events (received_at);

-- Who asked for a payment that was not there yet, and is to hear of it. `scope` is who they are, so
-- that only their own books are looked at; without an invoice number any of their invoices will do.
create table payment_watches (
  watch_id uuid primary key,
  customer_id text not null,
  thread_id uuid not null references threads on delete cascade,
  scope jsonb not null,
  invoice_number text,
  since timestamptz not null default now()
);
create index payment_watches_since on payment_watches (since);
create index actions_payments_reported on actions (created_at)
  where kind = 'payment_report' and status = 'committed';

-- Each payment is told to each customer once, whatever becomes of the conversation.
create table payments_told (
  payment_id uuid not null,
  customer_id text not null,
  told_at timestamptz not null default now(),
  primary key (payment_id, customer_id)
);
