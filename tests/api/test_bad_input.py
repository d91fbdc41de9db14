"""Whatever is sent, the answer is a problem that names the field, and never an error of ours."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi import FastAPI

from api.bodies import DEEPEST, LARGEST, Bodies
from tests.conftest import Served, customer, headers_of, token_of

NOWHERE = "6b7b7d35-7c0e-4f52-8f0b-0d6a1c1d6c12"

SECRET_TEXT = "4111-1111-1111-1111"
KIND = {"Content-Type": "application/json"}
USER, ASSISTANT = ({"role": role, "content": "a"} for role in ("user", "assistant"))


def assert_problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The answer is a problem of that status, complete, and quotes nothing that was sent."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = answer.json()
    assert told["status"] == status
    assert told["type"].startswith("https://tria.example/problems/")
    assert told["title"]
    assert isinstance(told["detail"], str)
    assert SECRET_TEXT not in answer.text
    assert "Traceback" not in answer.text
    return told


@pytest.fixture
async def thread(http: httpx.AsyncClient) -> str:
    return str((await http.post("/threads", json={})).json()["thread_id"])


def turn(**changed: Any) -> bytes:
    message = {"role": "user", "content": "what do I owe?"}
    body = {"assistant_id": "tria", "input": {"messages": [message]}}
    return json.dumps(body | changed).encode()


def nested(levels: int) -> bytes:
    return b'{"metadata": {"a": ' + b"[" * levels + b"]" * levels + b"}}"


def said(content: Any) -> bytes:
    return turn(input={"messages": [{"role": "user", "content": content}]})


NOT_JSON = {
    "cut off": b'{"metadata": {"card": "4111-1111-1111-1111',
    "broken UTF-8": b'{"metadata": {"a": "\xff\xfe4111-1111-1111-1111"}}',
    "a lone surrogate": b'{"metadata": {"a": "\\ud800 4111-1111-1111-1111"}}',
    "NaN": b'{"metadata": {"a": NaN, "b": "4111-1111-1111-1111"}}',
    "Infinity": b'{"metadata": {"a": -Infinity}}',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "two values": b"{} {}",
    "single quotes": b"{'metadata': {}}",
    "5,000 digits": b'{"metadata": {"a": ' + b"1" * 5000 + b"}}",
    "20,000 levels": nested(20_000),
    "a form": b"metadata=4111-1111-1111-1111",
}


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON.keys())
async def test_what_is_not_json_is_refused_with_the_place(
    http: httpx.AsyncClient, body: bytes
) -> None:
    told = assert_problem(await http.post("/threads", content=body, headers=KIND), 422)
    assert [e["field"] for e in told["errors"]] == ["body"]
    assert "line 1 column" in told["detail"]


WRONG_VALUES = {
    "NUL": (b'{"metadata": {"a": ["x", "\\u0000"]}}', "metadata.a.1"),
    "NUL in a name": (b'{"metadata": {"a\\u0000": 1}}', "metadata"),
    "1e400": (b'{"metadata": {"a": 1e400}}', "metadata.a"),
    "2**80": (b'{"metadata": {"a": 1208925819614629174706176}}', "metadata.a"),
    "too deep": (nested(DEEPEST), "metadata.a" + ".0" * (DEEPEST - 1)),
}


@pytest.mark.parametrize(("body", "field"), WRONG_VALUES.values(), ids=WRONG_VALUES.keys())
async def test_what_cannot_be_stored_is_refused_with_its_field(
    http: httpx.AsyncClient, body: bytes, field: str
) -> None:
    told = assert_problem(await http.post("/threads", content=body, headers=KIND), 422)
    assert [e["field"] for e in told["errors"]] == [field]


async def test_what_only_looks_like_it_is_taken(http: httpx.AsyncClient) -> None:
    kept = {"b": "[[[[" * 20, "c": 9_007_199_254_740_993, "d": [[1e20]]}
    made = await http.post("/threads", json={"metadata": kept})
    assert made.json()["metadata"].items() >= kept.items()


WRONG_FIELDS = {
    "no assistant": (b'{"input": null}', "assistant_id"),
    "a number for a text": (said(7), "input.messages.0.content"),
    "too many messages": (turn(input={"messages": [{"content": "a"}] * 21}), "input.messages"),
    "nothing said": (turn(input={"messages": [USER, ASSISTANT]}), "input.messages"),
    "an unknown role": (turn(input={"messages": [{"role": ["ai"]}, USER]}), "input.messages.0"),
    "a long message": (said("x" * 8001), "input.messages.0.content"),
    "an unknown mode": (turn(stream_mode=SECRET_TEXT), "stream_mode"),
    "an unknown strategy": (turn(multitask_strategy=SECRET_TEXT), "multitask_strategy"),
    "a list": (b"[]", "body"),
    "a text": (b'"4111-1111-1111-1111"', "body"),
    "null": (b"null", "body"),
    "nothing": (b"", "body"),
}


@pytest.mark.parametrize(("body", "field"), WRONG_FIELDS.values(), ids=WRONG_FIELDS.keys())
async def test_a_wrong_field_is_named(
    http: httpx.AsyncClient, thread: str, body: bytes, field: str
) -> None:
    answer = await http.post(f"/threads/{thread}/runs", content=body, headers=KIND)
    told = assert_problem(answer, 422)
    assert any(e["field"].startswith(field) for e in told["errors"]), told["errors"]
    assert all(e["message"] for e in told["errors"])
    assert field.split(".")[0] in told["detail"]
    assert (await http.get(f"/threads/{thread}/runs")).json() == []


@pytest.mark.parametrize(
    ("method", "path", "detail"),
    [
        ("GET", "/threads/abc", "Invalid thread ID: must be a UUID"),
        ("GET", "/threads/%00", "Invalid thread ID: must be a UUID"),
        ("GET", "/threads/%ED%A0%80/state", "Invalid thread ID: must be a UUID"),
        ("GET", f"/threads/{NOWHERE}/runs/abc", "Invalid run ID: must be a UUID"),
        ("GET", f"/threads/{NOWHERE}/runs?limit=x", "limit"),
        ("GET", f"/threads/{NOWHERE}/runs?limit=0", "limit"),
        ("GET", f"/threads/{NOWHERE}/runs?offset=99999999999999999999", "offset"),
    ],
)
async def test_a_wrong_address_or_query_is_named(
    http: httpx.AsyncClient, method: str, path: str, detail: str
) -> None:
    assert detail in assert_problem(await http.request(method, path), 422)["detail"]


@pytest.mark.parametrize(
    ("method", "path", "status", "detail"),
    [
        ("GET", "/nowhere", 404, "nothing at this address"),
        ("PUT", "/threads", 405, "PUT is not possible here"),
        ("GET", "/threads/6b7b7d35-7c0e-4f52-8f0b-0d6a1c1d6c11", 404, "Thread with ID"),
        ("POST", "/assistants/count", 401, "Sign in first"),
        ("GET", "/admin/actions", 403, "staff"),
    ],
)
async def test_every_refusal_has_one_form(
    http: httpx.AsyncClient, method: str, path: str, status: int, detail: str
) -> None:
    if status == 401:
        http.headers.pop("authorization")
    content = b"{}" if method in {"POST", "PUT"} else None
    answer = await http.request(method, path, content=content, headers=KIND)
    assert detail in assert_problem(answer, status)["detail"]
    assert ("allow" in answer.headers) == (status == 405)
    assert ("www-authenticate" in answer.headers) == (status == 401)


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded"])
async def test_only_json_is_taken(http: httpx.AsyncClient, kind: str | None) -> None:
    headers = {"Content-Type": kind} if kind else {}
    answer = await http.post("/threads", content=b"{}", headers=headers)
    assert "application/json" in assert_problem(answer, 415)["detail"]


class TestLargeBodies:
    async def test_a_declared_length_is_refused_before_it_is_sent(self, service_url: str) -> None:
        address = urlsplit(service_url)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        head = (
            f"POST /threads HTTP/1.1\r\nHost: x\r\nContent-Length: {10**12}\r\n"
            f"Authorization: Bearer {token_of(customer())}\r\n"
            "Content-Type: application/json\r\n\r\n"
        )
        writer.write(head.encode())
        answered = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        assert b"413" in answered.splitlines()[0]
        assert b"application/problem+json" in answered
        writer.close()

    async def test_pieces_are_refused_once_they_are_too_many(self, http: httpx.AsyncClient) -> None:
        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(LARGEST // 1024 + 1):
                yield b" " * 1024

        answer = await http.post("/threads", content=pieces(), headers=KIND)
        assert "64 KiB" in assert_problem(answer, 413)["detail"]

    async def test_the_largest_is_still_read(self, http: httpx.AsyncClient) -> None:
        body = b"{}".ljust(LARGEST)
        assert (await http.post("/threads", content=body, headers=KIND)).status_code == 200


async def test_a_body_that_comes_too_slowly_is_given_up() -> None:
    app = FastAPI()
    app.add_middleware(Bodies, seconds=0.3)
    with Served(app) as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n")

        async def drip() -> None:
            for _ in range(100):
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.05)

        dripping = asyncio.create_task(drip())
        answered = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 4)
        dripping.cancel()
        writer.close()
    assert b"408" in answered.splitlines()[0]
    assert b"connection: close" in answered.lower()


def test_a_client_that_goes_away_in_the_middle_harms_nobody(service_url: str) -> None:
    address = urlsplit(service_url)
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.sendall(b"POST /threads HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    found = httpx.post(f"{service_url}/threads", json={}, headers=headers_of(customer()))
    assert found.status_code == 200
