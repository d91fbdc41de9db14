"""The proxy of production before the real service: what passes, and how."""

import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.conftest import customer, headers_of
from tests.deploy.conftest import proxied
from tests.deploy.edge import connected
from tests.deploy.programs import broken
from tests.waiting import wait_until
from tools.embedded.nginx import TEMPLATE, Nginx

QUESTION = {
    "assistant_id": "tria",
    "input": {"messages": [{"role": "user", "content": "which days do you deliver?"}]},
}


@pytest.fixture(scope="module")
def proxy(
    tmp_path_factory: pytest.TempPathFactory, certificates: Path, service_url: str
) -> Iterator[Nginx]:
    folder = tmp_path_factory.mktemp("proxy")
    with proxied(folder, certificates, service_url.removeprefix("http://")) as running:
        yield running


@pytest.fixture
def client(proxy: Nginx, trust: ssl.SSLContext) -> Iterator[httpx.Client]:
    """A customer who trusts the certificate."""
    with httpx.Client(base_url=proxy.url, verify=trust, timeout=30) as found:
        yield found


@pytest.mark.parametrize("path", ["/", "/ok", "/threads", "/metrics", "/no-such-page"])
def test_browsers_are_told_to_come_by_tls_alone(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    [said] = answer.headers.get_list("Strict-Transport-Security")
    assert said.startswith("max-age=63072000")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Server"] == "nginx"


def test_whoever_watches_from_outside_may_ask_whether_it_is_ready(client: httpx.Client) -> None:
    assert client.get("/health/ready").json() == {"status": "pass"}


def test_operators_see_everything(proxy: Nginx) -> None:
    assert "tria_version_info" in httpx.get(f"{proxy.operators_url}/metrics").text
    assert "parts" in httpx.get(f"{proxy.operators_url}/health").json()


def test_one_address_gets_so_many_connections(
    tmp_path: Path, certificates: Path, trust: ssl.SSLContext, service_url: str
) -> None:
    upstream = service_url.removeprefix("http://")
    with (
        proxied(tmp_path, certificates, upstream, CONNECTIONS="1") as proxy,
        httpx.Client(base_url=proxy.url, headers=headers_of(customer()), verify=trust) as client,
    ):
        thread = client.post("/threads", json={}).json()["thread_id"]
        with client.stream("GET", f"/threads/{thread}/stream") as stream:
            assert stream.status_code == 200
            assert client.get("/ok").status_code == 429
        wait_until(lambda: client.get("/ok").status_code == 200)  # once it sees that one has gone


def first_words(proxy: Nginx, trust: ssl.SSLContext, seconds: float) -> str:
    """What a stream that stays open has said of a run after so long."""
    headers = headers_of(customer())
    bounds = httpx.Timeout(20, read=seconds)
    with (
        httpx.Client(base_url=proxy.url, headers=headers, verify=trust) as asking,
        httpx.Client(base_url=proxy.url, headers=headers, verify=trust, timeout=bounds) as reading,
    ):
        thread = asking.post("/threads", json={}).json()["thread_id"]
        try:
            with reading.stream("GET", f"/threads/{thread}/stream") as stream:
                asking.post(f"/threads/{thread}/runs", json=QUESTION).raise_for_status()
                return next(line for line in stream.iter_lines() if line.startswith("event: "))
        except httpx.ReadTimeout:
            return ""


def test_streams_are_passed_on_as_they_come(proxy: Nginx, trust: ssl.SSLContext) -> None:
    assert first_words(proxy, trust, 20)


def test_a_stream_that_is_held_back_would_be_seen(
    tmp_path: Path, certificates: Path, trust: ssl.SSLContext, service_url: str
) -> None:
    right, wrong = (
        "proxy_http_version",
        "proxy_ignore_headers X-Accel-Buffering; proxy_http_version",
    )
    held = broken(TEMPLATE, tmp_path, right, wrong)
    with proxied(tmp_path, certificates, service_url.removeprefix("http://"), held) as proxy:
        assert first_words(proxy, trust, 2) == ""


def test_sockets_are_opened_through_it(proxy: Nginx, client: httpx.Client) -> None:
    headers = headers_of(customer())
    thread = client.post("/threads", json={}, headers=headers).json()["thread_id"]
    asked = {**headers, "Host": "x", "Upgrade": "websocket", "Connection": "Upgrade"}
    asked |= {"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    lines = [f"GET /threads/{thread}/stream/events HTTP/1.1", *map(": ".join, asked.items())]
    with connected(proxy.ports["HTTPS"]) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        assert connection.recv(65536).startswith(b"HTTP/1.1 101 ")


def test_after_a_reload_another_service_answers_and_streams_go_on(
    tmp_path: Path, certificates: Path, trust: ssl.SSLContext, service_url: str, echo: str
) -> None:
    upstream = service_url.removeprefix("http://")
    with (
        proxied(tmp_path, certificates, upstream) as proxy,
        httpx.Client(base_url=proxy.url, headers=headers_of(customer()), verify=trust) as client,
    ):
        thread = client.post("/threads", json={}).json()["thread_id"]
        with client.stream("GET", f"/threads/{thread}/stream") as stream:
            proxy.upstream.write_text(f"set $service {echo};\n")
            proxy.reload()
            end = time.monotonic() + 10
            while "X-Forwarded-For" not in httpx.get(f"{proxy.url}/ok", verify=trust).text:
                assert time.monotonic() < end, "the other service does not answer"
                time.sleep(0.05)
            run_url = f"{service_url}/threads/{thread}/runs"
            httpx.post(run_url, json=QUESTION, headers=client.headers).raise_for_status()
            assert next(line for line in stream.iter_lines() if line.startswith("event: "))


def test_of_what_is_asked_the_log_has_the_first_part_alone(
    proxy: Nginx, client: httpx.Client
) -> None:
    client.get("/documents/a-link-that-works-once?name=someone")
    log = Path(proxy.log).parent / "access.log"
    wait_until(lambda: '"place": "/documents"' in log.read_text())  # written after the answer
    assert "works-once" not in log.read_text()
    assert "someone" not in log.read_text()
