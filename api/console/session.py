"""Sign-in on the console: the token of one of the staff in a cookie that only we read."""

from typing import Annotated
from urllib.parse import quote, urlsplit

import jwt
from fastapi import Depends, HTTPException, Request, Response

from api.admission import admit
from api.auth import credentials_of, demand, unavailable
from api.console.rendering import console_path, link
from api.credentials import count_refused
from api.principals import Principal
from api.tokens import TOKEN_HOURS, Staff
from tools.errors import BackendUnavailable

COOKIE = "tria_console"
FOREIGN = "This form was sent from another site. Open the console and try again."


async def current_operator(request: Request) -> Staff:
    """Who works here; whoever is not signed in is sent to do so."""
    check_origin(request)
    principal = await principal_of_cookie(request)
    if principal is None or principal.staff is None or "console" not in principal.scopes:
        raise HTTPException(303, "Sign in first.", {"Location": _sign_in_page(request)})
    request.state.principal = principal
    await admit(request, principal.key)
    return principal.staff


async def current_supervisor(staff: Annotated[Staff, Depends(current_operator)]) -> Staff:
    """The same, for what only those may do who lead others."""
    if not (staff.is_supervisor or staff.is_admin):
        raise HTTPException(403, "Only a supervisor may do this: ask one.")
    return staff


async def current_admin(
    request: Request, staff: Annotated[Staff, Depends(current_operator)]
) -> Staff:
    """The same, for what only an admin may do."""
    if not staff.is_admin:
        raise HTTPException(403, "Only an admin may do this: ask one, or sign in as one.")
    demand(request.state.principal, "admin")  # a key may have less than its owner
    return staff


Operator = Annotated[Staff, Depends(current_operator)]
SupervisorOperator = Annotated[Staff, Depends(current_supervisor)]
AdminOperator = Annotated[Staff, Depends(current_admin)]


async def principal_of_cookie(request: Request) -> Principal | None:
    """Whose cookie it is; None without one that is good."""
    token = request.cookies.get(COOKIE)
    return await principal_of_token(request, token) if token else None


async def principal_of_token(request: Request, token: str) -> Principal | None:
    """Whose token it is; None where it is not good (any more)."""
    try:
        return await credentials_of(request).principal(token)
    except jwt.InvalidTokenError as error:
        count_refused(error)
        return None
    except BackendUnavailable:
        raise unavailable() from None


def check_origin(request: Request) -> None:
    """403 for a form that another site sends. Browsers that say nothing send no cookie there."""
    if request.method in ("GET", "HEAD"):
        return
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        raise HTTPException(403, FOREIGN)
    if site is None and origin and urlsplit(origin).netloc != request.headers.get("host"):
        raise HTTPException(403, FOREIGN)


def keep(request: Request, response: Response, token: str) -> None:
    """Sign the browser in."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=TOKEN_HOURS * 3600,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )


def forget(response: Response) -> None:
    """Sign the browser out."""
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")


def _sign_in_page(request: Request) -> str:
    """Where to sign in, and which page to come back to."""
    here = console_path(request) if request.method == "GET" else ""
    return link(request, "sign-in") + (f"?back={quote(here, safe='')}" if here else "")
