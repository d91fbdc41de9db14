"""Every kind of answer tells browsers how little may be done with it."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import psycopg
import pytest
from starlette.responses import Response

from api.console.session import COOKIE
from api.safe_headers import SafeHeaders
from api.tokens import issue_staff_token
from graph.clients import now
from tests.api.conftest import colleague
from tests.conftest import SECRET, customer, headers_of

HERE = "http://chat.tria.example"
QUESTION = {
    "assistant_id": "tria",
    "input": {"messages": [{"role": "user", "content": "which days do you deliver?"}]},
    "stream_mode": ["messages-tuple"],
}
# Of each kind: how to ask for it, which status it has, and what may run in it.
KINDS = {
    "chat page": ("GET /", 200, "script-src 'self'"),
    "embedded chat page": ("GET /?embed=true", 200, "frame-ancestors *"),
    "script": ("GET /chat.js", 200, "default-src 'none'"),
    "console's sign-in": ("GET /console/sign-in", 200, "script-src 'self'"),
    "answer": ("GET /assistants/tria", 200, "default-src 'none'"),
    "stream": ("POST /threads/{thread}/runs/stream", 200, "default-src 'none'"),
    "nobody signed in": ("GET /threads/{thread}", 401, "default-src 'none'"),
    "not allowed": ("GET /admin/audit", 403, "default-src 'none'"),
    "missing": ("GET /nowhere/at/all", 404, "default-src 'none'"),
    "wrong method": ("DELETE /threads", 405, "default-src 'none'"),
    "wrong body": ("POST /threads/{thread}/runs", 422, "default-src 'none'"),
    "health": ("GET /health/ready", 200, "default-src 'none'"),
    "metrics": ("GET /metrics", 200, "default-src 'none'"),
    "description": ("GET /openapi.json", 200, "default-src 'none'"),
    "description's page": ("GET /docs", 200, "connect-src 'self'"),
}
CACHED = {"chat page", "embedded chat page", "script"}  # and asked for anew each time


@pytest.fixture(scope="module")
def client(service_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service_url, headers=headers_of(customer()), timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def thread(client: httpx.Client) -> str:
    return str(client.post("/threads", json={}).json()["thread_id"])


def assert_safe(answer: httpx.Response, policy: str) -> None:
    headers = answer.headers
    assert headers.get_list("X-Content-Type-Options") == ["nosniff"]
    assert headers.get_list("Referrer-Policy") == ["no-referrer"]
    [stated] = headers.get_list("Content-Security-Policy")
    assert policy in stated
    assert "default-src 'none'" in stated
    assert "frame-ancestors" in stated
    assert "Server" not in headers or "/" not in headers["Server"]


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_is_safe(client: httpx.Client, thread: str, kind: str) -> None:
    asked, status, policy = KINDS[kind]
    method, path = asked.replace("{thread}", thread).split()
    body = None if kind == "wrong body" else QUESTION
    with client.stream(
        method,
        path,
        json=body if method == "POST" else None,
        headers={"Authorization": ""} if kind == "nobody signed in" else {},
    ) as answer:
        assert answer.status_code == status
        assert_safe(answer, policy)
        wanted = "no-cache" if kind in CACHED else "no-store"
        assert answer.headers.get_list("Cache-Control") == [wanted]


def test_a_page_of_the_console_is_safe(client: httpx.Client) -> None:
    token = issue_staff_token(SECRET, colleague(-1), now())
    answer = client.get("/console", headers={"Cookie": f"{COOKIE}={token}"})
    assert answer.is_success
    assert_safe(answer, "form-action 'self'")


@contextmanager
def broken(postgres_url: str) -> Iterator[None]:
    """A table that this version expects has another name."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("alter table feedback rename to feedback_of_tomorrow")
        try:
            yield
        finally:
            connection.execute("alter table feedback_of_tomorrow rename to feedback")


def test_what_nobody_foresaw_is_safe_and_says_nothing_of_it(
    client: httpx.Client, thread: str, postgres_url: str
) -> None:
    with broken(postgres_url):
        answer = client.get(f"/threads/{thread}/feedback")
    assert answer.status_code == 500
    assert_safe(answer, "default-src 'none'")
    assert answer.json()["detail"] == "Something failed on our side."
    for word in ("feedback", "Traceback", "psycopg", ".py"):
        assert word not in answer.text


async def test_a_paper_is_left_to_the_viewer_of_the_browser() -> None:
    paper = SafeHeaders(Response(b"%PDF-", media_type="application/pdf"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(paper), base_url=HERE) as client:
        answer = await client.get("/documents/1")
    assert "Content-Security-Policy" not in answer.headers
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
