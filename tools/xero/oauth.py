"""Xero's rotating tokens, kept encrypted in Postgres and refreshed by one process at a time."""

import base64
import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
from cryptography.fernet import Fernet, InvalidToken
from psycopg.rows import DictRow

from tools.database import Pool, fetch_one
from tools.errors import BackendRejected, BackendUnavailable, SettingsInvalid

REFRESH_BEFORE = timedelta(minutes=5)


@dataclass(frozen=True)
class XeroApp:
    """What identifies our app and the organisation it works in."""

    token_url: str
    client_id: str
    client_secret: str
    tenant_id: str
    first_refresh_token: str | None


def cipher(secret: str) -> Fernet:
    """Encryption under a key derived from the service's secret."""
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(f"xero:{secret}".encode()).digest()))


class Tokens:
    """Hands out a valid access token. The refreshed pair is stored before it is used."""

    def __init__(self, pool: Pool, http: httpx.AsyncClient, app: XeroApp, secret: str) -> None:
        self._pool = pool
        self._http = http
        self._app = app
        self._cipher = cipher(secret)

    async def access_token(self) -> str:
        """The current access token, refreshed when less than five minutes of it are left."""
        row = await fetch_one(
            self._pool,
            "select access_token, expires_at - now() > %s as fresh from xero_tokens"
            " where tenant_id = %s",
            [REFRESH_BEFORE, self._app.tenant_id],
        )
        if row and row["fresh"]:
            return self._open(row["access_token"])
        return await self._refresh_once()

    async def _refresh_once(self) -> str:
        """Refresh under a lock that every replica takes; the second one finds a fresh token."""
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute(
                "select pg_advisory_xact_lock(hashtextextended('xero_tokens', 0))"
            )
            found = await connection.execute(
                "select access_token, refresh_token, expires_at - now() > %s as fresh"
                " from xero_tokens where tenant_id = %s",
                [REFRESH_BEFORE, self._app.tenant_id],
            )
            row = await found.fetchone()
            if row and row["fresh"]:
                return self._open(row["access_token"])
            answer = await self._exchange_any(row)
            await connection.execute(
                "insert into xero_tokens (tenant_id, access_token, refresh_token, expires_at)"
                " values (%s, %s, %s, now() + %s) on conflict (tenant_id) do update set"
                " access_token = excluded.access_token, refresh_token = excluded.refresh_token,"
                " expires_at = excluded.expires_at, refreshed_at = now()",
                [
                    self._app.tenant_id,
                    self._cipher.encrypt(answer["access_token"].encode()),
                    self._cipher.encrypt(answer["refresh_token"].encode()),
                    timedelta(seconds=int(answer["expires_in"])),
                ],
            )
        return str(answer["access_token"])

    async def expire(self) -> None:
        """Forget an access token that Xero refused, unless another one came in the meantime."""
        await fetch_one(
            self._pool,
            "update xero_tokens set expires_at = now() where tenant_id = %s"
            " and refreshed_at < now() - interval '5 seconds' returning tenant_id",
            [self._app.tenant_id],
        )

    async def _exchange_any(self, row: DictRow | None) -> dict[str, Any]:
        """Use the stored refresh token; where there is none that works, the configured one."""
        configured = self._app.first_refresh_token
        if row:
            try:
                return await self._exchange(self._open(row["refresh_token"]))
            except BackendRejected:
                if not configured:
                    raise
        if not configured:
            raise SettingsInvalid("Xero is not connected: set XERO_REFRESH_TOKEN once.")
        return await self._exchange(configured)

    async def _exchange(self, refresh_token: str) -> dict[str, Any]:
        try:
            answer = await self._http.post(
                self._app.token_url,
                data={"grant_type": "refresh_token", "refresh_token": refresh_token},
                auth=(self._app.client_id, self._app.client_secret),
            )
        except httpx.HTTPError as error:
            raise BackendUnavailable("Xero's sign-in does not answer") from error
        if answer.status_code >= 500:
            raise BackendUnavailable("Xero's sign-in failed")
        if answer.status_code != 200:
            raise BackendRejected("Xero refused the refresh token: connect Xero again")
        tokens: dict[str, Any] = answer.json()
        return tokens

    def _open(self, sealed: bytes) -> str:
        try:
            return self._cipher.decrypt(bytes(sealed)).decode()
        except InvalidToken as error:
            raise SettingsInvalid(
                "TRIA_SECRET is not the one that sealed the stored Xero tokens"
            ) from error
