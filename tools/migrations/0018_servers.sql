-- Every server, and every line of its history, that the database was seen on: a restore begins a
-- new line, and what the books hold may then be newer than what stands here.
create table servers (
  system_id bigint not null,
  timeline integer not null,
  seen_at timestamptz not null default now(),
  primary key (system_id, timeline)
);
