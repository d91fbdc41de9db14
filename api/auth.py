"""Sign-in: a bearer token carries the customer, the contacts they may see and their roles."""

from datetime import datetime, timedelta
from typing import Annotated

import jwt
from fastapi import Depends, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.dependencies import ClientsOf
from tools.context import Caller

ISSUER = "tria"
ALGORITHM = "HS256"
LEEWAY = timedelta(seconds=60)
TOKEN_HOURS = 12
CLAIMS = ("sub", "exp", "iss", "contact_ids", "roles")

bearer = HTTPBearer(auto_error=False, description="A token from the sign-in.")


def issue_token(secret: str, caller: Caller, now: datetime) -> str:
    """A token for one customer that ends after twelve hours."""
    return jwt.encode(
        {
            "iss": ISSUER,
            "sub": caller.customer_id,
            "name": caller.name,
            "company": caller.company,
            "contact_ids": list(caller.contact_ids),
            "roles": sorted(caller.roles),
            "channel": caller.channel,
            "iat": now,
            "exp": now + timedelta(hours=TOKEN_HOURS),
        },
        secret,
        ALGORITHM,
    )


def read_token(secret: str, token: str) -> Caller:
    """Who the token was issued for; raises jwt.InvalidTokenError."""
    claims = jwt.decode(
        token,
        secret,
        algorithms=[ALGORITHM],
        issuer=ISSUER,
        leeway=LEEWAY,
        options={"require": list(CLAIMS)},
    )
    return Caller(
        customer_id=claims["sub"],
        name=claims.get("name", "Customer"),
        company=claims.get("company", ""),
        contact_ids=tuple(claims["contact_ids"]),
        roles=frozenset(claims["roles"]),
        channel=claims.get("channel", "web"),
    )


def current_caller(
    request: Request,
    clients: ClientsOf,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> Caller:
    """The signed-in customer, else 401."""
    # LangGraph's clients send what they call an API key in this header.
    token = credentials.credentials if credentials else request.headers.get("x-api-key", "")
    try:
        return read_token(clients.settings.tria_secret.get_secret_value(), token)
    except jwt.InvalidTokenError as error:
        raise HTTPException(
            401,
            "Sign in first: send 'Authorization: Bearer <token>'.",
            {"WWW-Authenticate": "Bearer"},
        ) from error


SignedIn = Annotated[Caller, Depends(current_caller)]
