"""A card that a person changed: the one that waited ends, and another takes its place.

The customer is shown that one by a turn of its own, and says yes to exactly that one or nothing is
written. So that no answer can be taken for it before it is seen, it is only prepared until then.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from psycopg.rows import DictRow

from tools.actions.proposing import Connection, Proposal, store_card
from tools.actions.selected import COLUMNS, WAITING
from tools.actions.trail import OnEnd, audit, close_ticket, nobody
from tools.database import Pool, fetch_one
from tools.errors import OperationRefused
from tools.intake import queue_notice

LOCK = "select 1 from threads where thread_id = %s for no key update"
CHANGED = "changed"  # the error of a card that another one replaces


@dataclass(frozen=True)
class Agreed:
    """Who changed a card, of which level they are, and what they note for the record.

    `order` is the order as it may be changed further by the customer.
    """

    who: str
    level: int
    note: str = ""
    order: Mapping[str, Any] | None = None


def replacement_of(action_id: UUID) -> UUID:
    """The id of the card that takes its place: a card is changed once."""
    return uuid5(action_id, "changed")


class Replacing:
    """Cards that wait for a person, ended by others that are different; `on_end` is told of it."""

    def __init__(self, pool: Pool, on_end: OnEnd = nobody) -> None:
        self._pool = pool
        self._on_end = on_end

    async def replace(self, old: UUID, proposal: Proposal, agreed: Agreed) -> None:
        """End the old card, prepare the other one and queue the turn that shows it."""
        async with self._pool.connection() as connection, connection.transaction():
            # Of two colleagues with two cards of a conversation the second sees the first's.
            await connection.execute(LOCK, [proposal.thread_id])
            ended = await _end(connection, old, agreed)
            if ended is None:
                raise OperationRefused("This card does not wait for a decision any more.")
            await _refuse_beside_another(connection, proposal)
            await store_card(connection, proposal, "prepared")
            await connection.execute(
                "update actions set replaces = %s, agreed_by = %s, agreed_level = %s"
                " where action_id = %s",
                [old, agreed.who, agreed.level, proposal.action_id],
            )
            await audit(connection, agreed.who, "prepared", proposal.action_id, f"instead of {old}")
            await close_ticket(connection, ended["run_id"])
            notice = {"kind": "changed", "action_id": str(proposal.action_id)}
            told = notice | ({"order": dict(agreed.order)} if agreed.order else {})
            run_id = uuid5(NAMESPACE_OID, f"{proposal.action_id}:prepared")
            await queue_notice(connection, run_id, ended, told)
        self._on_end(ended["kind"], "cancelled")

    async def made_of(self, action_id: UUID) -> DictRow | None:
        """The card that took this one's place."""
        return await fetch_one(
            self._pool, f"select {COLUMNS} from actions where replaces = %s", [action_id]
        )


async def _end(connection: Connection, action_id: UUID, agreed: Agreed) -> DictRow | None:
    ended = await connection.execute(
        "update actions set status = 'cancelled', error = %s, decided_by = %s,"
        " decided_at = now(), updated_at = now()"
        f" where action_id = %s and {WAITING} returning {COLUMNS}",
        [CHANGED, agreed.who, action_id],
    )
    if row := await ended.fetchone():
        await audit(connection, agreed.who, "changed", action_id, agreed.note)
    return row


async def _refuse_beside_another(connection: Connection, proposal: Proposal) -> None:
    """A card that the customer is looking at is not taken away from under their hands."""
    found = await connection.execute(
        "select card ->> 'title' as title from actions where thread_id = %s"
        " and status in ('proposed', 'prepared') and expires_at > now()",
        [proposal.thread_id],
    )
    if row := await found.fetchone():
        raise OperationRefused(
            f"The customer is being asked about another card ({row['title']}): change this one"
            " once they have answered."
        )
