"""The service's role: it reads and writes rows, and cannot change the audit trail."""

from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from graph.migrate import prepare_database
from tools.actions.store import Actions
from tools.database import make_pool
from tools.privacy.trail import Trail
from tools.restores import LEFT_OUT
from tools.service_role import OWNER_URL, let_in, without_owner

INSERT = "insert into audit (actor, event, subject) values ('Mei', 'run.resumed', '1')"


@pytest.fixture
async def urls(postgres_url: str) -> tuple[str, str]:
    """A database's owner, and the role that its service works as."""
    name = f"role_{uuid4().hex[:8]}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    owner = f"{postgres_url.rsplit('/', 1)[0]}/{name}"
    service = f"postgresql://{name}:a%20secret@{owner.split('@')[1]}"
    # Twice: every new version does it again.
    for _ in range(2):
        await prepare_database({"DATABASE_URL": service, OWNER_URL: owner, "TRIA_DEMO": "true"})
    return owner, service


@pytest.mark.parametrize(
    "statement",
    [
        "update audit set actor = 'Wei'",
        "delete from audit",
        "truncate audit",
        "alter table audit disable trigger all",
        "drop trigger audit_only_grows on audit",
        "drop table audit cascade",
        "create or replace function refuse_audit_change() returns trigger language plpgsql"
        " as 'begin return null; end'",
        "set session_replication_role = replica",
        "insert into audit_seals (after_id, through_id, row_count, rows_digest, digest)"
        " values (0, 1, 1, '', '')",
        "delete from audit_seals",
        "insert into migrations (name) values ('0099_mine.sql')",
        "set role tria",
        "create table mine (id integer)",
        "insert into audit (at, actor, event, subject) values ('2020-01-01', 'Wei', 'x', '1')",
        "insert into audit (audit_id, actor, event, subject) overriding system value"
        " values (-1, 'Wei', 'x', '1')",
        "select prune_audit(364)",
        "select set_config('tria.audit_retention', 'on', false); delete from audit",
    ],
)
async def test_the_service_cannot_change_what_was_done(
    urls: tuple[str, str], statement: str
) -> None:
    _, service = urls
    async with await psycopg.AsyncConnection.connect(service, autocommit=True) as connection:
        await connection.execute(INSERT)
        with pytest.raises(psycopg.Error) as refused:
            await connection.execute(statement.encode())
        assert refused.value.sqlstate in {"42501", "22023"}
        rows = await (await connection.execute("select actor from audit")).fetchall()
    assert rows == [("Mei",)]


@pytest.mark.parametrize("statement", ["update audit set actor = 'Wei'", "delete from audit"])
async def test_not_even_the_owner_changes_it_by_mistake(
    urls: tuple[str, str], statement: str
) -> None:
    owner, _ = urls
    async with await psycopg.AsyncConnection.connect(owner, autocommit=True) as connection:
        await connection.execute(INSERT)
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="cannot be changed"):
            await connection.execute(statement.encode())


async def test_after_a_failover_the_service_leaves_numbers_out_itself(
    urls: tuple[str, str],
) -> None:
    owner, service = urls
    async with await psycopg.AsyncConnection.connect(owner, autocommit=True) as connection:
        await connection.execute("update servers set timeline = timeline - 1")
    async with make_pool(service, max_size=2) as pool:
        first, second = [int((await Actions(pool).next_number())[5:]) for _ in range(2)]
    assert first > LEFT_OUT
    assert second == first + 1


async def test_the_service_cannot_forget_which_servers_there_were(urls: tuple[str, str]) -> None:
    async with await psycopg.AsyncConnection.connect(urls[1]) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await connection.execute("delete from servers")


async def test_the_service_seals_and_what_is_old_goes(urls: tuple[str, str]) -> None:
    owner, service = urls
    async with await psycopg.AsyncConnection.connect(owner, autocommit=True) as connection:
        await connection.execute(INSERT)
        await connection.execute(
            "insert into audit (at, actor, event, subject)"
            " values (now() - interval '3 years', 'Mei', 'run.retried', '2')"
        )
    async with make_pool(service, max_size=2) as pool:
        trail = Trail(pool)
        sealed = await trail.verify()
        assert (sealed.sealed, sealed.unsealed, sealed.faults) == (2, 0, ())
        async with pool.connection() as connection:
            # The seal has a row that is younger: all of it waits.
            kept = await (await connection.execute("select prune_audit(400)")).fetchone()
            assert kept == {"prune_audit": 0}
        assert (await trail.verify()).digest == sealed.digest


async def test_an_old_seal_goes_whole_and_the_chain_still_holds(urls: tuple[str, str]) -> None:
    owner, service = urls
    async with await psycopg.AsyncConnection.connect(owner, autocommit=True) as owning:
        await owning.execute(
            "insert into audit (at, actor, event, subject)"
            " values (now() - interval '3 years', 'Mei', 'run.retried', '2')"
        )
    async with make_pool(service, max_size=2) as pool:
        trail = Trail(pool)
        async with pool.connection() as connection:
            await trail.seal()
            await connection.execute(INSERT)
            await trail.seal()
            gone = await (await connection.execute("select prune_audit(400)")).fetchone()
            assert gone == {"prune_audit": 1}
        found = await trail.verify()
        assert (found.sealed, found.pruned, found.faults) == (1, 1, ())
    async with await psycopg.AsyncConnection.connect(owner, autocommit=True) as owning:
        await owning.execute("alter table audit disable trigger audit_only_grows")
        await owning.execute("delete from audit")
    async with make_pool(service, max_size=2) as pool:
        [(first, last, fault)] = (await Trail(pool).verify()).faults
    assert (first, last, fault) == (2, 2, "rows were changed, added or removed")


async def test_a_seal_waits_for_whoever_is_still_writing(urls: tuple[str, str]) -> None:
    """A row that is numbered and not committed would else appear behind the seal."""
    _, service = urls
    async with (
        await psycopg.AsyncConnection.connect(service) as writer,
        make_pool(service, max_size=2) as pool,
    ):
        await writer.execute(INSERT)
        async with pool.connection() as other:
            await other.execute(INSERT)
        trail = Trail(pool)
        await trail.seal()
        assert (await trail.verify()).unsealed == 1
        await writer.commit()
        found = await trail.verify()
        assert (found.sealed, found.faults) == (2, ())


async def test_letting_in_changes_no_password(urls: tuple[str, str]) -> None:
    owner, service = urls
    await let_in(owner, service.replace("a%20secret", "another"))
    async with await psycopg.AsyncConnection.connect(service) as connection:
        assert (await (await connection.execute("select 1")).fetchone()) == (1,)


def test_the_service_does_not_learn_who_the_owner_is() -> None:
    assert without_owner({"DATABASE_URL": "a", OWNER_URL: "b"}) == {"DATABASE_URL": "a"}
