-- A turn names the turn it follows (null: none), so that a conversation may branch. `asked_in` is the
-- run that holds the question where this one answers it again; `graph_thread` is where its
-- checkpoints are, and `seed` where those are that they begin from.
alter table runs
  drop constraint runs_strategy_check,
  add constraint runs_strategy_check
    check (strategy in ('enqueue', 'reject', 'interrupt', 'rollback')),
  add column after_turn integer,
  add column asked_in uuid,
  add column graph_thread text,
  add column seed text,
  add column due_at timestamptz,       -- not part of the conversation before that
  add column answered_by uuid,         -- a later message of the same burst, which answers this one too
  add column cancel text check (cancel in ('interrupt', 'rollback')),
  add column strikes integer not null default 0, -- workers that died since its last checkpoint
  add column seen_checkpoint text,
  add column webhook text,
  add column webhook_tries integer not null default 0,
  add column webhook_after timestamptz not null default now(),
  add column webhook_done_at timestamptz;
update runs r set graph_thread = thread_id || ':' || turn,
  after_turn = (select max(b.turn) from runs b where b.thread_id = r.thread_id and b.turn < r.turn);
alter table runs alter column graph_thread set not null;
create index runs_due on runs (due_at) where due_at is not null;
create index runs_of_graph_thread on runs (graph_thread);
create index runs_of_burst on runs (answered_by) where answered_by is not null;
create index runs_webhooks on runs (webhook_after)
  where webhook is not null and webhook_done_at is null;

-- The run whose message said yes to a card.
alter table actions add column confirmed_in uuid;
create index actions_confirmed_in on actions (confirmed_in) where confirmed_in is not null;

-- A stateless run's thread, which goes when nobody needs it any more.
alter table threads add column temporary_until timestamptz;
create index threads_temporary on threads (temporary_until) where temporary_until is not null;

-- The turns that lead to one turn, that one first.
create function lineage(of_thread uuid, through_turn integer, most integer)
returns table (run_id uuid, turn integer, asked_in uuid) language sql stable as $$
  with recursive line as (
    select r.run_id, r.turn, r.asked_in, r.after_turn, 1 as depth from runs r
      where r.thread_id = of_thread and r.turn = through_turn
    union all
    select r.run_id, r.turn, r.asked_in, r.after_turn, line.depth + 1 from line
      join runs r on r.thread_id = of_thread and r.turn = line.after_turn
      where line.depth < most
  )
  select run_id, turn, asked_in from line
$$;

create function last_turn(of_thread uuid) returns integer language sql stable as $$
  select max(turn) from runs where thread_id = of_thread and due_at is null
$$;

-- A run that never was: what followed it follows what it followed. In plpgsql, because LangGraph
-- creates its tables after this.
create function forget_run(gone uuid) returns void language plpgsql as $$
declare
  kept runs;
begin
  select * into kept from runs where run_id = gone;
  update runs set after_turn = kept.after_turn
    where thread_id = kept.thread_id and after_turn = kept.turn;
  update runs set answered_by = null where answered_by = gone;
  delete from runs where run_id = gone;
  if not exists (select 1 from runs where graph_thread = kept.graph_thread) then
    delete from checkpoints where thread_id = kept.graph_thread;
    delete from checkpoint_blobs where thread_id = kept.graph_thread;
    delete from checkpoint_writes where thread_id = kept.graph_thread;
  end if;
end
$$;
