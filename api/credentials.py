"""Whose a credential is. What is wrong with one is counted by its reason, and kept nowhere."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import jwt

from api.principals import ClaimsInvalid, Principal, principal_of
from api.tokens import (
    ALGORITHM,
    ISSUER,
    Expected,
    LivesTooLong,
    foreign_kind_of,
    header_of,
    kind_of,
    read_claims,
)
from graph.clients import now
from graph.settings import Settings
from monitoring import metrics
from tools.api_keys import ApiKeys, is_api_key
from tools.database import Pool
from tools.signing_keys import ALGORITHMS, SigningKeys, SigningKeyUnknown, make_keys_http


class KeyUnknown(jwt.InvalidTokenError):
    """No API key has this id and this secret."""


class KeyEnded(jwt.InvalidTokenError):
    """The API key has expired or was revoked."""


class NothingSent(jwt.InvalidTokenError):
    """There is no credential at all."""


# The first that fits: some of these are kinds of others.
REASONS: tuple[tuple[type[jwt.InvalidTokenError], str], ...] = (
    (NothingSent, "nothing_sent"),
    (KeyUnknown, "key_unknown"),
    (KeyEnded, "key_ended"),
    (SigningKeyUnknown, "signing_key"),
    (LivesTooLong, "lives_too_long"),
    (ClaimsInvalid, "claims"),
    (jwt.MissingRequiredClaimError, "claims"),
    (jwt.ExpiredSignatureError, "expired"),
    (jwt.InvalidSignatureError, "signature"),
    (jwt.InvalidAudienceError, "audience"),
    (jwt.InvalidIssuerError, "issuer"),
    (jwt.InvalidAlgorithmError, "algorithm"),
)


def reason_of(error: jwt.InvalidTokenError) -> str:
    """Why the credential opens nothing, in a word of a closed set."""
    return next((reason for kind, reason in REASONS if isinstance(error, kind)), "malformed")


def count_refused(error: jwt.InvalidTokenError) -> None:
    """One more credential that opens nothing."""
    metrics.SIGN_IN_REFUSED.labels(reason_of(error)).inc()


class Credentials:
    """Reads tokens and API keys. `signing_keys` are those of the sign-in elsewhere, if any."""

    def __init__(
        self, settings: Settings, api_keys: ApiKeys, signing_keys: SigningKeys | None = None
    ) -> None:
        self._secret = settings.tria_secret.get_secret_value()
        self._issuer = settings.tria_jwt_issuer or ""
        self._audience = settings.tria_jwt_audience
        self._api_keys = api_keys
        self._signing_keys = signing_keys

    async def principal(self, credential: str) -> Principal:
        """Whose it is; raises jwt.InvalidTokenError, or BackendUnavailable if it cannot be told."""
        if not credential:
            raise NothingSent
        if is_api_key(credential):
            return await self._of_key(credential)
        algorithm, key_id = header_of(credential)
        if algorithm == ALGORITHM:
            claims = read_claims(credential, self._secret, Expected(ALGORITHM, ISSUER), now())
            return principal_of(kind_of(claims), claims)
        claims = await self._foreign_claims(credential, algorithm, key_id)
        return principal_of(foreign_kind_of(claims), claims)

    async def _foreign_claims(self, token: str, algorithm: str, key_id: str) -> dict[str, Any]:
        """The algorithm is the key's own: what a token says it is proves nothing."""
        if self._signing_keys is None or algorithm not in ALGORITHMS:
            raise jwt.InvalidAlgorithmError("signed in a way that is not accepted here")
        key = await self._signing_keys.key(key_id)
        expected = Expected(key.algorithm_name, self._issuer, self._audience)
        return read_claims(token, key, expected, now())

    async def _of_key(self, key: str) -> Principal:
        row = await self._api_keys.find(key)
        if row is None:
            raise KeyUnknown
        if not row["is_live"]:
            raise KeyEnded
        scopes = {} if row["scopes"] is None else {"scopes": row["scopes"]}
        return principal_of(row["kind"], row["claims"] | scopes)


@asynccontextmanager
async def open_credentials(settings: Settings, pool: Pool) -> AsyncIterator[Credentials]:
    """With a connection to the sign-in elsewhere, where one is configured."""
    api_keys = ApiKeys(pool)
    if settings.tria_jwks_url is None:
        yield Credentials(settings, api_keys)
        return
    async with make_keys_http() as http:
        yield Credentials(settings, api_keys, SigningKeys(http, settings.tria_jwks_url))
