"""How Xero is connected and fares, and connecting it."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

import structlog
from fastapi import APIRouter, HTTPException
from pydantic import Field

from api.dependencies import ClientsOf
from api.schemas import Body
from api.staff import Admin, StaffMember
from graph.clients import Clients
from tools.xero.connect import OrganisationRefused, SignInInvalid
from tools.xero.events import EventsSeen
from tools.xero.oauth import ALERT_DAYS, Connection
from tools.xero.status import Status

log = structlog.get_logger()
router = APIRouter(prefix="/admin/xero", tags=["console"])


class Chosen(Body):
    """The organisation to work in, of those that the sign-in with this state opens."""

    state: str = Field(min_length=1, max_length=200)
    tenant_id: UUID


@router.get("")
async def get_status(clients: ClientsOf, staff: StaffMember) -> dict[str, Any]:
    """The connection, the limits, the last errors and the webhook, with what to do."""
    status = await clients.xero_parts.status.read()
    seen = await clients.xero_parts.events.seen()
    return {
        "is_connected": status.is_connected,
        "to_do": _to_do(status, seen, clients),
        "connection": _connection(status.connection),
        "limits": asdict(status.limits),
        "breaker": {"state": status.breaker, "since": status.breaker_since},
        "errors": status.errors,
        "is_shared": status.is_shared,
        "webhook": {
            "is_configured": clients.settings.xero_webhook_key is not None,
            "last_at": seen.last_at,
            "waiting": seen.waiting,
            "parked": seen.parked,
        },
    }


@router.post("/connect")
async def connect(clients: ClientsOf, admin: Admin) -> dict[str, str]:
    """Where to send the admin's browser, to sign in at Xero and agree."""
    return {"authorize_url": await clients.xero_parts.connecting.begin(admin.staff_id)}


@router.post("/tenant")
async def choose(body: Chosen, clients: ClientsOf, admin: Admin) -> dict[str, str]:
    """Work in this organisation from now on. Only the admin who began the sign-in can say so."""
    connecting = clients.xero_parts.connecting
    try:
        chosen = await connecting.choose(body.state, body.tenant_id, admin.staff_id)
    except SignInInvalid as error:
        raise HTTPException(
            409, "This sign-in is not yours, was used, or is too old. Begin again: Connect Xero."
        ) from error
    except OrganisationRefused as error:
        raise HTTPException(
            409, f"Not connected: {error}. Choose another one, or correct the setting."
        ) from error
    log.info("xero connected", tenant_id=str(chosen.tenant_id), by=admin.staff_id)
    return {"tenant_id": str(chosen.tenant_id), "name": chosen.name}


@router.post("/events/retry")
async def retry_events(clients: ClientsOf, admin: Admin) -> dict[str, int]:
    """Work once more on events that were given up."""
    return {"retried": await clients.xero_parts.events.retry_parked(admin.staff_id)}


def _connection(found: Connection | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "tenant_id": found.tenant_id,
        "name": found.name,
        "scopes": sorted(found.scope),
        "connected_by": found.connected_by,
        "connected_at": found.connected_at,
        "broken_at": found.broken_at,
        "broken_reason": found.broken_reason,
        "refreshed_at": found.refreshed_at,
        "token_age_s": found.token_age_s,
        "refresh_age_days": found.refresh_age_days,
        "is_ageing": found.is_ageing,
    }


def _to_do(status: Status, seen: EventsSeen, clients: Clients) -> list[str]:
    """What somebody should see to, the most urgent first."""
    found, left, day = status.connection, status.limits.day_left, clients.settings.xero_day_limit
    checks = (
        (found is None, "Xero is not connected yet: an admin connects it."),
        (
            bool(found and found.broken_at),
            f"{found.broken_reason if found else ''}: an admin connects it again.",
        ),
        (
            bool(found and found.is_ageing),
            f"The refresh token is older than {ALERT_DAYS} days and ends after 60: connect again,"
            " and find out why it is not renewed daily.",
        ),
        (
            left is not None and left * 5 < day,
            f"Only {left} calls are left of Xero's day: work in the background waits.",
        ),
        (
            bool(seen.parked),
            f"Events were given up ({len(seen.parked)}): see their errors, then retry them.",
        ),
        (
            clients.settings.xero_webhook_key is None,
            "Webhooks are refused: set XERO_WEBHOOK_KEY to the key that Xero shows.",
        ),
        (not status.is_shared, "Redis is away: limits and errors are this process's own."),
    )
    return [text for applies, text in checks if applies]
