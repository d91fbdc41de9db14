"""What has been kept long enough: how much of each kind, and how it goes, in small batches."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from psycopg.errors import QueryCanceled

from tools.conversations import delete_quiet
from tools.database import Pool
from tools.privacy.bare import strip_cards
from tools.privacy.kinds import TO_DELETE, TO_STRIP, Kind, kinds
from tools.privacy.places import Connection
from tools.retention import Retention

BATCH = 200  # rows of one transaction
BATCHES = 5  # of a kind in one sweep, which other work waits for
MOST_SEALS = 50
MOST_COUNTED = 100_000
TIMEOUT = "set local statement_timeout = '5s'"

Way = Callable[[Connection, Kind], Awaitable[int]]


@dataclass(frozen=True)
class Due:
    """How many rows of a kind would go now, and since when the oldest is there.

    None: too many to count in time. `is_cut`: there are more.
    """

    kind: Kind
    count: int | None
    oldest: datetime | None
    is_cut: bool = False


class Keeping:
    """Every kind of data, kept for its days. Every replica may do it; each row goes once."""

    def __init__(self, pool: Pool, checkpoint_days: int) -> None:
        self._pool = pool
        self._checkpoints = Retention(pool, checkpoint_days)
        self._kinds = kinds(checkpoint_days)
        self._ways: Mapping[str, Way] = {
            "conversations": _drop_conversations,
            "cards": _drop_cards,
            "audit": _drop_audit,
        }

    async def due(self) -> list[Due]:
        """What would go now, of each kind; nothing changes."""
        return [await self._due_of(kind) for kind in self._kinds]

    async def drop(self) -> dict[str, int]:
        """Let go of what is due, as far as one sweep goes; how many rows of which kind."""
        gone: dict[str, int] = {}
        for kind in self._kinds:
            if kind.name != "checkpoints" and (count := await self._drop(kind)):
                gone[kind.name] = count
        return gone

    async def drop_all(self) -> dict[str, int]:
        """The same until nothing is due any more, for whoever waits for it at a terminal."""
        total: dict[str, int] = {}
        while pruned := await self._checkpoints.prune():
            total["checkpoints"] = total.get("checkpoints", 0) + pruned
        while gone := await self.drop():
            total = {name: total.get(name, 0) + gone.get(name, 0) for name in total | gone}
        return total

    async def _due_of(self, kind: Kind) -> Due:
        query = (
            f"select count(*) as n, min(age) as oldest from (select {kind.age} as age"
            f" from {kind.source} where {kind.due} order by 1 limit {MOST_COUNTED}) due"
        )
        try:
            async with self._pool.connection() as connection, connection.transaction():
                await connection.execute(TIMEOUT)
                found = await connection.execute(query.encode(), {"days": kind.days})
                row = await found.fetchone()
        except QueryCanceled:
            return Due(kind, None, None)
        count, oldest = (int(row["n"]), row["oldest"]) if row else (0, None)
        return Due(kind, count, oldest, is_cut=count == MOST_COUNTED)

    async def _drop(self, kind: Kind) -> int:
        way, total = self._ways.get(kind.name, _drop_rows), 0
        for _ in range(BATCHES):
            async with self._pool.connection() as connection, connection.transaction():
                gone = await way(connection, kind)
            total += gone
            if gone < BATCH:
                break
        return total


async def _drop_rows(connection: Connection, kind: Kind) -> int:
    query = (
        f"delete from {kind.source} where ({kind.key}) in (select {kind.key} from {kind.source}"
        f" where {kind.due} order by {kind.age} limit {BATCH} for update skip locked)"
    )
    return (await connection.execute(query.encode(), {"days": kind.days})).rowcount


async def _drop_conversations(connection: Connection, kind: Kind) -> int:
    """One after the other: each is locked, and looked at again before it goes."""
    query = (
        f"select t.thread_id from {kind.source} where {kind.due}"
        f" order by t.updated_at limit {BATCH}"
    )
    found = await (await connection.execute(query.encode(), {"days": kind.days})).fetchall()
    gone = [await delete_quiet(connection, row["thread_id"], None) for row in found]
    return sum(gone)


async def _drop_cards(connection: Connection, kind: Kind) -> int:
    values = {"days": kind.days}
    which = f"a.action_id in (select a.action_id from actions a where {kind.due} limit {BATCH})"
    stripped = await strip_cards(connection, f"{which} and {TO_STRIP}", values)
    gone = await connection.execute(f"delete from actions a where {which} and {TO_DELETE}", values)
    return stripped + gone.rowcount


async def _drop_audit(connection: Connection, kind: Kind) -> int:
    """Seal by seal: there is one for each minute in which something was done."""
    total = 0
    for _ in range(MOST_SEALS):
        found = await connection.execute("select prune_audit(%s) as gone", [kind.days])
        row = await found.fetchone()
        if not row or not row["gone"]:
            break
        total += row["gone"]
    return total
