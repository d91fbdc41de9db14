"""What bearer tokens carry: ours, signed with one secret, and those of a sign-in elsewhere."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, get_args

import jwt

if TYPE_CHECKING:
    from tools.context import Caller

Kind = Literal["customer", "staff", "service"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Role = Literal["agent", "supervisor", "admin"]
SUPERVISOR = 3  # the level of those who lead others

ISSUER = "tria"
ALGORITHM = "HS256"
LEEWAY = timedelta(seconds=60)
TOKEN_HOURS = 12
LONGEST = timedelta(
    hours=24
)  # a token that is good for longer is a password that nobody can change
LONGEST_TOKEN = 8192  # characters
CUSTOMERS = "tria-chat"
STAFF = "tria-console"
SERVICES = "tria-service"
AUDIENCES: dict[str, Kind] = {CUSTOMERS: "customer", STAFF: "staff", SERVICES: "service"}
TERMINAL = "cli:"  # begins the name of whoever works at a terminal

# PyJWT lets some of these out for claims and headers that are no numbers, or nested too deeply.
MALFORMED = (ValueError, TypeError, OverflowError, RecursionError)


class LivesTooLong(jwt.InvalidTokenError):
    """The token ends too far in the future."""


@dataclass(frozen=True)
class Staff:
    """Who works on the console. `level` is what they may approve; an admin connects Xero."""

    staff_id: str
    name: str
    level: int
    is_admin: bool = False

    @property
    def is_supervisor(self) -> bool:
        """Whether they may change what a turn knew, and see personal data."""
        return self.level >= SUPERVISOR

    @property
    def role(self) -> Role:
        """What the console calls them."""
        if self.is_admin:
            return "admin"
        return "supervisor" if self.is_supervisor else "agent"


@dataclass(frozen=True)
class Expected:
    """What a token has to say for itself. Without an audience it is read from the token."""

    algorithm: str
    issuer: str
    audience: str | None = None


def signed(secret: str, audience: str, claims: dict[str, Any], now: datetime) -> str:
    """A token with these claims, for one audience, that ends after twelve hours."""
    times = {"iat": now, "exp": now + timedelta(hours=TOKEN_HOURS)}
    return jwt.encode({**claims, **times, "iss": ISSUER, "aud": audience}, secret, ALGORITHM)


def issue_token(secret: str, caller: "Caller", now: datetime) -> str:
    """A token for one customer."""
    return signed(secret, CUSTOMERS, claims_of(caller), now)


def issue_staff_token(secret: str, staff: Staff, now: datetime) -> str:
    """A token for one of the staff."""
    return signed(secret, STAFF, staff_claims(staff), now)


def claims_of(caller: "Caller") -> dict[str, Any]:
    """A customer as a token or an API key carries them."""
    return {
        "sub": caller.customer_id,
        "name": caller.name,
        "company": caller.company,
        "contact_ids": list(caller.contact_ids),
        "roles": sorted(caller.roles),
        "channel": caller.channel,
    }


def staff_claims(staff: Staff) -> dict[str, Any]:
    """One of the staff, likewise."""
    rank = {k: v for k, v in asdict(staff).items() if k != "staff_id"}
    return {"sub": staff.staff_id, "staff": rank}


def header_of(token: str) -> tuple[str, str]:
    """The algorithm and key id that a token claims; nothing of it is proven yet."""
    if len(token) > LONGEST_TOKEN:
        raise jwt.DecodeError("the token is too long")
    try:
        header = jwt.get_unverified_header(token)
    except MALFORMED as error:
        raise jwt.DecodeError("the token is malformed") from error
    algorithm, key_id = header.get("alg"), header.get("kid", "")
    if not isinstance(algorithm, str) or not isinstance(key_id, str):
        raise jwt.DecodeError("the token's header is malformed")
    return algorithm, key_id


def read_claims(token: str, key: Any, expected: Expected, now: datetime) -> dict[str, Any]:
    """A token's claims; raises jwt.InvalidTokenError for whatever is wrong with it."""
    required: Sequence[str] = ("sub", "exp", "iss", *(("aud",) if expected.audience else ()))
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[expected.algorithm],
            issuer=expected.issuer,
            audience=expected.audience,
            leeway=LEEWAY,
            options={"require": list(required), "verify_aud": expected.audience is not None},
        )
        ends = int(claims["exp"])
    except MALFORMED as error:
        raise jwt.DecodeError("the token is malformed") from error
    if ends > (now + LONGEST + LEEWAY).timestamp():
        raise LivesTooLong("the token ends too far in the future")
    return claims


def kind_of(claims: dict[str, Any]) -> Kind:
    """Whose one of our own tokens is.

    A token without an audience is a customer's: sign-ins that share our secret may know of no
    other kind.
    """
    audience = claims.get("aud", CUSTOMERS)
    if not isinstance(audience, str) or audience not in AUDIENCES:
        raise jwt.InvalidAudienceError("the audience is none of ours")
    return AUDIENCES[audience]


def foreign_kind_of(claims: dict[str, Any]) -> Kind:
    """Whose a token of the sign-in elsewhere is: it says so, else it is a customer's."""
    for kind in KINDS:
        if claims.get("kind", "customer") == kind:
            return kind
    raise jwt.InvalidTokenError("the claim 'kind' is none of ours")
