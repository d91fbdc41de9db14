"""The role that the service works as: it owns nothing, and to the audit trail it can only add.

Whoever owns the tables migrates them, and is not needed afterwards.
"""

from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

import psycopg
from psycopg import sql

from tools.database import MIGRATION_LOCK

OWNER_URL = "DATABASE_OWNER_URL"  # whoever migrates has it; the service must not
# The owner's alone; of these the service reads, and into the trail it writes.
READ_ONLY = ("migrations", "audit_seals")
GROWING = {"audit": "actor, event, subject, detail"}  # its number and time are the database's
FUNCTIONS = ("seal_audit()", "prune_audit(integer)")
GRANTS = (
    "grant usage on schema public to {role}",
    "grant select, insert, update, delete on all tables in schema public to {role}",
    "grant usage, select on all sequences in schema public to {role}",
    "grant update on sequence document_numbers to {role}",  # numbers are left out after a restore
    "revoke update, delete on servers from {role}",
    *(f"revoke insert, update, delete on {table} from {{role}}" for table in READ_ONLY),
    *(f"revoke insert, update, delete on {table} from {{role}}" for table in GROWING),
    *(f"grant insert ({said}) on {table} to {{role}}" for table, said in GROWING.items()),
    *(f"grant execute on function {function} to {{role}}" for function in FUNCTIONS),
)
MAKE = (
    "create role {role} login nosuperuser nocreatedb nocreaterole noreplication nobypassrls"
    " password {secret}"
)


def without_owner(environment: Mapping[str, str]) -> dict[str, str]:
    """What a process of the service may know."""
    return {name: value for name, value in environment.items() if name != OWNER_URL}


async def let_in(owner_url: str, service_url: str) -> None:
    """Give the service's role what it needs, and make the role first where there is none."""
    wanted = urlsplit(service_url)
    name, password = unquote(wanted.username or ""), unquote(wanted.password or "")
    role = sql.Identifier(name)
    async with (
        await psycopg.AsyncConnection.connect(owner_url) as connection,
        connection.transaction(),
    ):
        await connection.execute("select pg_advisory_xact_lock(%s)", [MIGRATION_LOCK])
        known = await connection.execute("select 1 from pg_roles where rolname = %s", [name])
        if not await known.fetchone():
            # As a verifier: the password itself is in no statement that a server may log.
            secret = connection.pgconn.encrypt_password(password.encode(), name.encode())
            made = sql.SQL(MAKE).format(role=role, secret=sql.Literal(secret.decode()))
            await connection.execute(made)
        for grant in GRANTS:
            await connection.execute(sql.SQL(grant).format(role=role))
