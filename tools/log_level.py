"""How much every process logs for a while: one row in Postgres, which each looks at."""

from typing import Literal

from psycopg.rows import DictRow

from tools.audit import note
from tools.database import Pool, fetch_one

Level = Literal["debug", "info", "warning", "error"]

FOUND = "level, until, set_by, set_at, extract(epoch from until - now())::float as seconds_left"
READ = f"select {FOUND} from log_level where until > now()"
SET = f"""
insert into log_level (level, until, set_by)
values (%(level)s, now() + %(minutes)s * interval '1 minute', %(by)s)
on conflict (is_only) do update set level = excluded.level, until = excluded.until,
  set_by = excluded.set_by, set_at = now()
returning {FOUND}"""


class LogLevels:
    """Setting it, always with an end, and reading it."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def read(self) -> DictRow | None:
        """What is set and not over yet."""
        return await fetch_one(self._pool, READ)

    async def set(self, level: Level, minutes: int, by: str) -> DictRow:
        """Have every process log at this level, until the minutes are over."""
        async with self._pool.connection() as connection, connection.transaction():
            values = {"level": level, "minutes": minutes, "by": by}
            found = await (await connection.execute(SET, values)).fetchone()
            assert found is not None  # noqa: S101 (an upsert that returns)
            await note(
                connection, by, "log_level.set", "log_level", {"level": level, "minutes": minutes}
            )
        return found

    async def end(self, by: str) -> None:
        """Back to what it is without; nothing to do where nothing is set."""
        async with self._pool.connection() as connection, connection.transaction():
            gone = await connection.execute("delete from log_level where until > now()")
            if gone.rowcount:
                await note(connection, by, "log_level.ended", "log_level")
