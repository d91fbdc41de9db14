"""API keys: long-lived credentials that are issued once, replaced in good time and revoked.

A key reads `tria_<id>.<secret>`. The secret is 256 bits of chance, so that one round of SHA-256
keeps it: there is nothing to guess. It is shown when it is issued and stored nowhere.
"""

import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from tools.database import Pool, fetch_all, fetch_one

PREFIX = "tria_"
ID_BYTES = 8
SECRET_BYTES = 32
FORM = re.compile(rf"{PREFIX}([0-9a-f]{{{2 * ID_BYTES}}})\.([\w-]{{43}})", re.ASCII)
MOST_LIVE = 2  # the one in use, and the one that takes its place
NO_HASH = hashlib.sha256().digest()

LIVE = "revoked_at is null and expires_at > now()"
COLUMNS = (
    "key_id, kind, subject, claims, scopes, note, created_at, created_by, expires_at, revoked_at,"
    " revoked_by"
)


class TooManyKeys(Exception):
    """The subject has as many live keys as it may have: one of them is revoked first."""


@dataclass(frozen=True)
class NewKey:
    """Whose it is, what it carries and for how long. `scopes` None: what its kind has."""

    kind: str
    subject: str
    claims: Mapping[str, Any]
    days: int
    scopes: Sequence[str] | None = None
    note: str = ""


@dataclass(frozen=True)
class IssuedKey:
    """A key with its secret, this once."""

    row: DictRow
    key: str = field(repr=False)


class ApiKeys:
    """The api_keys table. Time is the database's, so that all processes agree on it."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def issue(self, asked: NewKey, by: str) -> IssuedKey:
        """Make a key; raises TooManyKeys."""
        key_id, secret = secrets.token_hex(ID_BYTES), secrets.token_urlsafe(SECRET_BYTES)
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute(
                "select pg_advisory_xact_lock(hashtextextended('api_keys' || %s || %s, 0))",
                [asked.kind, asked.subject],
            )
            found = await connection.execute(
                "insert into api_keys (key_id, secret_hash, kind, subject, claims, scopes, note,"
                " created_by, expires_at)"
                " select %s, %s, %s, %s, %s, %s, %s, %s, now() + make_interval(days => %s)"
                " where (select count(*) from api_keys"
                f" where kind = %s and subject = %s and {LIVE}) < {MOST_LIVE}"
                f" returning {COLUMNS}",
                [
                    *(key_id, _hash(secret), asked.kind, asked.subject, Jsonb(dict(asked.claims))),
                    *(None if asked.scopes is None else list(asked.scopes), asked.note, by),
                    *(asked.days, asked.kind, asked.subject),
                ],
            )
            row = await found.fetchone()
            if row is None:
                raise TooManyKeys(f"{asked.subject} has {MOST_LIVE} live keys")
            await connection.execute(AUDIT, [by, "key.issued", key_id, _detail(row)])
        return IssuedKey(row, f"{PREFIX}{key_id}.{secret}")

    async def find(self, key: str) -> DictRow | None:
        """The row of a key whose secret is right, live or not; None for any other."""
        read = FORM.fullmatch(key)
        if read is None:
            return None
        key_id, secret = read.groups()
        row = await fetch_one(
            self._pool,
            f"select {COLUMNS}, secret_hash, {LIVE} as is_live from api_keys where key_id = %s",
            [key_id],
        )
        kept = bytes(row.pop("secret_hash")) if row else NO_HASH
        return row if secrets.compare_digest(kept, _hash(secret)) else None

    async def all(self, *, with_ended: bool = False) -> list[DictRow]:
        """Every key, the live ones unless asked else, by whose they are."""
        return await fetch_all(
            self._pool,
            f"select {COLUMNS}, {LIVE} as is_live from api_keys where %s or {LIVE}"
            " order by kind, subject, created_at",
            [with_ended],
        )

    async def revoke(self, key_id: str, by: str) -> DictRow | None:
        """End a key at once; None where there is none that has not been revoked already."""
        async with self._pool.connection() as connection, connection.transaction():
            found = await connection.execute(
                "update api_keys set revoked_at = now(), revoked_by = %s"
                f" where key_id = %s and revoked_at is null returning {COLUMNS}",
                [by, key_id],
            )
            row = await found.fetchone()
            if row:
                await connection.execute(AUDIT, [by, "key.revoked", key_id, _detail(row)])
        return row


AUDIT = "insert into audit (actor, event, subject, detail) values (%s, %s, %s, %s)"


def is_api_key(credential: str) -> bool:
    """Whether it has the form of one; a token never has."""
    return credential.startswith(PREFIX)


def _detail(row: DictRow) -> Jsonb:
    return Jsonb({"kind": row["kind"], "subject": row["subject"]})


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="replace")).digest()
