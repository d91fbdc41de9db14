"""Resumes all that failed for one reason: listed first, then one after the other, at a pace."""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID, uuid5

from psycopg.rows import DictRow

from graph.clients import Clients
from graph.repair.operations import NoSuchRun, Press, Repair, carry_out
from tools.errors import OperationRefused
from tools.operators.repairs import Repairs

MOST = 200  # of one press; more are there for the next one
# Those who write now come first: so few in a second, and none while as many wait.
PACE_SECONDS = 0.1
MOST_WAITING = 50
LONGEST_WAIT_SECONDS = 30.0


@dataclass(frozen=True)
class Failed:
    """Runs that failed with one error, as it stands in their rows, in a span of time."""

    error: str
    since: datetime
    until: datetime


@dataclass(frozen=True)
class Resumed:
    """What one press came to. `refused` says why for those that could not be resumed any more.

    `is_all` is False where some are left: too many for one press, or the service has enough to do.
    """

    done: tuple[UUID, ...]
    refused: tuple[tuple[UUID, str], ...]
    is_all: bool


async def find_failed(clients: Clients, failed: Failed, most: int = MOST) -> list[DictRow]:
    """What would be resumed, the oldest first: run_id, thread_id, error, updated_at, company."""
    return await Repairs(clients.pool).failed(
        {"error": failed.error, "since": failed.since, "until": failed.until, "most": most}
    )


async def resume_all(clients: Clients, failed: Failed, press: Press) -> Resumed:
    """Resume them as one colleague's work. Pressed again, it goes on with what is left."""
    found = await find_failed(clients, failed, MOST + 1)
    done: list[UUID] = []
    refused: list[tuple[UUID, str]] = []
    for row in found[:MOST]:
        if not await _has_room(clients):
            return Resumed(tuple(done), tuple(refused), is_all=False)
        run_id: UUID = row["run_id"]
        mine = replace(press, once=uuid5(press.once, f"{run_id}:{row['updated_at'].isoformat()}"))
        try:
            await carry_out(clients, run_id, Repair("resume"), mine)
            done.append(run_id)
        except OperationRefused as error:
            refused.append((run_id, str(error)))
        except NoSuchRun:
            refused.append((run_id, "It was deleted just now."))
        await asyncio.sleep(PACE_SECONDS)
    return Resumed(tuple(done), tuple(refused), is_all=len(found) <= MOST)


async def _has_room(clients: Clients) -> bool:
    """Wait until few enough runs wait; False where that takes too long."""
    repairs = Repairs(clients.pool)
    clock = asyncio.get_running_loop().time
    end = clock() + LONGEST_WAIT_SECONDS
    while await repairs.waiting() >= MOST_WAITING:
        if clock() > end:
            return False
        await asyncio.sleep(PACE_SECONDS)
    return True
