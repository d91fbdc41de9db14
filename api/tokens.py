"""What bearer tokens carry. One secret signs them all; the audience tells whose they are."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import jwt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

ISSUER = "tria"
ALGORITHM = "HS256"
LEEWAY = timedelta(seconds=60)
TOKEN_HOURS = 12
CUSTOMERS = "tria-chat"
STAFF = "tria-console"
TERMINAL = "cli:"  # begins the name of whoever works at a terminal


class OtherAudience(jwt.InvalidAudienceError):
    """The token is good, and opens something else."""


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


def signed(secret: str, audience: str, claims: dict[str, Any], now: datetime) -> str:
    """A token with these claims, for one audience, that ends after twelve hours."""
    times = {"iat": now, "exp": now + timedelta(hours=TOKEN_HOURS)}
    return jwt.encode({**claims, **times, "iss": ISSUER, "aud": audience}, secret, ALGORITHM)


def read_claims(secret: str, token: str, audience: str, needed: tuple[str, ...]) -> dict[str, Any]:
    """A token's claims; raises OtherAudience, or jwt.InvalidTokenError for any other fault.

    A token without an audience is a customer's: sign-ins elsewhere may know of no other kind.
    """
    claims: dict[str, Any] = jwt.decode(
        token,
        secret,
        algorithms=[ALGORITHM],
        issuer=ISSUER,
        leeway=LEEWAY,
        options={"require": ["sub", "exp", "iss"], "verify_aud": False},
    )
    if claims.get("aud", CUSTOMERS) != audience:
        raise OtherAudience
    for name in needed:
        if name not in claims:
            raise jwt.MissingRequiredClaimError(name)
    return claims


def issue_staff_token(secret: str, staff: Staff, now: datetime) -> str:
    """A token for one of the staff."""
    claim = {k: v for k, v in asdict(staff).items() if k != "staff_id"}
    return signed(secret, STAFF, {"sub": staff.staff_id, "staff": claim}, now)


def read_staff_token(secret: str, token: str) -> Staff:
    """Whom of the staff it was issued for; raises OtherAudience, jwt.InvalidTokenError."""
    claims = read_claims(secret, token, STAFF, ("staff",))
    try:
        claim = _Claim.model_validate(claims["staff"])
    except ValidationError as error:
        raise jwt.InvalidTokenError("the claim 'staff' is not as it should be") from error
    return Staff(claims["sub"], claim.name, claim.level, claim.is_admin)
