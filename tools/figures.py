"""What the database knows of the whole service at this moment, as figures to be watched.

A connection of its own: a pool that is busy must not hide that it is.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import psycopg
from psycopg.rows import DictRow, dict_row

from tools.actions.selected import WAITING
from tools.xero.events import MOST_TRIES

STATEMENT_SECONDS, CONNECT_SECONDS, SILENT_SECONDS = 1, 2, 5
STUCK_MINUTES = 10

Figures = Mapping[str, Mapping[str, float]]

# Where a person has the conversation, what customers write waits for them.
_DUE = """from runs r where status = 'queued' and due_at is null and answered_by is null
  and (resume is not null or not exists (
    select 1 from threads t where t.thread_id = r.thread_id and t.person is not null))"""
_LONG = f"updated_at < now() - interval '{STUCK_MINUTES} minutes'"
_AGE = "coalesce(extract(epoch from now() - min(updated_at)), 0)"
_LATE = "deadline < now()"
# Each row is a gauge, its label and its value. Every part has an index of its own, where the table
# is one that grows.
FIGURES = " union all ".join(
    (
        *(
            f"select 'tria_runs' as gauge, '{status}' as label, count(*)::float8 as value"
            f" from runs where status = '{status}'"
            for status in ("queued", "running", "interrupted")
        ),
        f"select 'tria_queue_oldest_seconds', '', {_AGE} {_DUE}",
        f"select 'tria_runs_stuck', '', (select count(*) {_DUE} and {_LONG})"
        f" + (select count(*) from runs where status = 'running' and {_LONG})",
        *(
            f"select {what} from actions where status = '{status}'"
            for status in ("prepared", "proposed", "confirmed", "approved")
            for what in (
                f"'tria_actions', '{status}', count(*)",
                f"'tria_actions_oldest_seconds', '{status}', {_AGE}",
            )
        ),
        "select 'tria_writes_unknown', '', count(*) from action_writes where status = 'sent'",
        "select 'tria_writes_unknown_oldest_seconds', '',"
        " coalesce(extract(epoch from now() - min(sent_at)), 0)"
        " from action_writes where status = 'sent'",
        f"select 'tria_approvals', 'waiting', count(*) from actions where {WAITING}",
        "select 'tria_approvals', 'late', count(*) from actions a"
        f" join tickets t on t.task_key = a.run_id || ':hand_off' and t.{_LATE}"
        " where a.status = 'confirmed' and a.approval_level is not null",
        "select 'tria_tickets', 'open', count(*) from tickets where status = 'open'",
        f"select 'tria_tickets', 'late', count(*) from tickets where status = 'open' and {_LATE}",
        *(
            f"select 'tria_xero_events', '{label}', count(*) from xero_events"
            f" where done_at is null and tries {compared} {MOST_TRIES}"
            for label, compared in (("waiting", "<"), ("parked", ">="))
        ),
    )
)
SIGNED_IN = """
select tenant_id::text, broken_at is null and access_token is not null as is_well,
  broken_at is not null as is_broken, extract(epoch from now() - refreshed_at)::float8 as age_s
from xero_tokens order by connected_at desc"""


@dataclass(frozen=True)
class SignedIn:
    """How the sign-in to Xero stands; `age_s` is the refresh token's, None without one."""

    tenant_id: str | None
    is_connected: bool
    age_s: float | None


class Watched:
    """Reads the figures, one question at a time."""

    def __init__(self, url: str, tenant_id: str | None, *, has_token: bool) -> None:
        self._url = url
        self._tenant = tenant_id
        self._has_token = has_token
        self._connection: psycopg.AsyncConnection[DictRow] | None = None

    async def figures(self) -> tuple[Figures, SignedIn]:
        """Every gauge by its labels, and the sign-in; raises what keeps the database away."""
        connection = await self._connected()
        try:
            rows = await (await connection.execute(FIGURES.encode())).fetchall()
            signed_in = await (await connection.execute(SIGNED_IN)).fetchall()
        except BaseException:
            await connection.close()
            raise
        found: dict[str, dict[str, float]] = defaultdict(dict)
        for row in rows:
            found[row["gauge"]][row["label"]] = float(row["value"])
        return found, self._sign_in(signed_in)

    async def aclose(self) -> None:
        """Let go of the connection."""
        if self._connection:
            await self._connection.close()

    def _sign_in(self, rows: list[DictRow]) -> SignedIn:
        """Ours, or where we are told of none the one that was connected last."""
        ours = next((r for r in rows if self._tenant in (None, r["tenant_id"])), None)
        if ours is None:
            return SignedIn(self._tenant, self._has_token, None)
        is_connected = ours["is_well"] or (self._has_token and not ours["is_broken"])
        return SignedIn(ours["tenant_id"], is_connected, ours["age_s"])

    async def _connected(self) -> psycopg.AsyncConnection[DictRow]:
        if self._connection is None or self._connection.closed:
            self._connection = await psycopg.AsyncConnection[DictRow].connect(
                self._url,
                autocommit=True,
                row_factory=dict_row,
                options=f"-c statement_timeout={STATEMENT_SECONDS * 1000}",
                # A server that is not there any more is noticed without a word of it.
                connect_timeout=CONNECT_SECONDS,
                tcp_user_timeout=1000 * SILENT_SECONDS,
                keepalives_idle=SILENT_SECONDS,
            )
        return self._connection
