"""What Prometheus scrapes."""

from typing import cast

from fastapi import APIRouter, Depends, Request, Response
from fastapi.requests import HTTPConnection
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from api.auth import needs, signed_in
from api.dependencies import ClientsOf
from api.health.probes import Probes

router = APIRouter(include_in_schema=False)


async def may_scrape(connection: HTTPConnection, clients: ClientsOf) -> None:
    """Anybody who reaches the port, unless a setting closes it: then whoever has the scope."""
    if not clients.settings.tria_metrics_open:
        await needs("metrics")(await signed_in(connection))


@router.get("/metrics", dependencies=[Depends(may_scrape)])
async def prometheus(request: Request) -> Response:
    """Counts and times since the process started, and how its parts are now."""
    cast(Probes, request.app.state.probes).tell()
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
