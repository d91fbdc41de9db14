"""Redis is slow, or full: customers get their answers all the same."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis

from tests.chaos.conftest import Stand, answered, open_thread, turn

OWED = "what do I owe?"
LATE_SECONDS = 0.8


@contextmanager
def slow(stand: Stand) -> Iterator[None]:
    wire = stand.wires["REDIS_URL"]
    before, wire.delay = wire.passed, LATE_SECONDS
    yield
    assert wire.passed > before, "nobody asked Redis"


@contextmanager
def full(stand: Stand) -> Iterator[None]:
    """It takes nothing more, and drops nothing either."""
    with redis.Redis.from_url(stand.redis) as client:
        client.config_set("maxmemory", "1mb")
        try:
            with pytest.raises(redis.OutOfMemoryError):
                client.set("more", "x")
            yield
        finally:
            client.config_set("maxmemory", "0")


# T10, T12
@pytest.mark.parametrize("trouble", [slow, full])
def test_a_redis_in_trouble_costs_no_answer_and_no_message(stand: Stand, trouble: object) -> None:
    assert callable(trouble)
    with stand.client() as client:
        thread = open_thread(client)
        answered(client, OWED, thread)
        with trouble(stand):
            began = time.monotonic()
            streamed = client.post(f"/threads/{thread}/runs/stream", json=turn(OWED))
            assert "You owe" in streamed.text
            assert "You owe" in answered(client, OWED, thread)
            assert time.monotonic() - began < 30
        kinds = [
            m["type"] for m in client.get(f"/threads/{thread}/state").json()["values"]["messages"]
        ]
        assert kinds == ["human", "ai"] * 3
