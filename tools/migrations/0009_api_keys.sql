-- Credentials that last longer than a token. Of the secret there is only a hash.
create table api_keys (
  key_id text primary key,
  secret_hash bytea not null,
  kind text not null check (kind in ('customer', 'staff', 'service')),
  subject text not null,
  claims jsonb not null,
  scopes text[],
  note text not null default '',
  created_at timestamptz not null default now(),
  created_by text not null,
  expires_at timestamptz not null,
  revoked_at timestamptz,
  revoked_by text
);
create index api_keys_subject on api_keys (kind, subject);
