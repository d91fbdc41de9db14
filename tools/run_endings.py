"""How runs end before their answer: cancelled, rolled back, forgotten.

Each step first locks the threads that it is about, so that a message which comes in at the same
moment is either seen, or follows what is left.
"""

from collections.abc import Sequence
from typing import Any, Literal
from uuid import UUID, uuid5

import psycopg
from psycopg.rows import DictRow

from tools.actions.trail import audit
from tools.intake import COLUMNS
from tools.run_statements import LOCK_THREAD, WROTE

HowToCancel = Literal["interrupt", "rollback"]
Connection = psycopg.AsyncConnection[DictRow]

# Ours, or all that nobody works on. One arm for each status: both have an index, which finds the
# few that have not ended among all runs there ever were.
_WHICH = "(run_id = %(run_id)s and owner = %(owner)s or %(run_id)s::uuid is null{and_free})"
TO_END = f"""
cancel is not null and (
  status = 'running' and {_WHICH.format(and_free=" and lease_until < now()")}
  or status = 'queued' and {_WHICH.format(and_free="")})"""

LOCK_THREADS = f"""
select 1 from threads where thread_id in (select thread_id from runs where {TO_END})
order by thread_id for no key update"""

END_CANCELLED = f"""
update runs r set status = 'cancelled', owner = null, updated_at = now(),
  cancel = case when {WROTE} then 'interrupt' else cancel end
where {TO_END} returning {COLUMNS}"""

ASK_AGAIN = """
update runs set answered_by = null where answered_by = any(%s) and status = 'queued'"""

TAKE_BACK = """
update actions set status = 'cancelled', error = 'its message was taken back', updated_at = now()
where action_id = %s and status = 'proposed' returning kind"""

FORGET = f"""
select forget_run(run_id) from runs r where run_id = %(run_id)s and answered_by is null
and status not in ('queued', 'running', 'interrupted') and not for_person and not {WROTE}"""


async def ask_to_cancel(
    connection: Connection, run_ids: Sequence[UUID], thread_id: UUID, how: HowToCancel
) -> None:
    """Mark runs of a thread, and tell whoever works on one."""
    await connection.execute(
        "update runs set cancel = %s where run_id = any(%s) and thread_id = %s"
        " and status in ('running', 'queued') and cancel is null",
        [how, list(run_ids), thread_id],
    )
    await connection.execute(
        "select pg_notify('tria_runs', 'cancel:' || run_id) from runs"
        " where run_id = any(%s) and status = 'running' and cancel is not null",
        [list(run_ids)],
    )


async def end_cancelled(
    connection: Connection, owner: str, run_id: UUID | None
) -> tuple[list[DictRow], list[str]]:
    """End the marked runs; what would have been answered with one is asked on its own again.

    Returns them, and the kinds of the cards that were taken back with their messages.
    """
    values: dict[str, Any] = {"run_id": run_id, "owner": owner}
    await connection.execute(LOCK_THREADS, values)
    ended = await (await connection.execute(END_CANCELLED, values)).fetchall()
    if ended:
        await connection.execute(ASK_AGAIN, [[row["run_id"] for row in ended]])
    rolled = [await _roll_back(connection, row) for row in ended if row["cancel"] == "rollback"]
    return ended, [kind for kind in rolled if kind]


async def forget(connection: Connection, run_id: UUID) -> bool:
    """Delete a run that has ended, led to no write, and that no person had a part in."""
    await connection.execute(LOCK_THREAD, {"run_id": run_id})
    return await (await connection.execute(FORGET, {"run_id": run_id})).fetchone() is not None


async def _roll_back(connection: Connection, run: DictRow) -> str | None:
    """The kind of the card that is taken back, if there is one."""
    card = uuid5(run["asked_in"] or run["run_id"], "action")
    taken_back = await (await connection.execute(TAKE_BACK, [card])).fetchone()
    if taken_back:
        await audit(connection, "assistant", "cancelled", card, "its message was taken back")
    await connection.execute("select forget_run(%s)", [run["run_id"]])
    return str(taken_back["kind"]) if taken_back else None
