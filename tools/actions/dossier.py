"""Everything that a person needs to decide about a card."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from psycopg.rows import DictRow

from tools.actions.reasons import Reason, reason_of
from tools.actions.records import ActionRecords
from tools.ordering.delivery import business_deadline
from tools.rules import load_rules

History = dict[UUID, list[DictRow]]


@dataclass(frozen=True)
class Dossier:
    """A card that waits, why, how urgent it is, and what came before.

    `due` is when its level should have decided, in business hours. Forgotten is what has waited so
    long by the clock on the wall that the next level hears of it.
    """

    action: DictRow
    reason: Reason
    due: datetime
    is_late: bool
    is_forgotten: bool
    trail: Sequence[DictRow]
    earlier: Sequence[DictRow]


async def dossiers(
    records: ActionRecords, actions: Sequence[DictRow], now: datetime
) -> list[Dossier]:
    """Those of several cards that wait, in their order."""
    ids = [action["action_id"] for action in actions]
    trails, earlier = await records.trails(ids), await records.earlier(ids)
    return [_dossier(each, now, (trails, earlier)) for each in actions]


def urgency(action: DictRow, now: datetime) -> tuple[datetime, bool, bool]:
    """When it should be decided, whether that is over, and whether it is forgotten."""
    escalation = load_rules().escalation
    minutes = escalation.levels[action["approval_level"]].target_minutes
    due = business_deadline(action["confirmed_at"], minutes)
    last = action["confirmed_at"] + timedelta(hours=escalation.forgotten_hours)
    return due, now > due, bool(action["escalated_at"]) or now > last


def _dossier(
    action: DictRow,
    now: datetime,
    history: tuple[History, History],
) -> Dossier:
    due, is_late, is_forgotten = urgency(action, now)
    trails, earlier = history
    return Dossier(
        action=action,
        reason=reason_of(action),
        due=due,
        is_late=is_late,
        is_forgotten=is_forgotten,
        trail=trails[action["action_id"]],
        earlier=earlier[action["action_id"]],
    )
