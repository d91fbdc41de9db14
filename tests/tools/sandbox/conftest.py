"""A signed-in connection to the running sandbox, and what tests of it write."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from tools.embedded.parts import UNLIMITED, running_sandbox
from tools.sandbox.app import create_sandbox
from tools.sandbox.company import company, demo_customers
from tools.sandbox.xero.limits import Limits

API = "/xero/api.xro/2.0"
REDIRECT = "http://localhost/callback"
EVERYTHING = (
    "offline_access accounting.contacts accounting.invoices accounting.payments "
    "accounting.settings accounting.reports.aged.read"
)
Json = dict[str, Any]
_numbers = count(1)


def sign_in(http: httpx.Client, refresh_token: str | None = None) -> httpx.Response:
    app = company()["app"]
    return http.post(
        "/xero/connect/token",
        data={
            "grant_type": "refresh_token",
            "refresh_token": refresh_token or app["refresh_token"],
        },
        auth=(app["client_id"], app["client_secret"]),
    )


def consent(http: httpx.Client, **changes: str) -> httpx.URL:
    """Where Xero leads back to after somebody agreed."""
    asked = {
        "response_type": "code",
        "client_id": company()["app"]["client_id"],
        "redirect_uri": REDIRECT,
        "scope": EVERYTHING,
        "state": "s1",
        **changes,
    }
    answer = http.get("/xero/identity/connect/authorize", params=asked)
    assert answer.status_code == 302, answer.text
    return httpx.URL(answer.headers["location"])


def exchange(http: httpx.Client, code: str, redirect: str = REDIRECT) -> httpx.Response:
    """Tokens for a code."""
    app = company()["app"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect}
    auth = (app["client_id"], app["client_secret"])
    return http.post("/xero/connect/token", data=form, auth=auth)


def token_for(http: httpx.Client, scope: str = EVERYTHING) -> str:
    """An access token of that scope."""
    code = consent(http, scope=scope).params["code"]
    return str(exchange(http, code).json()["access_token"])


def headers_with(access_token: str) -> dict[str, str]:
    return {
        "Authorization": f"Bearer {access_token}",
        "xero-tenant-id": company()["organisation"]["tenant_id"],
    }


def an_invoice(**changes: Any) -> Json:
    """A draft of 500 medium boxes for the established customer; 354.25 with tax."""
    return {
        "Type": "ACCREC",
        "Contact": {"ContactID": demo_customers()[0].contact_ids[0]},
        "Date": "2026-03-02",
        "DueDate": "2026-04-01",
        "LineItems": [{"ItemCode": "CNP-015-FB-01", "Quantity": 500}],
        **changes,
    }


def a_number() -> str:
    """An invoice number that no other test uses."""
    return f"TEST-{next(_numbers):06}"


@dataclass
class Xero:
    """The accounting API as one signed-in client sees it."""

    http: httpx.Client

    def get(self, path: str, **query: Any) -> httpx.Response:
        return self.http.get(API + path, params=query)

    def get_with(self, headers: Json, path: str) -> httpx.Response:
        return self.http.get(API + path, headers=headers)

    def send(self, method: str, path: str, body: Json, **options: Any) -> httpx.Response:
        return self.http.request(method, API + path, json=body, **options)

    def create(self, **changes: Any) -> Json:
        """A new invoice; fails the test when Xero refuses it."""
        answer = self.send("PUT", "/Invoices", an_invoice(**changes), params={"unitdp": "4"})
        assert answer.status_code == 200, answer.text
        created: Json = answer.json()["Invoices"][0]
        return created

    def one(self, path: str, **query: Any) -> Json:
        """The only document of an answer."""
        answer = self.get(path, **query)
        assert answer.status_code == 200, answer.text
        [found] = answer.json()[path.split("/")[1]]
        document: Json = found
        return document

    def update(self, invoice: Json, **changes: Any) -> httpx.Response:
        return self.send("POST", f"/Invoices/{invoice['InvoiceID']}", changes)

    def control(self, path: str, **body: Any) -> Any:
        answer = self.http.post(f"/control{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture(scope="session")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A sandbox of these tests' own: they write documents that others would stumble over."""
    with running_sandbox(tmp_path_factory.mktemp("own-sandbox"), *UNLIMITED) as found:
        yield found["XERO_API_URL"].removesuffix("/xero")


@pytest.fixture
def http(url: str) -> Iterator[httpx.Client]:
    """A connection to the sandbox that is left as a first start leaves it, but for documents."""
    with httpx.Client(base_url=url, timeout=5) as client:
        yield client
        client.post("/control/clock", json={})
        client.post("/control/model", json={})
        client.post("/control/limits", json={})
        client.post("/control/connections", json={})
        client.post("/control/webhooks", json={"url": None})
        for fault in client.get("/control/faults").json():
            client.post("/control/faults", json={**fault, "times": 0})


@pytest.fixture
def xero(http: httpx.Client) -> Xero:
    http.headers.update(headers_with(sign_in(http).json()["access_token"]))
    return Xero(http)


@pytest.fixture
def office(url: str, http: httpx.Client) -> Iterator[Xero]:
    """An app that may also change contacts and payments, as ours may not."""
    headers = headers_with(token_for(http))
    with httpx.Client(base_url=url, timeout=5, headers=headers) as client:
        yield Xero(client)


@pytest.fixture
async def limited(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A sandbox of its own with Xero's own limits, and a thinking time of 50 ms."""
    app = create_sandbox(tmp_path, limits=Limits(), latency_seconds=0.05)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as client:
        facts = company()["app"]
        answer = await client.post(
            "/xero/connect/token",
            data={"grant_type": "refresh_token", "refresh_token": facts["refresh_token"]},
            auth=(facts["client_id"], facts["client_secret"]),
        )
        client.headers.update(headers_with(answer.json()["access_token"]))
        yield client
