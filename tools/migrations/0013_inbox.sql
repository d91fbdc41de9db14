-- What a turn showed of itself when it was answered, for whoever looks through conversations:
-- `concerns` names what a person should know of. Turns from before have none.
alter table runs add column signals jsonb;
create index runs_of_concern on runs (updated_at) where signals ? 'concerns';
create index runs_failed on runs (updated_at) where status = 'failed';

-- What was a concern up to then somebody has looked at.
alter table threads add column seen_at timestamptz, add column seen_by text;
create index threads_by_activity on threads (updated_at, thread_id);

-- Who has written, as their sign-in named them last: so that a person finds them by name.
create table customers (
  customer_id text primary key,
  name text not null,
  company text not null
);
insert into customers (customer_id, name, company)
  select distinct on (scope->>'customer_id') scope->>'customer_id',
    coalesce(scope->>'name', ''), coalesce(scope->>'company', '')
  from runs where scope->>'customer_id' is not null
  order by scope->>'customer_id', created_at desc;

create index action_writes_sent on action_writes (action_id) where status = 'sent';
create index tickets_of_thread on tickets (thread_id);
create index actions_of_thread on actions (thread_id, updated_at desc) where thread_id is not null;
create index actions_of_invoice on actions ((card->>'invoice')) where card ? 'invoice';

-- The words of a message. Whatever the database's locale, letters are what no mark separates; Chinese
-- writes no spaces, so it is found by its pairs of signs, and by the last sign of each stretch.
create function search_words(said text) returns tsvector
language sql immutable strict parallel safe cost 2000 as $$
  select array_to_tsvector(array_remove(regexp_split_to_array(regexp_replace(
    case when plain ~ '[㐀-䶿一-鿿豈-﫿]' then
      regexp_replace(plain, '[㐀-䶿一-鿿豈-﫿]+', ' ', 'g') || ' '
      || regexp_replace(chinese, '([^ ]{2})', '\1 ', 'g') || ' '
      || regexp_replace(regexp_replace(chinese, '(^| )[^ ]', '\1', 'g'), '([^ ]{2})', '\1 ', 'g')
    else plain end, '([^ ]{60})[^ ]+', '\1', 'g'), ' +'), ''))
  from (select plain, regexp_replace(plain, '[^㐀-䶿一-鿿豈-﫿]+', ' ', 'g') as chinese
    from (select regexp_replace(lower(left(said, 20000)),
      '[\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00bf\u2000-\u206f\u3000-\u303f\uff00-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65]+',
      ' ', 'g') as plain) lowered) parts
$$;

-- What is looked for with these words: all of them, the longer ones also as beginnings.
create function search_query(asked text) returns tsquery
language sql immutable strict parallel safe as $$
  select string_agg(quote_literal(word) || case when length(word) >= 3 or is_sign then ':*' else '' end,
    ' & ')::tsquery
  from (select word, word ~ '^[㐀-䶿一-鿿豈-﫿]$' as is_sign,
      bool_or(word ~ '^[㐀-䶿一-鿿豈-﫿]{2}') over () as has_pairs
    from unnest(tsvector_to_array(search_words(asked))) word) asked_for
  where not (is_sign and has_pairs)
$$;
create index messages_by_word on messages using gin (search_words(content))
  with (gin_pending_list_limit = 512);
