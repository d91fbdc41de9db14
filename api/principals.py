"""Who asks, and what they may do: customers, staff and services, each with scopes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import jwt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.scopes import CONSOLE, MOST, OWN, Scope
from api.tokens import Kind, Staff
from tools.context import Caller
from tools.synthetic import CUSTOMER as SYNTHETIC


@dataclass(frozen=True)
class Principal:
    """Whoever is signed in. Customers have a caller, staff have their level, services neither."""

    kind: Kind
    subject: str
    scopes: frozenset[Scope]
    caller: Caller | None = None
    staff: Staff | None = None

    @property
    def customer_id(self) -> str | None:
        """Whose threads this one may see, where its scope lets it see any; None for everybody's."""
        return self.subject if self.kind == "customer" else None

    @property
    def key(self) -> str:
        """Names this one among all the others."""
        return f"{self.kind}:{self.subject}"


class _Claims(BaseModel):
    """What every kind carries. Names that are not ours are nobody's business here."""

    model_config = ConfigDict(strict=True)

    sub: str = Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")
    scopes: list[Scope] | None = None


class _Customer(_Claims):
    name: str = Field("Customer", max_length=200)
    company: str = Field("", max_length=200)
    contact_ids: list[Annotated[str, Field(min_length=1, max_length=100)]]
    roles: list[Annotated[str, Field(min_length=1, max_length=100)]]
    channel: str = Field("web", max_length=50)


class _Rank(BaseModel):
    model_config = ConfigDict(strict=True)

    name: str = Field(max_length=200)
    level: int = Field(ge=1, le=4)
    is_admin: bool


class _Staff(_Claims):
    staff: _Rank


class _Service(_Claims):
    scopes: list[Scope]


def principal_of(kind: Kind, claims: Mapping[str, Any]) -> Principal:
    """Whom these claims name; raises jwt.InvalidTokenError where they are not as they should be."""
    try:
        match kind:
            case "customer":
                return _customer(_Customer.model_validate(claims))
            case "staff":
                return _staff(_Staff.model_validate(claims))
            case "service":
                return _service(_Service.model_validate(claims))
    except ValidationError as error:
        names = sorted({str(e["loc"][0]) for e in error.errors()})
        raise ClaimsInvalid(f"these claims are not as they should be: {', '.join(names)}") from None


class ClaimsInvalid(jwt.InvalidTokenError):
    """A claim is missing or not of its kind; the message names it, never its value."""


def _customer(claims: _Customer) -> Principal:
    if claims.sub == SYNTHETIC:
        raise ClaimsInvalid("this customer is the service's own")
    caller = Caller(
        customer_id=claims.sub,
        name=claims.name,
        company=claims.company,
        contact_ids=tuple(claims.contact_ids),
        roles=frozenset(claims.roles),
        channel=claims.channel,
    )
    return Principal("customer", claims.sub, _granted("customer", claims, OWN), caller)


def _staff(claims: _Staff) -> Principal:
    rank = claims.staff
    more: frozenset[Scope] = frozenset(("threads:read", "operate", "admin"))
    usual = CONSOLE | more if rank.is_admin else CONSOLE
    scopes = _granted("staff", claims, usual)
    if not rank.is_admin:
        scopes -= {"admin"}
    staff = Staff(claims.sub, rank.name, rank.level, rank.is_admin)
    return Principal("staff", claims.sub, scopes, staff=staff)


def _service(claims: _Service) -> Principal:
    return Principal("service", claims.sub, _granted("service", claims, frozenset()))


def _granted(kind: Kind, claims: _Claims, usual: frozenset[Scope]) -> frozenset[Scope]:
    return usual if claims.scopes is None else frozenset(claims.scopes) & MOST[kind]
