"""What a turn begins with, read at once: the conversation up to it, what it was about, its card."""

from dataclasses import dataclass
from typing import Any

from psycopg.rows import DictRow

from tools.actions.selected import COLUMNS as CARD
from tools.actions.selected import OPEN
from tools.conversations import LINE, MESSAGE, WINDOW, Message, message_of
from tools.database import Pool, pipelined

SAID = f"""
select {MESSAGE}, l.turn as in_turn, m.role = 'human'
  and (l.turn = %(turn)s or a.answered_by = %(run_id)s) as is_asked
{LINE} left join runs a on a.run_id = m.run_id
order by l.turn desc, m.seq desc limit %(limit)s"""

FOCUS = """
select r.focus from lineage(%(thread_id)s, %(turn)s, %(limit)s) l join runs r using (run_id)
where r.turn <> %(turn)s and r.status in ('succeeded', 'interrupted') and r.answered_by is null
  and not (r.for_person and r.focus = '{}')
order by r.turn desc limit 1"""

OPEN_CARD = f"""
select {CARD} from actions where thread_id = %(thread_id)s and customer_id = %(customer_id)s
and {OPEN} order by created_at desc limit 1"""


@dataclass(frozen=True)
class Opening:
    """`messages` is the conversation with what this turn answers; `asked` is only that."""

    messages: list[Message]
    asked: list[Message]
    focus: dict[str, Any]
    card: DictRow | None

    @property
    def history(self) -> list[Message]:
        """What was said before."""
        ids = {m["message_id"] for m in self.asked}
        return [m for m in self.messages if m["message_id"] not in ids]


class Turns:
    """Reads what turns begin with."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def opening(self, run: DictRow) -> Opening:
        """All of it in one round trip."""
        values = {name: run[name] for name in ("run_id", "thread_id", "turn")} | {
            "limit": WINDOW,
            "customer_id": run["scope"]["customer_id"],
        }
        async with self._pool.connection() as connection, pipelined(connection):
            said = await connection.execute(SAID, values)
            focus = await connection.execute(FOCUS, values)
            card = await connection.execute(OPEN_CARD, values)
            rows = (await said.fetchall())[::-1]
            found = await focus.fetchone()
            return Opening(
                messages=[message_of(row) for row in rows],
                asked=[message_of(row) for row in rows if row["is_asked"]],
                focus=found["focus"] if found else {},
                card=await card.fetchone(),
            )
