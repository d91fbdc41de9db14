-- One row an organisation: its sealed tokens, who connected it, and whether Xero still knows them.
-- A row without tokens is a connection that Xero refused before there was a first token.
alter table xero_tokens
  alter column access_token drop not null,
  alter column refresh_token drop not null,
  add column name text not null default '',
  add column scope text not null default '',
  add column connected_by text not null default 'settings',
  add column connected_at timestamptz not null default now(),
  add column broken_at timestamptz,
  add column broken_reason text,
  add column refused text; -- the mark of the credentials that were refused
update xero_tokens set connected_at = refreshed_at;

-- A sign-in to Xero that an admin has begun. The state is kept as its digest; tokens are sealed.
create table xero_sign_ins (
  state bytea primary key,
  admin text not null,
  expires_at timestamptz not null,
  returned_at timestamptz,
  access_token bytea,
  refresh_token bytea,
  token_expires_at timestamptz,
  scope text not null default '',
  organisations jsonb not null default '[]'
);
