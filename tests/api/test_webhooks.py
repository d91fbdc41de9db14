"""Case 45: Xero's webhooks, by the sandbox's own sender and by hand, against the whole service."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from langgraph_sdk.client import LangGraphClient

from tests.api.conftest import Serve, staff_client
from tests.api.test_approvals import told
from tests.api.test_conversations import a_thread, books, say
from tests.conftest import customer
from tests.tools.xero.test_events import SENT, body_of, signature

Post = Callable[..., httpx.Response]


@pytest.fixture
def key(environment: dict[str, str]) -> str:
    return environment["XERO_WEBHOOK_KEY"]


@pytest.fixture
def ours(environment: dict[str, str]) -> dict[str, Any]:
    """An event in our organisation."""
    return SENT | {"tenantId": environment["XERO_TENANT_ID"], "resourceId": str(uuid4())}


@pytest.fixture
def post(service_url: str, key: str) -> Post:
    return lambda body, **more: post_to(service_url, body, key, **more)


def post_to(url: str, body: bytes, key: str, **headers: str) -> httpx.Response:
    signed = {"x-xero-signature": signature(body, key.encode())} | headers
    return httpx.post(f"{url}/webhooks/xero", content=body, headers=signed, timeout=10)


class Sender:
    """The sandbox's sender, telling our service."""

    def __init__(self, root: str, url: str, key: str) -> None:
        self._http = httpx.Client(base_url=f"{root}/control", timeout=30)
        self.register(f"{url}/webhooks/xero", key)

    def register(self, url: str | None, key: str = "") -> None:
        self.post("/webhooks", {"url": url, "key": key})

    def close(self) -> None:
        self._http.close()

    def post(self, path: str, body: Any = None) -> Any:
        answer = self._http.post(path, json=body)
        answer.raise_for_status()
        return answer.json()


@pytest.fixture
def sender(sandbox: dict[str, str], service_url: str, key: str) -> Iterator[Sender]:
    sender = Sender(sandbox["XERO_API_URL"].removesuffix("/xero"), service_url, key)
    yield sender
    sender.register(None)
    sender.close()


def webhook(url: str) -> dict[str, Any]:
    with staff_client(url) as client:
        found: dict[str, Any] = client.get("/admin/xero").json()["webhook"]
        return found


# 5.4 case 45
def test_the_intent_to_receive_is_passed(sender: Sender) -> None:
    outcome = sender.post("/webhooks/intent")
    assert outcome["passed"], outcome["deliveries"]


# 5.4 case 45
@pytest.mark.parametrize("how", ["wrong", "missing", "key_decoded"])
def test_what_xero_did_not_sign_is_refused(sender: Sender, how: str) -> None:
    [delivery] = sender.post("/webhooks/send", {"events": [{}], "signature": how})
    assert delivery["status"] == 401
    assert not delivery["answered_with_body"]
    assert not delivery["answered_with_cookies"]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"events": null}', body_of("?"), b"\xff" * 10, b"[" * 50_000]
)
def test_a_signed_body_that_makes_no_sense_is_accepted(post: Post, body: bytes) -> None:
    answer = post(body)
    assert (answer.status_code, answer.content) == (200, b"")
    assert "set-cookie" not in answer.headers


# 5.4 case 45
def test_the_signature_covers_every_byte(post: Post, ours: dict[str, Any]) -> None:
    body = body_of(ours)
    spaced = json.dumps(json.loads(body), indent=1).encode()
    wrong = post(spaced, **{"x-xero-signature": signature(body, b"demo-webhook-key")})
    assert (wrong.status_code, wrong.content) == (401, b"")
    assert post(spaced).status_code == 200


def test_a_long_batch_is_taken_and_an_endless_body_is_not(
    post: Post, ours: dict[str, Any], service_url: str
) -> None:
    many = [ours | {"resourceId": str(uuid4())} for _ in range(500)]
    body = body_of(*many)
    assert len(body) > 64 * 1024
    began = time.monotonic()
    assert post(body).status_code == 200
    assert time.monotonic() - began < 5
    assert post(b" " * (2 * 1024 * 1024)).status_code == 413


def test_without_a_key_everything_is_refused(serve: Serve, ours: dict[str, Any]) -> None:
    url = serve(XERO_WEBHOOK_KEY="")
    for key in ("", "demo-webhook-key", "None"):
        answer = post_to(url, body_of(ours), key)
        assert (answer.status_code, answer.content) == (401, b"")
    assert not webhook(url)["is_configured"]


# 5.4 case 45
def test_events_are_kept_once_and_those_of_others_not_at_all(
    serve: Serve, own_database: str, key: str, ours: dict[str, Any]
) -> None:
    url = serve()
    foreign = ours | {"tenantId": str(uuid4())}
    for _ in range(10):
        assert post_to(url, body_of(foreign, ours, ours), key).status_code == 200
    assert post_to(url, body_of(ours | {"eventDateUtc": "2026-11-26T00:00:00"}), key).is_success
    with psycopg.connect(own_database) as connection:
        rows = connection.execute("select tenant_id::text, resource_id::text from xero_events")
        assert rows.fetchall() == [(ours["tenantId"], ours["resourceId"])] * 2
    assert webhook(url)["last_at"]


# 5.4 case 45
def test_while_nothing_can_be_stored_xero_is_asked_to_come_again(
    serve: Serve, own_database: str, key: str, ours: dict[str, Any]
) -> None:
    url, body = serve(), body_of(ours)
    with psycopg.connect(own_database) as connection:
        connection.execute("lock table xero_events in access exclusive mode")
        began = time.monotonic()
        answer = post_to(url, body, key)
        assert (answer.status_code, answer.content) == (503, b"")
        assert time.monotonic() - began < 5
    assert post_to(url, body, key).status_code == 200
    with psycopg.connect(own_database) as connection:
        counted = connection.execute("select count(*) from xero_events").fetchone()
    assert counted == (1,)


async def test_a_payment_that_was_asked_for_is_told_in_the_chat_once_however_often_xero_says_so(
    sdk: LangGraphClient, sender: Sender, sandbox: dict[str, str]
) -> None:
    sales = [
        i
        for i in books(sandbox, contact_id=customer().contact_ids[0])
        if i["Type"] == "ACCREC" and i["Status"] == "AUTHORISED"
    ]
    invoice = max(sales, key=lambda i: i["AmountDue"])
    thread = await a_thread(sdk)
    await say(sdk, thread, "did you receive my payment of $7.77?")

    paid = {"invoice_number": invoice["InvoiceNumber"], "amount": "7.77"}
    await asyncio.to_thread(sender.post, "/payments", paid)
    message = (await told(sdk, thread, 3))[-1]
    assert message["type"] == "ai"
    assert "7.77" in message["content"]
    assert invoice["InvoiceNumber"] in message["content"]

    again = {"events": [{"resource_id": invoice["InvoiceID"]}], "times": 10}
    sent = await asyncio.to_thread(sender.post, "/webhooks/send", again)
    assert {delivery["status"] for delivery in sent} == {200}
    await asyncio.sleep(3)
    assert len(await told(sdk, thread, 3)) == 3
