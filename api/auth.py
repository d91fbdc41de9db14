"""Sign-in: a bearer token carries the customer, the contacts they may see and their roles."""

from datetime import datetime
from typing import Annotated

import jwt
from fastapi import Depends, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.dependencies import ClientsOf
from api.tokens import CUSTOMERS, OtherAudience, read_claims, signed
from tools.context import Caller

bearer = HTTPBearer(auto_error=False, description="A token from the sign-in.")


def issue_token(secret: str, caller: Caller, now: datetime) -> str:
    """A token for one customer that ends after twelve hours."""
    claims = {
        "sub": caller.customer_id,
        "name": caller.name,
        "company": caller.company,
        "contact_ids": list(caller.contact_ids),
        "roles": sorted(caller.roles),
        "channel": caller.channel,
    }
    return signed(secret, CUSTOMERS, claims, now)


def read_token(secret: str, token: str) -> Caller:
    """The customer the token was issued for; raises OtherAudience, jwt.InvalidTokenError."""
    claims = read_claims(secret, token, CUSTOMERS, ("contact_ids", "roles"))
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
    except OtherAudience as error:
        raise HTTPException(403, "This is for customers: staff work on the console.") from error
    except jwt.InvalidTokenError as error:
        raise not_signed_in() from error


def not_signed_in() -> HTTPException:
    """The answer to a request without a token that is good."""
    return HTTPException(
        401,
        "Sign in first: send 'Authorization: Bearer <token>'.",
        {"WWW-Authenticate": "Bearer"},
    )


SignedIn = Annotated[Caller, Depends(current_caller)]
