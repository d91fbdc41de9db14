"""A client whose every request is held against the official description when a test ends."""

from collections.abc import AsyncIterator

import pytest

from graph.clients import now
from graph.settings import Settings
from graph.xero import make_xero
from tests.contract.spec import MISSING, SPEC, Recording, Spec
from tests.tools.conftest import pool as pool
from tools.database import Pool
from tools.events import make_redis
from tools.xero.client import XeroClient
from tools.xero.exchange import make_http


@pytest.fixture(scope="session")
def spec() -> Spec:
    if not SPEC.exists():
        pytest.skip(MISSING)
    return Spec()


@pytest.fixture
def recording(spec: Spec) -> Recording:
    """What the test's client sends. Adding an operation: call it on `xero` in a test."""
    return Recording()


@pytest.fixture
async def xero(
    settings: Settings, pool: Pool, redis_url: str, recording: Recording, spec: Spec
) -> AsyncIterator[XeroClient]:
    """A client of the sandbox; the test fails where it sends what Xero does not know."""
    redis = make_redis(redis_url)
    async with make_http() as http:
        http.event_hooks = {"request": [recording]}
        yield make_xero(settings, pool, redis, http, now).client
    await redis.aclose()
    assert recording.requests, "nothing was sent"
    assert [v for request in recording.requests for v in spec.violations(request)] == []
