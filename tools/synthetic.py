"""What is kept of synthetic conversations: when the next is due, how the last went, no traces."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid5

from psycopg.types.json import Jsonb

from tools.conversations import delete_quiet
from tools.database import Pool, fetch_all, fetch_one

# No sign-in is given this id, and no contact in Xero has this one: were its order ever confirmed,
# Xero would refuse it.
CUSTOMER = "tria-synthetic"
CONTACT = uuid5(UUID(int=0), "tria:synthetic")
MARK = {"synthetic": True}
LED_SECONDS = 300  # the longest that one takes; a process that died with it blocks no longer

# The clock is the database's: of all replicas one leads, once in the time between two.
CLAIM = f"""
insert into synthetic_conversation as kept (led_until, due_at)
values (now() + {LED_SECONDS} * interval '1 second', now() + %s * interval '1 second')
on conflict (is_only) do update set led_until = excluded.led_until, due_at = excluded.due_at
  where kept.led_until <= now() and kept.due_at <= now()
returning 1"""

NOTE = """
insert into synthetic_conversation as kept (is_working, since, ended_at, worked_at, steps)
values (%(is_working)s, now(), now(), case when %(is_working)s then now() end, %(steps)s)
on conflict (is_only) do update set led_until = now(), is_working = excluded.is_working,
  since = case when kept.is_working is distinct from excluded.is_working then now()
    else kept.since end,
  ended_at = now(), worked_at = coalesce(excluded.worked_at, kept.worked_at),
  steps = excluded.steps
returning 1"""

READ = """
select is_working, since, ended_at, worked_at, steps,
  extract(epoch from now() - ended_at)::float as age_s,
  extract(epoch from worked_at)::float as worked_at_epoch
from synthetic_conversation"""

OPEN = "select thread_id from threads where customer_id = %s"
CLOSE_TICKETS = "update tickets set status = 'closed' where customer_id = %s and status = 'open'"
# What was confirmed stays, for whoever asks how that could be.
DROP_CARDS = """
delete from actions where customer_id = %s and status in ('declined', 'expired', 'cancelled')"""
DROP_NAME = "delete from customers where customer_id = %s"


class SyntheticRecord:
    """The one row, and the end of whatever a synthetic conversation left behind."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def claim(self, every_seconds: float) -> bool:
        """Whether one is due now, and ours to lead."""
        return await fetch_one(self._pool, CLAIM, [every_seconds]) is not None

    async def note(self, steps: Sequence[Mapping[str, Any]], *, is_working: bool) -> None:
        """How it went."""
        values = {"steps": Jsonb([dict(step) for step in steps]), "is_working": is_working}
        await fetch_one(self._pool, NOTE, values)

    async def let_go(self) -> None:
        """It was not led after all: the next process may."""
        async with self._pool.connection() as connection:
            await connection.execute(
                "update synthetic_conversation set led_until = now(), due_at = now()"
            )

    async def clean(self) -> int:
        """Delete its conversations, cards and name, also what a process that died left."""
        threads = await fetch_all(self._pool, OPEN, [CUSTOMER])
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute(CLOSE_TICKETS, [CUSTOMER])
            for row in threads:
                await delete_quiet(connection, row["thread_id"], CUSTOMER)
            await connection.execute(DROP_CARDS, [CUSTOMER])
            await connection.execute(DROP_NAME, [CUSTOMER])
        return len(threads)
