"""Runs that ended long ago cost the sweep nothing, which asks every second on every replica."""

import pytest

from tools.database import Pool
from tools.run_endings import END_CANCELLED, LOCK_THREADS


@pytest.mark.parametrize("query", [LOCK_THREADS, END_CANCELLED])
async def test_what_is_to_be_ended_is_found_without_reading_every_run(
    pool: Pool, query: str
) -> None:
    async with pool.connection() as connection:
        await connection.execute("set enable_seqscan = off")  # the table is empty here
        plan = await connection.execute(
            f"explain {query}", {"run_id": None, "owner": "this worker"}
        )
        lines = [str(row["QUERY PLAN"]) for row in await plan.fetchall()]
        await connection.execute("reset enable_seqscan")
    assert any("runs_waiting" in line for line in lines)
    assert not [line for line in lines if "Seq Scan on runs" in line]
