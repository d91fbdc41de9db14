"""What Xero tells by webhook: taken in, stored and answered at once; worked on by the sweeper.

Xero disables a webhook whose answers are slow or have a body. It repeats what got no 200.
"""

import asyncio
from uuid import UUID

import structlog
from fastapi import APIRouter, Request, Response

from api.dependencies import ClientsOf
from graph.clients import Clients
from tools.xero.events import Event, events_in, is_signed
from tools.xero.oauth import AccountsOffline

log = structlog.get_logger()
router = APIRouter(tags=["webhooks"])

LARGEST_BODY = 1024 * 1024
STORE_SECONDS = 3  # Xero waits for five


@router.post(
    "/webhooks/xero",
    max_body_size=LARGEST_BODY,
    response_class=Response,
    responses={
        401: {"description": "Not signed with XERO_WEBHOOK_KEY, or that is not set"},
        503: {"description": "Nothing can be stored right now; Xero sends it again"},
    },
)
async def take_events(request: Request, clients: ClientsOf) -> Response:
    """Store what happened in our organisation. The answer never has a body.

    A body that is signed and makes no sense is answered with 200: sending it again would not help.
    """
    body = await request.body()
    key = clients.settings.xero_webhook_key
    signature = request.headers.get("x-xero-signature", "")
    if key is None or not is_signed(body, signature, key.get_secret_value()):
        return Response(status_code=401)
    return Response(status_code=200 if await _is_stored(events_in(body), clients) else 503)


async def _is_stored(events: list[Event], clients: Clients) -> bool:
    if not events:
        return True
    storing = asyncio.ensure_future(_store(events, clients))
    storing.add_done_callback(_look_at)
    # A paused database keeps a cancelled query hanging: leave the task behind instead.
    done, _ = await asyncio.wait({storing}, timeout=STORE_SECONDS)
    return bool(done) and storing.exception() is None


async def _store(events: list[Event], clients: Clients) -> None:
    try:
        tenant_id = UUID(await clients.xero_parts.tokens.tenant())
    except AccountsOffline:
        return  # we work in no organisation: nothing of it is ours
    fresh = await clients.xero_parts.events.store(events, tenant_id)
    log.info("webhook", events=len(events), fresh=fresh)


def _look_at(storing: "asyncio.Future[None]") -> None:
    error = None if storing.cancelled() else storing.exception()
    if error:
        log.warning("webhook not stored", error=type(error).__name__)
