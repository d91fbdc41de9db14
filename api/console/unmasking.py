"""Seeing personal data: one conversation, one colleague, ten minutes.

That it was noted and allowed stands in a signed cookie, so that every process knows of it and none
has to remember it.
"""

from datetime import timedelta
from uuid import UUID

import jwt
from fastapi import Request, Response

from api.dependencies import clients_of
from api.tokens import ALGORITHM, ISSUER, MALFORMED, Staff
from graph.clients import now

MINUTES = 10
AUDIENCE = "tria-unmasked"


def may_unmask(staff: Staff) -> bool:
    """Whether they may see personal data once they have said why."""
    return staff.is_supervisor or staff.is_admin


def sees_all(request: Request, staff: Staff, thread_id: UUID) -> bool:
    """Whether this colleague has unmasked this conversation in the last ten minutes."""
    proof = request.cookies.get(cookie_of(thread_id))
    if not proof or not may_unmask(staff):
        return False
    try:
        claims = jwt.decode(
            proof,
            _secret(request),
            algorithms=[ALGORITHM],
            issuer=ISSUER,
            audience=AUDIENCE,
            options={"require": ["sub", "exp", "iss", "aud"]},
        )
    except (jwt.InvalidTokenError, *MALFORMED):
        return False
    return bool(claims["sub"] == staff.staff_id and claims.get("thread") == str(thread_id))


def allow(request: Request, answer: Response, staff: Staff, thread_id: UUID) -> None:
    """Show them everything for ten minutes."""
    at = now()
    claims = {"sub": staff.staff_id, "thread": str(thread_id), "iss": ISSUER, "aud": AUDIENCE}
    times = {"iat": at, "exp": at + timedelta(minutes=MINUTES)}
    answer.set_cookie(
        cookie_of(thread_id),
        jwt.encode(claims | times, _secret(request), ALGORITHM),
        max_age=MINUTES * 60,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )


def end(answer: Response, thread_id: UUID) -> None:
    """Mask it again."""
    answer.delete_cookie(cookie_of(thread_id), httponly=True, samesite="strict")


def cookie_of(thread_id: UUID) -> str:
    """Each conversation has its own."""
    return f"tria_unmasked_{thread_id.hex}"


def _secret(request: Request) -> str:
    return clients_of(request).settings.tria_secret.get_secret_value()
