"""Two running services: one that answers at once, and one whose model takes its time."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient

from api.app import create_app
from graph.settings import Settings
from tests.conftest import Served, customer, headers_of
from tests.databases import another

# Between the pieces of the slow model's answers: long enough to stop one, or to join it.
PIECE_SECONDS = 0.04


@pytest.fixture(scope="session")
def slow_database(postgres_url: str) -> str:
    return another(postgres_url)


@pytest.fixture
def slow_url(environment: dict[str, str], slow_service: str) -> Iterator[str]:
    """The service whose model is slow as long as this lasts: others set it to their liking."""
    model = environment["XERO_API_URL"].removesuffix("/xero")
    slow = {"mode": "slow", "seconds": PIECE_SECONDS}
    httpx.post(f"{model}/control/model", json=slow).raise_for_status()
    yield slow_service
    httpx.post(f"{model}/control/model", json={"mode": "echo"}).raise_for_status()


@pytest.fixture(scope="session")
def slow_service(
    environment: dict[str, str], service_url: str, slow_database: str
) -> Iterator[str]:
    """A service that finds the policies indexed by the other one."""
    model = environment["XERO_API_URL"].removesuffix("/xero")
    changed = {
        "DATABASE_URL": slow_database,
        "REDIS_URL": f"{environment['REDIS_URL'].rsplit('/', 1)[0]}/6",
        "OPENAI_API_KEY": "a key",
        "OPENAI_BASE_URL": f"{model}/openai/v1",
    }
    values = {name.lower(): value for name, value in (environment | changed).items()}
    with Served(create_app(Settings.model_validate(values))) as served:
        yield served.url


@pytest.fixture
async def sdk(service_url: str) -> AsyncIterator[LangGraphClient]:
    async with get_client(url=service_url, api_key=None, headers=headers_of(customer())) as client:
        yield client


@pytest.fixture
async def slow_sdk(slow_url: str) -> AsyncIterator[LangGraphClient]:
    async with get_client(url=slow_url, api_key=None, headers=headers_of(customer())) as client:
        yield client
