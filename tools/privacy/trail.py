"""The audit trail as people read it, and whether anybody has changed it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import DictRow

from tools.database import Pool, fetch_all, fetch_one

PAGE = 100
ROWS = """
select audit_id, at, actor, event, subject, detail from audit
where (%(subject)s::text is null or subject = %(subject)s)
  and (%(event)s::text is null or event = %(event)s or event like %(event)s || '.%%')
  and (%(actor)s::text is null or actor = %(actor)s)
  and (%(before)s::bigint is null or audit_id < %(before)s)
order by audit_id desc limit %(limit)s"""
SUMMARY = """
select coalesce(sum(row_count) filter (where pruned_at is null), 0)::bigint as sealed,
  coalesce(sum(row_count) filter (where pruned_at is not null), 0)::bigint as pruned,
  (select count(*) from audit where audit_id > coalesce((select max(through_id)
    from audit_seals), 0)) as unsealed,
  (select encode(digest, 'hex') from audit_seals order by seal_id desc limit 1) as digest,
  (select sealed_at from audit_seals order by seal_id desc limit 1) as sealed_at
from audit_seals"""


@dataclass(frozen=True)
class Looked:
    """Which rows are looked for: of a subject, an event or its family, somebody; before a row."""

    subject: str | None = None
    event: str | None = None
    actor: str | None = None
    before: int | None = None
    limit: int = PAGE


@dataclass(frozen=True)
class Verified:
    """What the seals say. Whoever keeps `digest` elsewhere can tell later that nothing changed.

    `faults` are seals that do not fit their rows, as (first row, last row, fault).
    """

    sealed: int
    unsealed: int
    pruned: int
    digest: str
    sealed_at: datetime | None
    faults: Sequence[tuple[int, int, str]]


class Trail:
    """Reads of the audit table, and its seals."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def rows(self, looked: Looked) -> list[DictRow]:
        """What was done, the latest first."""
        return await fetch_all(self._pool, ROWS, vars(looked))

    async def seal(self) -> None:
        """Seal what came since the last time; the sweeper does it every minute."""
        await fetch_one(self._pool, "select seal_audit()")

    async def verify(self) -> Verified:
        """Whether every sealed row is as it was when it was sealed."""
        await self.seal()
        faults = await fetch_all(self._pool, "select * from audit_faults()")
        found = await fetch_one(self._pool, SUMMARY) or {}
        return Verified(
            sealed=found["sealed"],
            unsealed=found["unsealed"],
            pruned=found["pruned"],
            digest=found["digest"] or "",
            sealed_at=found["sealed_at"],
            faults=tuple((row["after_id"] + 1, row["through_id"], row["fault"]) for row in faults),
        )
