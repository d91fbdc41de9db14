"""Signing in and out of the console, and its files."""

import re
from importlib import resources
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request, Response

from api.console.rendering import render, see
from api.console.session import check_origin, forget, keep, principal_of_token
from api.demo import demo_staff_token
from api.dependencies import ClientsOf
from api.site import SAFE
from tools.rules import load_rules
from tools.sandbox.company import demo_staff

router = APIRouter(include_in_schema=False)

# A page below /console: no way up, however it is written, and nothing that a header cannot hold.
BACK = re.compile(r"(?!/)(?:(?!(?:\.|%2e){2})[\w/?=&%.,+-])*", re.ASCII | re.IGNORECASE)
FILE = re.compile(r"[a-z][a-z0-9-]*\.(?:css|js)")
TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}
NOT_GOOD = "This token is not one of the console's, or has ended. Make one with: tria sign-in"


@router.get("/console/sign-in")
async def sign_in_page(request: Request, clients: ClientsOf, back: str = "") -> Response:
    """Who is at work?"""
    return _page(request, clients, back)


@router.post("/console/sign-in")
async def sign_in(
    request: Request,
    clients: ClientsOf,
    token: Annotated[str, Form(max_length=9000)] = "",
    staff_id: Annotated[str, Form(max_length=100)] = "",
    back: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """Keep a token that is good; in the demo, make one for whoever was chosen."""
    check_origin(request)
    if clients.settings.tria_demo and staff_id:
        token = demo_staff_token(staff_id, clients)
    principal = await principal_of_token(request, token.strip())
    if principal is None or principal.staff is None:
        return _page(request, clients, back, problem=NOT_GOOD, status=401)
    answer = see(request, back if BACK.fullmatch(back) else "")
    keep(request, answer, token.strip())
    return answer


@router.post("/console/sign-out")
async def sign_out(request: Request) -> Response:
    """The browser forgets who it was."""
    check_origin(request)
    answer = see(request, "sign-in")
    forget(answer)
    return answer


@router.get("/console/static/{name}")
async def static_file(name: str) -> Response:
    """A script or a style of the console."""
    found = resources.files("api.console").joinpath("static", name)
    if not FILE.fullmatch(name) or not found.is_file():
        raise HTTPException(404)
    headers = SAFE | {"Cache-Control": "no-cache"}
    return Response(found.read_bytes(), headers=headers, media_type=TYPES[name.rsplit(".")[-1]])


def _page(
    request: Request, clients: ClientsOf, back: str, problem: str = "", status: int = 200
) -> Response:
    levels = load_rules().escalation.levels
    staff = demo_staff() if clients.settings.tria_demo else []
    people = [(each, levels[each.level].who) for each in staff]
    return render(request, "sign_in.html", people=people, back=back, problem=problem, status=status)
