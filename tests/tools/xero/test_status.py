from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from redis.asyncio import Redis

from graph.clients import now
from tests.tools.xero.conftest import Scene
from tests.tools.xero.scripted import JSON, Broken, Reply, Scripted
from tools.breaker import Breaker
from tools.errors import BackendUnavailable, TriaError
from tools.xero.exchange import Call
from tools.xero.status import KEPT_ERRORS, Status, XeroStatus


def a_call(**changes: object) -> Call:
    fields: dict[str, object] = {
        "at": now(),
        "method": "GET",
        "path": "/Invoices/{id}",
        "status": 503,
        "problem": "failed",
        "ms": 12,
        "lane": "chat",
        "correlation_id": "c-1",
    }
    return Call(**(fields | changes))  # type: ignore[arg-type]


async def test_every_process_tells_the_same(scene: Scene) -> None:
    headers = {**JSON, "X-DayLimit-Remaining": "4321", "X-MinLimit-Remaining": "43"}
    script = Scripted(Reply(200, b"{}", headers))
    first, second = scene(script), scene(script)
    await first.client.get("/Items")
    found = await second.status.read()
    assert found.is_connected
    assert found.is_shared
    assert found.connection is not None
    assert found.connection.connected_by == "settings"
    assert found.connection.token_age_s is not None
    assert found.connection.token_age_s < 60
    assert not found.connection.is_ageing
    assert (found.limits.day_left, found.limits.minute_left) == (4321, 43)
    assert found.limits.last_ok_at is not None
    assert abs(now() - found.limits.last_ok_at) < timedelta(seconds=30)


async def test_failures_are_listed_without_their_contents(scene: Scene) -> None:
    answer = Reply(500, b"Acme owes 12.34", {"Xero-Correlation-Id": "c-7"})
    script = Scripted(answer, Broken(b"INV-4711 of Acme\r\n\r\n"))
    parts = scene(script)
    for path in ("/Invoices/INV-4711", "/Contacts"):
        with pytest.raises(BackendUnavailable):
            await parts.client.get(path, {"searchTerm": "Acme"})
    found = await scene(script).status.read()
    latest = found.errors[0]
    assert (latest["status"], latest["problem"]) == (0, "answer_lost")
    noted = next(e for e in found.errors if e["correlation_id"] == "c-7")
    assert (noted["method"], noted["path"]) == ("GET", "/Invoices/{id}")
    assert (noted["status"], noted["problem"]) == (500, "failed")
    assert "4711" not in str(found.errors)
    assert "Acme" not in str(found.errors)


async def test_the_last_twenty_failures_are_kept(scene: Scene, redis: Redis) -> None:
    script = Scripted()
    status = scene(script).status
    for index in range(KEPT_ERRORS + 5):
        await status.note(a_call(ms=index))
    await status.note(a_call(problem=None, ms=-1))
    found = (await status.read()).errors
    assert [e["ms"] for e in found] == list(reversed(range(5, KEPT_ERRORS + 5)))
    assert await redis.ttl(f"xero:{urlsplit(script.url).netloc}:errors") > 0


async def test_without_redis_a_process_tells_what_it_knows(scene: Scene) -> None:
    parts = scene(Scripted(Reply(500)), without_redis=True)
    for _ in range(6):
        with pytest.raises(BackendUnavailable):
            await parts.client.get("/Items")
    found = await parts.status.read()
    assert not found.is_shared
    assert len(found.errors) == 5
    assert found.breaker == "open"
    assert found.connection is not None


async def test_a_breaker_that_closes_is_told_too(scene: Scene) -> None:
    status = scene(Scripted()).status
    breaker = Breaker(now, failures=1, rest=timedelta(0))
    with pytest.raises(TriaError), breaker.call():
        raise BackendUnavailable
    await status.note_state(breaker)
    assert (await status.read()).breaker == "half-open"
    with breaker.call():
        pass
    await status.note_state(breaker)
    assert (await status.read()).breaker == "closed"


async def test_before_xero_was_ever_connected(scene: Scene) -> None:
    status: XeroStatus = scene(Scripted(), xero_refresh_token=None).status
    found: Status = await status.read()
    assert found.connection is None
    assert not found.is_connected
