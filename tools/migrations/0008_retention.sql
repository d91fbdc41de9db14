-- When a turn's checkpoints were deleted, its days for time travel being over.
alter table runs add column pruned_at timestamptz;
create index runs_unpruned on runs (updated_at)
  where pruned_at is null and status in ('succeeded', 'failed', 'cancelled');
