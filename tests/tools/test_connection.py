"""What a connection that is cut looks like to whoever uses it."""

import httpx
import pytest
import uvloop
from redis.exceptions import RedisError

from evals.bench.fault.wire import Wire
from tools.events import make_redis


def test_a_cut_connection_to_redis_is_an_error_of_redis_and_the_next_call_works(
    redis_url: str,
) -> None:
    port = httpx.URL(redis_url).port or 0
    wire = Wire(port)

    async def use() -> None:
        async with make_redis(redis_url.replace(f":{port}/", f":{wire.port}/")) as redis:
            for _ in range(20):
                await redis.ping()
                assert wire.cut() == 1
                with pytest.raises(RedisError):
                    await redis.ping()

    try:
        uvloop.run(use())
    finally:
        wire.close()
