"""Notices that the database was restored, and never gives a number of a document out twice.

What was ordered after the moment that was restored stands in the books under numbers that the
sequence would give out again. A card with such a number would find somebody's invoice, believe it
its own, and take it back where the total differs. So these numbers are left out.
"""

from typing import Any

import psycopg
from psycopg.rows import tuple_row

LEFT_OUT = 10_000  # more than are given out between a backup and its restore
# A failover looks the same, and costs numbers alone.
NOTE = """
insert into servers (system_id, timeline)
select system_identifier,
  ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer
from pg_control_system()
on conflict do nothing
returning (select count(*) from servers) > 0"""
STEP = "select n, setval('document_numbers', n + %s) from nextval('document_numbers') n"


async def step_over(url: str) -> tuple[int, int] | None:
    """The numbers that are left out, the first and the last, where there was a restore."""
    async with await psycopg.AsyncConnection.connect(url) as connection, connection.transaction():
        return await left_out(connection)


async def left_out(connection: psycopg.AsyncConnection[Any]) -> tuple[int, int] | None:
    """The same, in a transaction of the caller's."""
    async with connection.cursor(row_factory=tuple_row) as cursor:
        noted = await (await cursor.execute(NOTE)).fetchone()
        if noted is None or not noted[0]:
            return None
        [first, last] = await (await cursor.execute(STEP, [LEFT_OUT])).fetchone() or (0, 0)
        return int(first), int(last)
