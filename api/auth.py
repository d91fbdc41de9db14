"""Sign-in: what a route asks of whoever sends a request.

The credential comes as `Authorization: Bearer ...` or, as LangGraph's clients send it, in
`x-api-key`. A route asks for one of the types at the end of this file.
"""

from dataclasses import dataclass
from typing import Annotated, cast

import jwt
from fastapi import Depends, HTTPException
from fastapi.requests import HTTPConnection
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from api.admission import admit
from api.credentials import Credentials, count_refused
from api.principals import Principal
from api.scopes import Scope
from api.tokens import Kind, Staff
from monitoring import metrics
from tools.context import Caller
from tools.errors import BackendUnavailable

RETRY_SECONDS = 5
FOR: dict[Kind, str] = {
    "customer": "This is for customers: staff work on the console.",
    "staff": "This is for staff: sign in on the console.",
    "service": "This is for services.",
}

bearer = HTTPBearer(auto_error=False, description="A token from the sign-in, or an API key.")
api_key = APIKeyHeader(name="x-api-key", auto_error=False, description="The same, for clients.")


async def presented(
    token: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
    key: Annotated[str | None, Depends(api_key)],
) -> str:
    """The credential that was sent; empty without one."""
    return token.credentials if token else key or ""


def credentials_of(connection: HTTPConnection) -> Credentials:
    """What the application's lifespan opened."""
    return cast(Credentials, connection.app.state.credentials)


async def current_principal(
    connection: HTTPConnection, credential: Annotated[str, Depends(presented)]
) -> Principal:
    """Who is signed in, else 401. Whoever comes later finds it on the request's state."""
    try:
        principal = await credentials_of(connection).principal(credential)
    except jwt.InvalidTokenError as error:
        count_refused(error)
        raise not_signed_in() from None
    except BackendUnavailable:
        metrics.SIGN_IN_REFUSED.labels("unavailable").inc()
        raise unavailable() from None
    connection.state.principal = principal
    await admit(connection, principal.key)
    return principal


async def signed_in(connection: HTTPConnection) -> Principal:
    """The same for what FastAPI fills no parameters of: call a `Needs` with it."""
    credential = await presented(await bearer(connection), await api_key(connection))
    return await current_principal(connection, credential)


AnyPrincipal = Annotated[Principal, Depends(current_principal)]


def not_signed_in() -> HTTPException:
    """The answer to a request without a credential that is good, whatever is wrong with it."""
    return HTTPException(
        401,
        "Sign in first: send 'Authorization: Bearer <token>'.",
        {"WWW-Authenticate": "Bearer"},
    )


def unavailable() -> HTTPException:
    """The answer while nobody can say whether a credential is good."""
    return HTTPException(
        503,
        "The sign-in cannot be checked right now. Try again shortly.",
        {"Retry-After": str(RETRY_SECONDS)},
    )


def demand(principal: Principal, scope: Scope) -> None:
    """403 for whoever lacks the scope."""
    if scope not in principal.scopes:
        metrics.SIGN_IN_REFUSED.labels("scope").inc()
        raise HTTPException(
            403,
            f"This needs the scope '{scope}', which this sign-in does not have.",
            {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{scope}"'},
        )


def demand_kind(principal: Principal, kind: Kind) -> None:
    """403 for whoever is of another kind."""
    if principal.kind != kind:
        metrics.SIGN_IN_REFUSED.labels("kind").inc()
        raise HTTPException(403, FOR[kind])


@dataclass(frozen=True)
class Needs:
    """Anybody with the scope; staff and services may need another one than customers."""

    scope: Scope
    of_others: Scope

    async def __call__(self, principal: AnyPrincipal) -> Principal:
        """The principal, else 401 or 403."""
        demand(principal, self.scope if principal.kind == "customer" else self.of_others)
        return principal


@dataclass(frozen=True)
class CustomerNeeds:
    """A customer with the scope, and nobody else."""

    scope: Scope

    async def __call__(self, principal: AnyPrincipal) -> Caller:
        """The customer, else 401 or 403."""
        demand_kind(principal, "customer")
        demand(principal, self.scope)
        return cast(Caller, principal.caller)


@dataclass(frozen=True)
class StaffNeeds:
    """One of the staff with the scope, and nobody else."""

    scope: Scope

    async def __call__(self, principal: AnyPrincipal) -> Staff:
        """Who of the staff it is, else 401 or 403."""
        demand_kind(principal, "staff")
        demand(principal, self.scope)
        return cast(Staff, principal.staff)


def needs(scope: Scope) -> Needs:
    """Anybody with this scope."""
    return Needs(scope, scope)


def changes(scope: Scope) -> Needs:
    """A customer with this scope on what is theirs; others only to operate."""
    return Needs(scope, "operate")


asking = CustomerNeeds("runs:write")

# Of anybody: pass `principal.customer_id` to look-ups, None sees every customer's.
Reader = Annotated[Principal, Depends(needs("threads:read"))]
ThreadWriter = Annotated[Principal, Depends(changes("threads:write"))]
RunWriter = Annotated[Principal, Depends(changes("runs:write"))]
Operator = Annotated[Principal, Depends(needs("operate"))]
StoreUser = Annotated[Principal, Depends(needs("store"))]

# Of customers alone: what is made belongs to them.
SignedIn = Annotated[Caller, Depends(CustomerNeeds("threads:read"))]
ThreadOwner = Annotated[Caller, Depends(CustomerNeeds("threads:write"))]
Asker = Annotated[Caller, Depends(asking)]
