"""All conversations, the one that changed last first, a page at a time by key."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args
from uuid import UUID

from typing_extensions import override

from tools.database import Pool, fetch_all
from tools.operators.rows import LAST_RUN, STATUS, Hide, Rows
from tools.synthetic import CUSTOMER

Status = Literal["idle", "busy", "interrupted", "error"]
Resolution = Literal["open", "confirmed", "assumed", "reopened"]
STATUSES: tuple[Status, ...] = get_args(Status)
RESOLUTIONS: tuple[Resolution, ...] = get_args(Resolution)
PAGE = 50

# Of a state that few runs are in these are read first, and their threads one by one (`offset 0`).
_FEW = {
    "busy": "status = 'queued' and due_at is null or status = 'running'",
    "interrupted": "status = 'interrupted'",
    "error": "status = 'failed'",
}
_IS_STATUS = f"(select {STATUS} from ({LAST_RUN}) l) = %(status)s"
_OF_FEW = """(select t.* from (select distinct thread_id from runs where {few}) few
  cross join lateral (select * from threads where thread_id = few.thread_id offset 0) t)"""
_PAGE = """
select t.thread_id, t.updated_at from {threads} t where {conditions}
order by t.updated_at desc, t.thread_id desc limit %(limit)s + 1"""


@dataclass(frozen=True)
class Place:
    """Where a page ends, and the next one begins."""

    updated_at: datetime
    thread_id: UUID

    @override
    def __str__(self) -> str:
        return f"{self.updated_at.isoformat()}_{self.thread_id}"

    @classmethod
    def read(cls, text: str) -> "Place":
        """From how it stands in an address; ValueError for what is none."""
        at, thread_id = text.split("_")
        return cls(datetime.fromisoformat(at), UUID(thread_id))


@dataclass(frozen=True)
class Choice:
    """Which conversations somebody wants to see."""

    status: Status | None = None
    resolution: Resolution | None = None
    customer: str | None = None


@dataclass(frozen=True)
class ListPage:
    """Conversations, and where it goes on."""

    rows: Sequence[dict[str, Any]]
    following: Place | None


class Listing:
    """Reads conversations of every customer."""

    def __init__(self, pool: Pool, hide: Hide) -> None:
        self._pool = pool
        self._rows = Rows(pool, hide)

    async def page(
        self, choice: Choice | None = None, after: Place | None = None, limit: int = PAGE
    ) -> ListPage:
        """The conversations that changed last, after a place if one is given."""
        choice = choice or Choice()
        values = {
            **{name: getattr(choice, name) for name in ("status", "resolution", "customer")},
            "at": after and after.updated_at,
            "thread_id": after and after.thread_id,
            "limit": limit,
        }
        found = await fetch_all(self._pool, _query(choice, after), values)
        ids = [row["thread_id"] for row in found[:limit]]
        last = found[limit - 1] if len(found) > limit else None
        following = Place(last["updated_at"], last["thread_id"]) if last else None
        return ListPage(await self._rows.of(ids), following)


def _query(choice: Choice, after: Place | None) -> str:
    few = _FEW.get(choice.status or "")
    conditions: dict[str, object] = {
        f"t.customer_id <> '{CUSTOMER}'": True,
        "(t.updated_at, t.thread_id) < (%(at)s, %(thread_id)s)": after,
        "t.customer_id = %(customer)s": choice.customer,
        "t.resolution = %(resolution)s": choice.resolution,
        _IS_STATUS: choice.status,
    }
    return _PAGE.format(
        threads=_OF_FEW.format(few=few) if few else "threads",
        conditions=" and ".join([c for c, is_asked in conditions.items() if is_asked]),
    )
