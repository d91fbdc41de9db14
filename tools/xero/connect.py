"""Connecting Xero: an admin signs in there, comes back with a code and chooses an organisation."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import psycopg
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from tools.database import Pool, fetch_one
from tools.errors import BackendRejected, TriaError
from tools.xero.oauth import cipher, lock_tokens, sealed
from tools.xero.sign_in import GrantRefused, Organisation, SignIn

STATE_LIFE = timedelta(minutes=10)  # to come back from Xero, and again to choose


class SignInInvalid(TriaError):
    """This sign-in was not begun by this admin, was used before, or is too old: begin again."""

    code = "sign_in_invalid"


class OrganisationRefused(TriaError):
    """The organisation is not among those of the sign-in, or not the one in XERO_TENANT_ID."""

    code = "organisation_refused"


@dataclass(frozen=True)
class Pending:
    """A sign-in that came back and waits for the admin who began it to choose."""

    admin: str
    organisations: tuple[Organisation, ...]


class Connecting:
    """The three steps. Until the last one nothing changes for the running service."""

    def __init__(self, pool: Pool, sign_in: SignIn, secret: str, tenant_id: str | None) -> None:
        self._pool = pool
        self._sign_in = sign_in
        self._cipher = cipher(secret)
        self._only = UUID(tenant_id) if tenant_id else None

    async def begin(self, admin: str) -> str:
        """Where to send the admin's browser. The state in it works once, for ten minutes."""
        state = secrets.token_urlsafe(32)
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute("delete from xero_sign_ins where expires_at < now()")
            await connection.execute(
                "insert into xero_sign_ins (state, admin, expires_at) values (%s, %s, now() + %s)",
                [_digest(state), admin, STATE_LIFE],
            )
            await _audit(connection, admin, "sign_in_begun", "")
        return self._sign_in.authorize_url(state)

    async def finish(self, state: str, code: str) -> list[Organisation]:
        """What the admin may choose from, after Xero sent the browser back with these two.

        Raises SignInInvalid, BackendRejected for a code that Xero does not know and
        BackendUnavailable; after each of them the admin begins again.
        """
        await self._come_back(state)
        try:
            grant = await self._sign_in.exchange(code)
        except GrantRefused as error:
            raise BackendRejected("Xero does not know the code: begin again") from error
        access, refresh, lasts = sealed(self._cipher, grant)
        await self._store(
            "access_token = %s, refresh_token = %s, token_expires_at = now() + %s, scope = %s,"
            " expires_at = now() + %s",
            [access, refresh, lasts, grant.scope, STATE_LIFE, _digest(state)],
        )
        found = await self._sign_in.connections(grant.access_token)
        named = [{"tenant_id": str(o.tenant_id), "name": o.name} for o in found]
        await self._store("organisations = %s", [Jsonb(named), _digest(state)])
        return found

    async def pending(self, state: str) -> Pending | None:
        """What there is to choose from, and for whom; None when nothing waits."""
        row = await fetch_one(
            self._pool,
            "select admin, organisations from xero_sign_ins where state = %s"
            " and refresh_token is not null and expires_at > now()",
            [_digest(state)],
        )
        if row is None:
            return None
        found = [Organisation(UUID(o["tenant_id"]), o["name"]) for o in row["organisations"]]
        return Pending(row["admin"], tuple(found))

    async def choose(self, state: str, tenant_id: UUID, admin: str) -> Organisation:
        """Work in this organisation from now on; raises SignInInvalid, OrganisationRefused."""
        if self._only and tenant_id != self._only:
            raise OrganisationRefused("XERO_TENANT_ID names another organisation")
        async with self._pool.connection() as connection, connection.transaction():
            await lock_tokens(connection)
            row = await _pending(connection, state, admin)
            names = {UUID(o["tenant_id"]): str(o["name"]) for o in row["organisations"]}
            if tenant_id not in names:
                raise OrganisationRefused("the sign-in does not open this organisation")
            chosen = Organisation(tenant_id, names[tenant_id])
            await _connect(connection, chosen, row)
        return chosen

    async def _come_back(self, state: str) -> None:
        async with self._pool.connection() as connection, connection.transaction():
            used = await connection.execute(
                "update xero_sign_ins set returned_at = now() where state = %s"
                " and returned_at is null and expires_at > now() returning admin",
                [_digest(state)],
            )
            row = await used.fetchone()
            if row is None:
                raise SignInInvalid("this sign-in is unknown, used or too old: begin again")
            await _audit(connection, row["admin"], "sign_in_returned", "")

    async def _store(self, changes: str, values: list[object]) -> None:
        async with self._pool.connection() as connection:
            await connection.execute(
                f"update xero_sign_ins set {changes} where state = %s".encode(),
                values,
            )


async def _pending(connection: psycopg.AsyncConnection[DictRow], state: str, admin: str) -> DictRow:
    """The finished sign-in, which cannot be used after this."""
    found = await connection.execute(
        "delete from xero_sign_ins where state = %s and admin = %s and expires_at > now()"
        " and refresh_token is not null returning *",
        [_digest(state), admin],
    )
    row = await found.fetchone()
    if row is None:
        raise SignInInvalid("this sign-in is unknown, used or too old: begin again")
    return row


async def _connect(
    connection: psycopg.AsyncConnection[DictRow], chosen: Organisation, row: DictRow
) -> None:
    # Tokens of another organisation would only grow old, and must not be fallen back to.
    await connection.execute("delete from xero_tokens where tenant_id <> %s", [chosen.tenant_id])
    await connection.execute(
        "insert into xero_tokens (tenant_id, name, scope, access_token, refresh_token, expires_at,"
        " refreshed_at, connected_by, connected_at)"
        " values (%s, %s, %s, %s, %s, %s, clock_timestamp(), %s, now())"
        " on conflict (tenant_id) do update set name = excluded.name, scope = excluded.scope,"
        " access_token = excluded.access_token, refresh_token = excluded.refresh_token,"
        " expires_at = excluded.expires_at, refreshed_at = excluded.refreshed_at,"
        " connected_by = excluded.connected_by, connected_at = excluded.connected_at,"
        " broken_at = null, broken_reason = null, refused = null",
        [
            *(chosen.tenant_id, chosen.name, row["scope"]),
            *(row["access_token"], row["refresh_token"], row["token_expires_at"], row["admin"]),
        ],
    )
    await _audit(connection, row["admin"], "connected", str(chosen.tenant_id), name=chosen.name)


async def _audit(
    connection: psycopg.AsyncConnection[DictRow],
    admin: str,
    event: str,
    subject: str,
    **detail: object,
) -> None:
    await connection.execute(
        "insert into audit (actor, event, subject, detail) values (%s, %s, %s, %s)",
        [admin, f"xero.{event}", subject, Jsonb(detail)],
    )


def _digest(state: str) -> bytes:
    return hashlib.sha256(state.encode()).digest()
