"""Xero's rotating tokens, kept encrypted in Postgres and refreshed by one process at a time."""

import asyncio
import base64
import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
import psycopg
from cryptography.fernet import Fernet, InvalidToken
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from tools.breaker import NotThePartsFault
from tools.database import Pool, fetch_one
from tools.errors import SettingsInvalid
from tools.xero.sign_in import Grant, GrantRefused, SignIn, XeroApp

REFRESH_BEFORE = timedelta(minutes=5)
SETTLED = timedelta(minutes=1)  # a younger token is not refreshed because a call was refused
UNUSED_LIFE = timedelta(days=60)  # of a refresh token
ALERT_DAYS = 45
INVALID_GRANT = "Xero no longer accepts our refresh token"
COLUMNS = (
    "tenant_id, name, scope, access_token, refresh_token, refreshed_at, connected_by,"
    " connected_at, broken_at, broken_reason, refused"
)


class AccountsOffline(NotThePartsFault):
    """Xero is not connected, or the connection ended: a person must connect it again."""


@dataclass(frozen=True)
class Access:
    """A token that works now, for one organisation. `refreshed_at` tells it from others."""

    token: str = field(repr=False)
    tenant_id: str
    refreshed_at: datetime


@dataclass(frozen=True)
class Connection:
    """What is stored about the connection, without its secrets. Ages are None without tokens."""

    tenant_id: str
    name: str
    scope: frozenset[str]
    connected_by: str
    connected_at: datetime
    broken_at: datetime | None
    broken_reason: str | None
    refreshed_at: datetime | None
    token_age_s: int | None

    @property
    def refresh_age_days(self) -> float | None:
        """Days since the refresh token was last renewed; it ends after 60."""
        return None if self.token_age_s is None else round(self.token_age_s / 86_400, 1)

    @property
    def is_ageing(self) -> bool:
        """Whether somebody should look why it is not renewed: after 45 days."""
        return (self.refresh_age_days or 0) > ALERT_DAYS


def cipher(secret: str) -> Fernet:
    """Encryption under a key derived from the service's secret."""
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(f"xero:{secret}".encode()).digest()))


async def lock_tokens(connection: psycopg.AsyncConnection[DictRow]) -> None:
    """Until the transaction ends nobody else, in any process, changes the tokens."""
    await connection.execute("select pg_advisory_xact_lock(hashtextextended('xero_tokens', 0))")


class Tokens:
    """Hands out a valid access token. The refreshed pair is stored before it is used."""

    def __init__(self, pool: Pool, http: httpx.AsyncClient, app: XeroApp, secret: str) -> None:
        self._pool = pool
        self._app = app
        self._sign_in = SignIn(http, app)
        self._cipher = cipher(secret)
        self._alone = asyncio.Lock()  # one of this process, so that the others need no connection

    async def access(self) -> Access:
        """A token of which five minutes are left; raises AccountsOffline, BackendUnavailable."""
        row = await self._row()
        if row and row["fresh"]:
            return self._access(row)
        self._check_connected(row)
        return await self._refresh_once(UNUSED_LIFE)

    async def expire(self, access: Access) -> None:
        """Forget an access token that Xero refused, unless it is new or another one came."""
        await fetch_one(
            self._pool,
            "update xero_tokens set expires_at = now() where tenant_id = %s"
            " and refreshed_at = %s and refreshed_at < now() - %s returning tenant_id",
            [access.tenant_id, access.refreshed_at, SETTLED],
        )

    async def refresh_if_older_than(self, days: float = 1) -> bool:
        """Keep the refresh token alive while nobody calls; whether there was a need."""
        row = await self._row(timedelta(days=days))
        if row is None or row["fresh"] or row["access_token"] is None or row["broken_at"]:
            return False
        await self._refresh_once(timedelta(days=days))
        return True

    async def connection(self) -> Connection | None:
        """What is stored about the organisation; None before it was ever connected."""
        row = await self._row()
        if row is None:
            return None
        has_tokens = row["access_token"] is not None
        return Connection(
            tenant_id=str(row["tenant_id"]),
            name=row["name"],
            scope=frozenset(row["scope"].split()),
            connected_by=row["connected_by"],
            connected_at=row["connected_at"],
            broken_at=row["broken_at"],
            broken_reason=row["broken_reason"],
            refreshed_at=row["refreshed_at"] if has_tokens else None,
            token_age_s=int(row["age"].total_seconds()) if has_tokens else None,
        )

    async def tenant(self) -> str:
        """The organisation we work in; raises AccountsOffline where none is known."""
        if self._app.tenant_id:
            return self._app.tenant_id
        row = await self._row()
        if row is None:
            raise AccountsOffline("Xero is not connected")
        return str(row["tenant_id"])

    async def _refresh_once(self, older_than: timedelta) -> Access:
        """Refresh under a lock that every replica takes; the second one finds a fresh token."""
        async with (
            self._alone,
            self._pool.connection() as connection,
            connection.transaction(),
        ):
            await lock_tokens(connection)
            found = await connection.execute(*self._question(older_than))
            row = await found.fetchone()
            if row is None or not row["fresh"]:
                self._check_connected(row)
                row = await self._refreshed(connection, row)
        # The transaction has ended: what is used from here on is stored.
        if row is None:
            raise AccountsOffline(f"{INVALID_GRANT}: connect Xero again")
        return self._access(row)

    async def _refreshed(
        self, connection: psycopg.AsyncConnection[DictRow], row: DictRow | None
    ) -> DictRow | None:
        """The row with new tokens; None where no token works any more, which is stored too."""
        tenant = str(row["tenant_id"]) if row else self._app.tenant_id
        try:
            grant = await self._grant(row)
        except GrantRefused:
            await self._store_broken(connection, tenant)
            return None
        found = await connection.execute(
            "insert into xero_tokens"
            " (tenant_id, access_token, refresh_token, expires_at, scope, refreshed_at)"
            " values (%s, %s, %s, now() + %s, %s, clock_timestamp())"
            " on conflict (tenant_id) do update set"
            " access_token = excluded.access_token, refresh_token = excluded.refresh_token,"
            " expires_at = excluded.expires_at, refreshed_at = excluded.refreshed_at,"
            " scope = coalesce(nullif(excluded.scope, ''), xero_tokens.scope),"
            " broken_at = null, broken_reason = null, refused = null"
            " returning tenant_id, access_token, refreshed_at",
            [tenant, *sealed(self._cipher, grant), grant.scope],
        )
        return await found.fetchone()

    async def _grant(self, row: DictRow | None) -> Grant:
        """Use the stored refresh token; where there is none that works, the configured one."""
        configured = self._app.first_refresh_token
        if row and row["refresh_token"] is not None:
            try:
                return await self._sign_in.refresh(self._open(row["refresh_token"]))
            except GrantRefused:
                if not configured:
                    raise
        if not configured:
            raise AccountsOffline("Xero is not connected")
        return await self._sign_in.refresh(configured)

    async def _store_broken(
        self, connection: psycopg.AsyncConnection[DictRow], tenant: str | None
    ) -> None:
        """Nobody asks the sign-in again before somebody connects, or configures other tokens."""
        await connection.execute(
            "insert into xero_tokens (tenant_id, expires_at, broken_at, broken_reason, refused)"
            " values (%s, now(), now(), %s, %s) on conflict (tenant_id) do update set"
            " expires_at = now(), broken_at = now(), broken_reason = excluded.broken_reason,"
            " refused = excluded.refused",
            [tenant, INVALID_GRANT, self._app.mark],
        )
        await connection.execute(
            "insert into audit (actor, event, subject, detail)"
            " values ('tria', 'xero.disconnected', %s, %s)",
            [str(tenant), Jsonb({"reason": INVALID_GRANT})],
        )

    def _check_connected(self, row: DictRow | None) -> None:
        """Raise AccountsOffline at once where asking the sign-in has no prospect."""
        if row and row["broken_at"] and row["refused"] == self._app.mark:
            raise AccountsOffline(f"{row['broken_reason']}: connect Xero again")
        is_configured = self._app.tenant_id and self._app.first_refresh_token
        if row is None and not is_configured:
            raise AccountsOffline("Xero is not connected: connect it, or set XERO_REFRESH_TOKEN")

    async def _row(self, older_than: timedelta = UNUSED_LIFE) -> DictRow | None:
        return await fetch_one(self._pool, *self._question(older_than))

    def _question(self, older_than: timedelta) -> tuple[Any, list[Any]]:
        """The configured organisation; where none is, the one that was connected last."""
        return (
            f"select {COLUMNS}, now() - refreshed_at as age, access_token is not null"
            " and expires_at - now() > %s and refreshed_at > now() - %s as fresh from xero_tokens"
            " where tenant_id = coalesce(%s, tenant_id) order by connected_at desc limit 1",
            [REFRESH_BEFORE, older_than, self._app.tenant_id],
        )

    def _access(self, row: DictRow) -> Access:
        return Access(self._open(row["access_token"]), str(row["tenant_id"]), row["refreshed_at"])

    def _open(self, sealed: bytes) -> str:
        try:
            return self._cipher.decrypt(bytes(sealed)).decode()
        except InvalidToken as error:
            raise SettingsInvalid(
                "TRIA_SECRET is not the one that sealed the stored Xero tokens"
            ) from error


def sealed(cipher: Fernet, grant: Grant) -> tuple[bytes, bytes, timedelta]:
    """A grant as it is stored: access token, refresh token and how long the access lasts."""
    return (
        cipher.encrypt(grant.access_token.encode()),
        cipher.encrypt(grant.refresh_token.encode()),
        timedelta(seconds=grant.seconds),
    )
