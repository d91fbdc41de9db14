"""How much may be asked of the service, and what the answer says to whoever asks for more."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse
from websockets.sync.client import ClientConnection, connect

from api.limits import Limited, Limits, address_of, count_user
from graph.settings import Settings
from tests.api.conftest import Serve
from tests.conftest import Served, customer, headers_of
from tools.rates import Rates


def create(url: str, **headers: str) -> httpx.Response:
    return httpx.post(f"{url}/threads/search", json={}, headers=headers)


def test_one_user_over_the_limit_is_told_when_to_come_again(serve: Serve) -> None:
    url = serve(TRIA_USER_READS="3")
    mine = headers_of(customer())
    assert [create(url, **mine).status_code for _ in range(3)] == [200] * 3
    refused = create(url, **mine)
    assert refused.status_code == 429
    assert refused.headers["content-type"] == "application/problem+json"
    told = refused.json()
    assert (told["status"], told["title"]) == (429, "Too Many Requests")
    assert "3 requests a minute of one user" in told["detail"]
    seconds = refused.headers["retry-after"]
    assert 1 <= int(seconds) <= 61
    assert refused.headers["ratelimit-policy"] == '"user-reads";q=3;w=60'
    assert refused.headers["ratelimit"] == f'"user-reads";r=0;t={seconds}'
    assert create(url, **headers_of(customer(1))).status_code == 200


def test_turns_are_counted_apart_from_reads(serve: Serve) -> None:
    url = serve(TRIA_USER_TURNS="1")
    mine = headers_of(customer())
    with httpx.Client(base_url=url, headers=mine, timeout=30) as client:
        thread = client.post("/threads", json={}).json()["thread_id"]
        message = {"role": "user", "content": "what do I owe?"}
        body = {"assistant_id": "tria", "input": {"messages": [message]}}
        assert client.post(f"/threads/{thread}/runs", json=body).status_code == 200
        refused = client.post(f"/threads/{thread}/runs/wait", json=body)
        assert (refused.status_code, "turns" in refused.json()["detail"]) == (429, True)
        assert len(client.get(f"/threads/{thread}/runs").json()) == 1


def test_a_batch_counts_as_many_turns_as_it_starts(serve: Serve) -> None:
    url = serve(TRIA_USER_TURNS="3")
    body = {"assistant_id": "tria", "input": {"messages": [{"role": "user", "content": "hi"}]}}
    with httpx.Client(base_url=url, headers=headers_of(customer()), timeout=30) as client:
        assert client.post("/runs/batch", json=[body] * 2).status_code == 200
        assert client.post("/runs/batch", json=[body] * 2).status_code == 429


def test_a_copy_counts_as_a_turn(serve: Serve) -> None:
    url = serve(TRIA_USER_TURNS="1")
    with httpx.Client(base_url=url, headers=headers_of(customer()), timeout=30) as client:
        thread = client.post("/threads", json={}).json()["thread_id"]
        statuses = [client.post(f"/threads/{thread}/copy").status_code for _ in range(2)]
    assert statuses == [200, 429]


def command(socket: ClientConnection, method: str, **params: Any) -> dict[str, Any]:
    """Send a command; its answer, past the events in between."""
    socket.send(json.dumps({"id": 1, "method": method, "params": params}))
    while True:
        answer: dict[str, Any] = json.loads(socket.recv(30))
        if answer["type"] != "event":
            return answer


def test_what_is_asked_over_a_socket_is_counted_like_requests(serve: Serve) -> None:
    url, mine = serve(TRIA_USER_TURNS="1", TRIA_USER_READS="4"), headers_of(customer())
    turn = {"assistant_id": "tria", "input": {"messages": [{"role": "user", "content": "hi"}]}}
    with httpx.Client(base_url=url, headers=mine, timeout=30) as client:
        thread = client.post("/threads", json={}).json()["thread_id"]
        path = f"/threads/{thread}/stream/events"
        with connect(f"{url}{path}".replace("http", "ws", 1), additional_headers=mine) as socket:
            assert command(socket, "run.start", **turn)["type"] == "success"
            refused = command(socket, "run.start", **turn)
            assert (refused["type"], refused["id"]) == ("error", 1)
            assert "1 turns a minute of one user" in refused["message"]
            assert len(client.get(f"/threads/{thread}/runs").json()) == 1
            answers = [
                command(socket, "subscription.subscribe", channels=["input"]) for _ in range(2)
            ]
    assert [answer["type"] for answer in answers] == ["success", "error"]
    assert "4 requests a minute" in answers[1]["message"]


def test_two_replicas_count_together(serve: Serve) -> None:
    one, other = serve(TRIA_USER_READS="4"), serve(TRIA_USER_READS="4")
    mine = headers_of(customer())
    statuses = [create(url, **mine).status_code for url in (one, other) * 3]
    assert statuses == [200, 200, 200, 200, 429, 429]


def test_an_address_is_limited_before_anybody_signs_in(serve: Serve) -> None:
    url = serve(TRIA_USER_READS="2")
    assert [create(url).status_code for _ in range(12)] == [401] * 10 + [429] * 2
    for free in ("/health", "/health/ready", "/metrics", "/ok", "/info", "/", "/chat.js"):
        assert httpx.get(f"{url}{free}").status_code == 200


def test_the_demo_sign_in_is_limited_by_address(serve: Serve) -> None:
    url = serve(TRIA_USER_TURNS="1", TRIA_DEMO="true")
    body = {"customer_id": customer().customer_id}
    statuses = [httpx.post(f"{url}/demo/sign-in", json=body).status_code for _ in range(6)]
    assert statuses == [200] * 5 + [429]


def test_credentials_tried_at_the_metrics_count_against_the_address(serve: Serve) -> None:
    url = serve(TRIA_USER_READS="1", TRIA_METRICS_OPEN="false")
    guesses = ({"Authorization": "Bearer guessed"}, {"X-Api-Key": "guessed"}) * 3
    statuses = [httpx.get(f"{url}/metrics", headers=sent).status_code for sent in guesses]
    assert statuses == [401] * 5 + [429]
    assert httpx.get(f"{url}/metrics").status_code == 401


@pytest.mark.parametrize(
    ("host", "counted"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
    ],
)
def test_an_address_is_the_household_s(host: str, counted: str) -> None:
    assert address_of({"client": (host, 4711)}) == counted


@pytest.mark.parametrize(
    ("trusted", "last"), [("", 429), ("127.0.0.0/8", 401)], ids=["nobody", "the proxy"]
)
def test_only_a_proxy_we_know_may_name_the_client(serve: Serve, trusted: str, last: int) -> None:
    url = serve(TRIA_USER_READS="1", TRIA_TRUSTED_PROXIES=trusted)
    for place in range(5):
        create(url, **{"X-Forwarded-For": f"203.0.113.{place}"})
    assert create(url, **{"X-Forwarded-For": "203.0.113.99"}).status_code == last


def test_the_whole_service_has_a_limit(serve: Serve) -> None:
    url = serve(TRIA_SERVICE_READS="2")
    statuses = [create(url, **headers_of(customer(i))).status_code for i in range(3)]
    assert statuses == [200, 200, 429]


def test_whoever_is_not_signed_in_uses_up_nothing_of_the_service(serve: Serve) -> None:
    url = serve(TRIA_SERVICE_READS="1")
    assert [create(url).status_code for _ in range(5)] == [401] * 5
    assert create(url, **headers_of(customer())).status_code == 200


def test_without_redis_requests_are_still_limited_and_it_shows(serve: Serve) -> None:
    url = serve(TRIA_USER_READS="2", REDIS_URL="redis://127.0.0.1:1/0")
    mine = headers_of(customer())
    assert [create(url, **mine).status_code for _ in range(3)] == [200, 200, 429]
    assert "tria_limits_shared 0.0" in httpx.get(f"{url}/metrics").text


@pytest.fixture
async def streaming(settings: Settings, redis_url: str) -> AsyncIterator[str]:
    """An application whose streams stay open, with room for two of each user."""
    few = settings.model_copy(update={"tria_user_streams": 2})

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        rates = Rates(redis_url)
        app.state.limits = Limits(few, rates)
        yield
        await rates.aclose()

    app = FastAPI(lifespan=lifespan)
    app.add_middleware(Limited)

    @app.get("/{user}/stream")
    async def stream(user: str, request: Request) -> StreamingResponse:
        await count_user(request.scope, user)

        async def silence() -> AsyncIterator[bytes]:
            while True:
                yield b": open\n\n"
                await asyncio.sleep(0.05)

        return StreamingResponse(silence())

    with Served(app) as served:
        yield served.url


async def test_a_user_has_so_many_streams_open_and_no_more(streaming: str) -> None:
    async with httpx.AsyncClient(base_url=streaming, timeout=30) as client:
        async with client.stream("GET", "/a/stream"), client.stream("GET", "/a/stream"):
            refused = await client.get("/a/stream")
            assert refused.status_code == 429
            assert "2 streams" in refused.json()["detail"]
            assert refused.headers["retry-after"]
            async with client.stream("GET", "/b/stream") as other:
                assert other.status_code == 200
        for _ in range(100):
            async with client.stream("GET", "/a/stream") as again:
                if again.status_code == 200:
                    return
            await asyncio.sleep(0.05)
    raise AssertionError("a stream that was closed is still counted")
