"""A signed-in SDK client, a plain HTTP client, staff, and a service with a database of its own."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient
from redis import Redis

from api.app import create_app
from api.tokens import Staff, issue_staff_token
from graph.clients import now
from graph.settings import Settings
from tests.conftest import SECRET, Served, customer, forget_guesses, headers_of
from tests.databases import another
from tools.sandbox.company import demo_staff

# Answers that are to be the same to the byte are asked for as parts of one trace.
ONE_TRACE = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}


@pytest.fixture(autouse=True)
def nobody_guessed(redis_url: str) -> None:
    """What one test tried in vain must not be held against the next."""
    forget_guesses(redis_url)


@pytest.fixture
async def sdk(service_url: str) -> AsyncIterator[LangGraphClient]:
    async with get_client(url=service_url, api_key=None, headers=headers_of(customer())) as client:
        yield client


@pytest.fixture
async def http(service_url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        base_url=service_url, headers=headers_of(customer()), timeout=30
    ) as client:
        yield client


def colleague(index: int = 0) -> Staff:
    """Of levels 2, 3 and 4, the last of them an admin."""
    found = demo_staff()[index]
    return Staff(found.staff_id, found.name, found.level, found.is_admin)


def staff_headers(who: Staff) -> dict[str, str]:
    return {"Authorization": f"Bearer {issue_staff_token(SECRET, who, now())}"}


def staff_client(url: str, index: int = -1) -> httpx.Client:
    """A colleague's; the director and admin unless told else."""
    return httpx.Client(base_url=url, headers=staff_headers(colleague(index)), timeout=30)


@pytest.fixture
def own_database(postgres_url: str) -> str:
    return another(postgres_url)


Serve = Callable[..., str]


@pytest.fixture
def serve(environment: dict[str, str], service_url: str, own_database: str) -> Iterator[Serve]:
    """Starts a service on a database and a Redis of its own, with changed settings; its address.

    It finds the policies indexed in the data folder by the service that runs already.
    """
    own_redis = f"{environment['REDIS_URL'].rsplit('/', 1)[0]}/7"
    with Redis.from_url(own_redis) as redis:
        redis.flushdb()
    own = environment | {"DATABASE_URL": own_database, "REDIS_URL": own_redis}
    with ExitStack() as stack:

        def start(**changed: str) -> str:
            values = {k.lower(): v for k, v in (own | changed).items() if v}
            app = create_app(Settings.model_validate(values))
            return stack.enter_context(Served(app)).url

        yield start
