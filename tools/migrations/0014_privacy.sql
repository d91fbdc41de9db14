-- The audit trail only grows. Rows are added and read; whatever else is tried is refused, but for the
-- function by which what is old enough goes. Its setting alone opens nothing: the owner must work.
create function refuse_audit_change() returns trigger language plpgsql as $$
begin
  if current_setting('tria.audit_retention', true) = 'on' and current_user =
      (select pg_get_userbyid(relowner) from pg_class where oid = tg_relid) then
    return null;
  end if;
  raise exception 'the audit trail cannot be changed' using errcode = 'insufficient_privilege';
end
$$;
create trigger audit_only_grows before update or delete or truncate on audit
  for each statement execute function refuse_audit_change();

-- Rows of the trail in the order in which they came, sealed by the digest of their content and of
-- all seals before. Of rows that have gone the digest stays.
create table audit_seals (
  seal_id bigint generated always as identity primary key,
  after_id bigint not null,
  through_id bigint not null unique,
  row_count bigint not null,
  rows_digest bytea not null,
  digest bytea not null,
  sealed_at timestamptz not null default now(),
  pruned_at timestamptz
);
create trigger seals_only_grow before update or delete or truncate on audit_seals
  for each statement execute function refuse_audit_change();

create function audit_digest(after_id bigint, through_id bigint) returns bytea
language sql stable as $$
  select sha256(coalesce(string_agg(sha256(convert_to(jsonb_build_array(a.audit_id,
      extract(epoch from a.at), a.actor, a.event, a.subject, a.detail)::text, 'UTF8')), ''::bytea
    order by a.audit_id), ''::bytea))
  from audit a where a.audit_id > $1 and a.audit_id <= $2
$$;

-- Seal what has come since the last seal; how many rows. Writers take their numbers before they
-- commit: the lock waits for those under way, so that nothing can appear behind a seal later. It is
-- let go at once, by leaving the block with an error; where it is not to be had, the next time will do.
create function seal_audit() returns bigint language plpgsql security definer
set search_path = public, pg_temp set lock_timeout = '100ms' as $$
declare
  reach bigint;
  last audit_seals;
  found_rows bigint;
  of_rows bytea;
begin
  if not pg_try_advisory_xact_lock(7384116024) then return 0; end if;
  begin
    lock table audit in share mode;
    select max(audit_id) into reach from audit;
    raise sqlstate 'TR001';
  exception
    when lock_not_available then return 0;
    when sqlstate 'TR001' then null;
  end;
  select * into last from audit_seals order by seal_id desc limit 1;
  select count(*) into found_rows from audit
    where audit_id > coalesce(last.through_id, 0) and audit_id <= reach;
  if found_rows = 0 then return 0; end if;
  of_rows := audit_digest(coalesce(last.through_id, 0), reach);
  insert into audit_seals (after_id, through_id, row_count, rows_digest, digest) values
    (coalesce(last.through_id, 0), reach, found_rows, of_rows,
      sha256(coalesce(last.digest, ''::bytea) || of_rows));
  return found_rows;
end
$$;

-- Let the rows of the oldest seal go once all of them are that old; how many. Nobody can ask for less
-- than a year.
create function prune_audit(days integer) returns bigint language plpgsql security definer
set search_path = public, pg_temp set tria.audit_retention = 'on' as $$
declare
  oldest audit_seals;
  gone bigint;
begin
  if days < 365 then
    raise exception 'the audit trail is kept for a year at least'
      using errcode = 'invalid_parameter_value';
  end if;
  if not pg_try_advisory_xact_lock(7384116024) then return 0; end if;
  select * into oldest from audit_seals where pruned_at is null order by seal_id limit 1;
  if oldest.seal_id is null or exists (select 1 from audit where audit_id > oldest.after_id
      and audit_id <= oldest.through_id and at >= now() - make_interval(days => days)) then
    return 0;
  end if;
  delete from audit where audit_id > oldest.after_id and audit_id <= oldest.through_id;
  get diagnostics gone = row_count;
  update audit_seals set pruned_at = now() where seal_id = oldest.seal_id;
  return gone;
end
$$;

-- The seals that do not fit what they seal, and why.
create function audit_faults() returns table (seal_id bigint, after_id bigint, through_id bigint,
  fault text) language sql stable as $$
  with sealed as (
    select s.*, lag(s.through_id, 1, 0::bigint) over w as before_id,
      lag(s.digest, 1, ''::bytea) over w as before
    from audit_seals s window w as (order by s.seal_id))
  select s.seal_id, s.after_id, s.through_id, case
      when s.after_id <> s.before_id then 'a seal before it is missing'
      when s.digest <> sha256(s.before || s.rows_digest) then 'the chain is broken'
      else 'rows were changed, added or removed' end
  from sealed s
  where s.after_id <> s.before_id or s.digest <> sha256(s.before || s.rows_digest)
    or s.pruned_at is null and s.rows_digest <> audit_digest(s.after_id, s.through_id)
  order by s.seal_id
$$;
revoke execute on function seal_audit(), prune_audit(integer) from public;

-- Of a card that wrote something the figures stay when its customer is forgotten.
alter table actions add column stripped_at timestamptz;
create index actions_left_over on actions (updated_at) where thread_id is null;

-- Whose request it was, so that its answer goes with them. Those from before end within a day.
alter table idempotency_keys add column owner text;
create index idempotency_keys_of_owner on idempotency_keys (owner) where owner is not null;
create index audit_by_event on audit (event, audit_id);
create index audit_by_actor on audit (actor, audit_id);
