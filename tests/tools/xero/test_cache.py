from uuid import uuid4

import pytest
from redis.asyncio import Redis

from tools.xero.cache import LONGEST_SECONDS, VERSION_SECONDS, Cache, Recalled
from tools.xero.shared import Shared

TENANT = "t"


@pytest.fixture
def prefix() -> str:
    return f"test-{uuid4().hex}"


@pytest.fixture
def cache(redis: Redis, prefix: str) -> Cache:
    return Cache(Shared(redis, prefix))


async def recall(cache: Cache, *tags: str, path: str = "/Items", tenant: str = TENANT) -> Recalled:
    found = await cache.recall(tenant, path, {"unitdp": "4"}, tags)
    assert found is not None
    return found


async def keep(cache: Cache, *tags: str, body: bytes = b"{}", seconds: int = 60) -> None:
    await cache.keep((await recall(cache, *tags)).name, body, seconds)


async def test_an_answer_is_found_by_every_process(cache: Cache, redis: Redis, prefix: str) -> None:
    await keep(cache, "settings", body='{"Name":"ピザ"}'.encode())
    other = Cache(Shared(redis, prefix))
    assert (await recall(other, "settings")).body == '{"Name":"ピザ"}'.encode()


async def test_another_question_or_organisation_finds_nothing(cache: Cache) -> None:
    await keep(cache)
    assert (await recall(cache, path="/Accounts")).body is None
    assert (await recall(cache, tenant="another")).body is None
    found = await cache.recall(TENANT, "/Items", {}, ())
    assert found is not None
    assert found.body is None


async def test_any_of_its_tags_ends_an_answer_and_no_other(cache: Cache) -> None:
    for forgotten, is_kept in (("a", False), ("b", False), ("c", True)):
        await keep(cache, "a", "b")
        assert await cache.forget(forgotten)
        assert ((await recall(cache, "b", "a")).body is not None) is is_kept


async def test_ids_are_the_same_in_any_case(cache: Cache) -> None:
    contact = str(uuid4())
    await keep(cache, contact.upper())
    assert await cache.forget(contact)
    assert (await recall(cache, contact.upper())).body is None


async def test_an_answer_that_was_asked_for_before_forgetting_is_never_found(
    cache: Cache,
) -> None:
    asked = await recall(cache, "a")
    await cache.forget("a")
    await cache.keep(asked.name, b"old", 60)
    assert (await recall(cache, "a")).body is None


async def test_a_version_that_redis_threw_out_does_not_bring_back_old_answers(
    cache: Cache, redis: Redis, prefix: str
) -> None:
    await keep(cache, "a")
    await redis.delete(f"{prefix}:version:a")
    assert (await recall(cache, "a")).body is None


@pytest.mark.parametrize(("asked", "kept"), [(60, 60), (10**6, LONGEST_SECONDS), (0, 1)])
async def test_nothing_is_kept_longer_than_a_day(
    cache: Cache, redis: Redis, asked: int, kept: int
) -> None:
    name = (await recall(cache, "a")).name
    await cache.keep(name, b"{}", asked)
    assert kept - 2 < await redis.ttl(name) <= kept


async def test_versions_outlive_every_answer(cache: Cache, redis: Redis, prefix: str) -> None:
    await cache.forget("a")
    assert await redis.ttl(f"{prefix}:version:a") > LONGEST_SECONDS
    await redis.expire(f"{prefix}:version:a", 10)
    await recall(cache, "a")
    assert await redis.ttl(f"{prefix}:version:a") > VERSION_SECONDS - 5


@pytest.mark.parametrize("is_away", [True, False])
async def test_without_redis_nothing_is_kept(away: Redis, *, is_away: bool) -> None:
    cache = Cache(Shared(away if is_away else None))
    assert await cache.recall(TENANT, "/Items", {}, ()) is None
    await cache.keep("name", b"{}", 60)
    assert not await cache.forget("a")
