-- A database whose now() can be moved: every statement of the service goes by it.
create table lane_clock (ahead interval not null);
insert into lane_clock values ('0');
create function now() returns timestamptz language sql stable as
  $$ select pg_catalog.now() + ahead from public.lane_clock $$;
create function clock_timestamp() returns timestamptz language sql volatile as
  $$ select pg_catalog.clock_timestamp() + ahead from public.lane_clock $$;
