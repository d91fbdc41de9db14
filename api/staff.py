"""Sign-in of staff: a token of their own kind carries who they are and what they may decide."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Annotated

import jwt
from fastapi import Depends, HTTPException
from fastapi.security import HTTPAuthorizationCredentials
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.auth import OtherAudience, bearer, not_signed_in, read_claims, signed
from api.dependencies import ClientsOf

STAFF = "tria-console"


@dataclass(frozen=True)
class Staff:
    """Who works on the console. `level` is what they may approve; an admin connects Xero."""

    staff_id: str
    name: str
    level: int
    is_admin: bool = False


class _Claim(BaseModel):
    model_config = ConfigDict(strict=True)

    name: str
    level: int = Field(ge=1, le=4)
    is_admin: bool


def issue_staff_token(secret: str, staff: Staff, now: datetime) -> str:
    """A token for one of the staff that ends after twelve hours."""
    claim = {k: v for k, v in asdict(staff).items() if k != "staff_id"}
    return signed(secret, STAFF, {"sub": staff.staff_id, "staff": claim}, now)


def read_staff_token(secret: str, token: str) -> Staff:
    """Who the token was issued for; raises OtherAudience, jwt.InvalidTokenError."""
    claims = read_claims(secret, token, STAFF, ("staff",))
    try:
        claim = _Claim.model_validate(claims["staff"])
    except ValidationError as error:
        raise jwt.InvalidTokenError("the claim 'staff' is not as it should be") from error
    return Staff(claims["sub"], claim.name, claim.level, claim.is_admin)


def current_staff(
    clients: ClientsOf,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> Staff:
    """Who of the staff asks, else 401; 403 for a customer."""
    token = credentials.credentials if credentials else ""
    try:
        return read_staff_token(clients.settings.tria_secret.get_secret_value(), token)
    except OtherAudience as error:
        raise HTTPException(403, "This is for staff: sign in on the console.") from error
    except jwt.InvalidTokenError as error:
        raise not_signed_in() from error


StaffMember = Annotated[Staff, Depends(current_staff)]


def current_admin(staff: StaffMember) -> Staff:
    """The same, for what only an admin may do."""
    if not staff.is_admin:
        raise HTTPException(403, "Only an admin may do this: ask one, or sign in as one.")
    return staff


Admin = Annotated[Staff, Depends(current_admin)]
