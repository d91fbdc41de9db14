"""How much every process logs, for a while: to look closer without starting anything again."""

from typing import Any

from fastapi import APIRouter
from psycopg.rows import DictRow
from pydantic import Field

from api.dependencies import ClientsOf
from api.health.routes import ProbesOf
from api.schemas import Body
from api.staff import Admin, StaffMember
from monitoring.logging import DEFAULT
from tools.log_level import Level, LogLevels

router = APIRouter(prefix="/admin/log-level", tags=["console"])

LONGEST_MINUTES = 24 * 60


class Wanted(Body):
    """A level, and for how long: it always ends by itself."""

    level: Level
    minutes: int = Field(30, ge=1, le=LONGEST_MINUTES)


@router.get("")
async def get_level(clients: ClientsOf, staff: StaffMember) -> dict[str, Any]:
    """The level now, and until when where somebody has set it."""
    return _shown(await LogLevels(clients.pool).read())


@router.put("")
async def put_level(
    body: Wanted, clients: ClientsOf, probes: ProbesOf, admin: Admin
) -> dict[str, Any]:
    """Log at this level here at once, and within two seconds in every other replica."""
    found = await LogLevels(clients.pool).set(body.level, body.minutes, admin.staff_id)
    probes.take_level(found)
    return _shown(found)


@router.delete("", status_code=204)
async def delete_level(clients: ClientsOf, probes: ProbesOf, admin: Admin) -> None:
    """Back to the usual level."""
    await LogLevels(clients.pool).end(admin.staff_id)
    probes.take_level(None)


def _shown(row: DictRow | None) -> dict[str, Any]:
    if row is None:
        return {"level": DEFAULT, "until": None, "set_by": None, "set_at": None}
    return {name: row[name] for name in ("level", "until", "set_by", "set_at")}
