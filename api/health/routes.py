"""Liveness, readiness, start and the state of each part, all from what probes remember."""

import time
from typing import Annotated, Any, cast

import orjson
from fastapi import APIRouter, Depends, Request, Response

from api.dependencies import ClientsOf
from api.health.contract import is_alive, is_ready, page_status
from api.health.page import MEDIA_TYPE, health_of, page_of
from api.health.probes import Probes

router = APIRouter(prefix="/health", tags=["health"])

OBJECT: dict[str, Any] = {"schema": {"type": "object"}}
NO: dict[int | str, dict[str, Any]] = {
    503: {"description": "No", "content": {"application/json": OBJECT}}
}
BOTH = {"application/json": OBJECT, MEDIA_TYPE: OBJECT}


def probes_of(request: Request) -> Probes:
    """The probes that the application's lifespan started."""
    return cast(Probes, request.app.state.probes)


ProbesOf = Annotated[Probes, Depends(probes_of)]


@router.get("/live", responses=NO)
async def live(response: Response, probes: ProbesOf, clients: ClientsOf) -> dict[str, str]:
    """Whether the process works: 503 means start it again. Says nothing about its parts."""
    is_ticking = is_alive(time.monotonic() - probes.ticked)
    return _said(response, is_yes=is_ticking and clients.executor.is_working)


@router.get("/ready", responses=NO)
async def ready(response: Response, probes: ProbesOf) -> dict[str, str]:
    """Whether to send new messages here: 200 while Postgres answers and it stays, else 503."""
    return _said(response, is_yes=is_ready(probes.states(), is_draining=probes.is_draining))


@router.get("/startup", responses=NO)
async def startup(response: Response, probes: ProbesOf) -> dict[str, str]:
    """Whether it has started: 200 from when Postgres first answered, with a schema that fits."""
    return _said(response, is_yes=probes.has_started)


@router.get(
    "",
    response_class=Response,
    responses={
        200: {"description": "It works, or limps", "content": BOTH},
        503: {"description": "It does not work", "content": BOTH},
    },
)
async def health(request: Request, probes: ProbesOf) -> Response:
    """Each part with its state and since when; 503 when the service does not work.

    As `application/health+json` for whoever asks for that.
    """
    is_asked = MEDIA_TYPE in request.headers.get("accept", "")
    return Response(
        orjson.dumps(health_of(probes) if is_asked else page_of(probes)),
        page_status(probes.states(time.monotonic())),
        {"Cache-Control": "no-store", "Vary": "Accept"},
        MEDIA_TYPE if is_asked else "application/json",
    )


def _said(response: Response, *, is_yes: bool) -> dict[str, str]:
    response.status_code = 200 if is_yes else 503
    response.headers["Cache-Control"] = "no-store"
    return {"status": "pass" if is_yes else "fail"}
