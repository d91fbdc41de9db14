-- How the last synthetic conversation went, and until when somebody leads one: one row, or none.
create table synthetic_conversation (
  is_only boolean primary key default true check (is_only),
  due_at timestamptz not null default now(),
  led_until timestamptz not null default now(),
  is_working boolean,
  since timestamptz,
  ended_at timestamptz,
  worked_at timestamptz, -- the last one that went well
  steps jsonb not null default '[]'
);

-- How much every process logs until then: one row, or none.
create table log_level (
  is_only boolean primary key default true check (is_only),
  level text not null check (level in ('debug', 'info', 'warning', 'error')),
  until timestamptz not null,
  set_by text not null,
  set_at timestamptz not null default now()
);
