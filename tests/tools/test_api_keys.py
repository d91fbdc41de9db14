import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from tools.api_keys import MOST_LIVE, ApiKeys, IssuedKey, NewKey, TooManyKeys
from tools.database import Pool, fetch_all, fetch_one

CLAIMS = {"sub": "gateway"}


@pytest.fixture
async def keys(pool: Pool) -> AsyncIterator[ApiKeys]:
    yield ApiKeys(pool)
    async with pool.connection() as connection:
        await connection.execute("delete from api_keys")


async def issue(keys: ApiKeys, subject: str = "gateway", **changes: Any) -> IssuedKey:
    asked = NewKey("service", subject, {"sub": subject}, days=30, scopes=["metrics"])
    return await keys.issue(replace(asked, **changes), "cli:Mei")


async def test_a_key_is_found_by_itself_alone(keys: ApiKeys) -> None:
    issued, other = await issue(keys), await issue(keys, "other")
    found = await keys.find(issued.key)
    assert found is not None
    assert (found["subject"], found["claims"], found["scopes"]) == ("gateway", CLAIMS, ["metrics"])
    assert found["is_live"]
    assert "secret_hash" not in found
    head, _, secret = issued.key.partition(".")
    mixed = f"{head}.{other.key.partition('.')[2]}"
    changed = f"{head}.{secret[:-1]}{'A' if secret[-1] != 'A' else 'B'}"
    unknown = f"tria_{'0' * 16}.{secret}"
    for wrong in (mixed, changed, unknown):
        assert await keys.find(wrong) is None


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "tria_",
        "tria_.",
        "tria_0000000000000000",
        "tria_0000000000000000.",
        f"tria_0000000000000000.{'a' * 42}",
        f"tria_0000000000000000.{'a' * 44}",
        f"tria_0000000000000000.{'é' * 43}",
        f"tria_000000000000000\x00.{'a' * 43}",
        f"tria_{'٠' * 16}.{'a' * 43}",
        f"tria_0000000000000000.{'a' * 43}\n",
        "tria_' or true --.x",
    ],
    ids=range(12),
)
async def test_what_has_not_the_form_of_a_key_is_none(keys: ApiKeys, wrong: str) -> None:
    assert await keys.find(wrong) is None


async def test_the_secret_is_stored_nowhere(keys: ApiKeys, pool: Pool) -> None:
    issued = await issue(keys, note="for the gateway")
    secret = issued.key.partition(".")[2]
    assert len(secret) == 43, "256 bits"
    rows = await fetch_all(pool, "select t::text as row from api_keys t")
    rows += await fetch_all(pool, "select t::text as row from audit t")
    text = "".join(row["row"] for row in rows)
    assert issued.row["key_id"] in text
    assert secret not in text
    assert secret not in repr(issued)
    kept = await fetch_one(pool, "select secret_hash from api_keys")
    assert kept is not None
    assert bytes(kept["secret_hash"]) == hashlib.sha256(secret.encode()).digest()


async def test_revoked_and_expired_keys_are_not_live(keys: ApiKeys, pool: Pool) -> None:
    revoked, expired = await issue(keys), await issue(keys)
    assert (await keys.revoke(revoked.row["key_id"], "cli:Mei")) is not None
    assert await keys.revoke(revoked.row["key_id"], "cli:Mei") is None
    await fetch_one(
        pool,
        "update api_keys set expires_at = now() where key_id = %s returning 1",
        [expired.row["key_id"]],
    )
    for issued in (revoked, expired):
        found = await keys.find(issued.key)
        assert found is not None
        assert not found["is_live"]
    assert await keys.all() == []
    assert len(await keys.all(with_ended=True)) == 2


async def test_one_key_takes_the_place_of_another_and_no_third_does(keys: ApiKeys) -> None:
    first, _ = await issue(keys), await issue(keys)
    with pytest.raises(TooManyKeys):
        await issue(keys)
    await issue(keys, kind="staff")
    await keys.revoke(first.row["key_id"], "cli:Mei")
    await issue(keys)


async def test_keys_issued_at_once_are_not_more_than_allowed(keys: ApiKeys) -> None:
    made = await asyncio.gather(*(issue(keys) for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(each, IssuedKey) for each in made) == MOST_LIVE
    assert all(isinstance(each, IssuedKey | TooManyKeys) for each in made)


async def test_issuing_and_revoking_are_audited(keys: ApiKeys, pool: Pool) -> None:
    key_id = (await issue(keys)).row["key_id"]
    await keys.revoke(key_id, "cli:Shanti")
    rows = await fetch_all(
        pool,
        "select actor, event, detail from audit where subject = %s order by audit_id",
        [key_id],
    )
    told = {"kind": "service", "subject": "gateway"}
    assert [tuple(row.values()) for row in rows] == [
        ("cli:Mei", "key.issued", told),
        ("cli:Shanti", "key.revoked", told),
    ]
