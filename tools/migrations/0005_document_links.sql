-- Links to documents: each serves once and only for a few minutes. Of the token there is a hash here;
-- the token itself stands in the reply that tells it.
-- `scope` is who asked, so that what is theirs is checked again when the link is followed.
create table document_links (
  token_hash bytea primary key,
  customer_id text not null,
  thread_id uuid references threads on delete cascade,
  kind text not null check (kind in ('invoice_pdf', 'invoices_zip', 'statement_pdf', 'quote_pdf',
    'credit_note_pdf', 'delivery_order_pdf', 'delivery_order_xlsx', 'pay_link')),
  target jsonb not null,
  scope jsonb not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  used_at timestamptz
);
create index document_links_expired on document_links (expires_at);
