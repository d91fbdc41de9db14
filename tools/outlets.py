"""Where goods go: the outlets of each bill-to contact, in Postgres."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tools.database import Pool, fetch_all
from tools.ordering.orders import Outlet

FIELDS = (
    *("outlet_id", "bill_to", "name", "address", "postal_code", "area"),
    *("contact_person", "mobile", "usual_days"),
)


class Outlets:
    """The outlets table."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def of_contacts(self, contact_ids: Iterable[str]) -> list[Outlet]:
        """The outlets that these contacts pay for."""
        rows = await fetch_all(
            self._pool,
            "select outlet_id, name, address, postal_code, contact_person, mobile,"
            " bill_to::text, area from outlets where bill_to = any(%s::uuid[]) order by name",
            [list(contact_ids)],
        )
        return [Outlet(**row) for row in rows]

    async def store(self, outlets: Sequence[Mapping[str, Any]]) -> None:
        """Add or update outlets by their id."""
        columns = ", ".join(FIELDS)
        values = ", ".join(f"%({f})s" for f in FIELDS)
        changes = ", ".join(f"{f} = excluded.{f}" for f in FIELDS[1:])
        async with self._pool.connection() as connection, connection.cursor() as cursor:
            await cursor.executemany(
                f"insert into outlets ({columns}) values ({values})"
                f" on conflict (outlet_id) do update set {changes}",
                [dict(o) for o in outlets],
            )
