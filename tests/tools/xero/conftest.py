"""A client of the sandbox's books, and the books of two customers."""

from collections.abc import AsyncIterator

import httpx
import pytest

from graph.clients import now, xero_app
from graph.settings import Settings
from tests.conftest import customer
from tests.tools.conftest import Control
from tools.database import Pool
from tools.sandbox.company import DemoCustomer
from tools.xero.client import XeroClient, make_http
from tools.xero.oauth import Tokens, XeroApp
from tools.xero.scoped import Accounts

SECRET = "seals the tokens of these tests"


@pytest.fixture(scope="session")
def app(settings: Settings) -> XeroApp:
    return xero_app(settings)


@pytest.fixture(scope="session")
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with make_http() as client:
        yield client


@pytest.fixture(scope="session")
def client(pool: Pool, http: httpx.AsyncClient, app: XeroApp, settings: Settings) -> XeroClient:
    return XeroClient(http, settings.xero_api_url, Tokens(pool, http, app, SECRET), app.tenant_id)


@pytest.fixture
def accounts(client: XeroClient) -> Accounts:
    return accounts_of(client, customer())


def accounts_of(client: XeroClient, who: DemoCustomer) -> Accounts:
    return Accounts(client, who.contact_ids, lambda: now().date())


def own_sales(control: Control, who: DemoCustomer, *statuses: str) -> list[str]:
    """The numbers of a customer's sales invoices in these statuses."""
    return [i["InvoiceNumber"] for i in control.sales(who.contact_ids) if i["Status"] in statuses]
