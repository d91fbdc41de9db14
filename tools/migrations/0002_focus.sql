-- What the conversation is about after this turn, read by the next one.
alter table runs add column focus jsonb not null default '{}';
