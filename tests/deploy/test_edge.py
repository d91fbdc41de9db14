"""The edge of production, whatever stands behind it: TLS, bounds, and who one may claim to be."""

import asyncio
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.deploy.conftest import proxied
from tests.deploy.edge import PROBLEM, connected, unsure
from tests.deploy.programs import broken, run
from tools.embedded.nginx import TEMPLATE, Nginx
from tools.errors import PartNotStarted

NOBODY = "127.0.0.1:1"
HEADERS_SECONDS = 5  # as the template has it


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, certificates: Path) -> Iterator[Nginx]:
    """With nobody behind it."""
    with proxied(tmp_path_factory.mktemp("proxy"), certificates, NOBODY) as running:
        yield running


@pytest.fixture
def client(proxy: Nginx, trust: ssl.SSLContext) -> Iterator[httpx.Client]:
    """A customer who trusts the certificate."""
    with httpx.Client(base_url=proxy.url, verify=trust, timeout=30) as found:
        yield found


def speaks(port: int, version: ssl.TLSVersion, ciphers: str = "ALL:@SECLEVEL=0") -> bool:
    """Whether it agrees on this version with a client that knows no other."""
    context = unsure()
    context.set_ciphers(ciphers)
    context.minimum_version = context.maximum_version = version
    try:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
            context.wrap_socket(plain),
        ):
            return True
    except (ssl.SSLError, ConnectionError):
        return False


OLD = (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1)
GOOD = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
pytestmark = pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")


def test_it_speaks_no_old_tls(proxy: Nginx) -> None:
    port = proxy.ports["HTTPS"]
    assert [speaks(port, version) for version in (*OLD, *GOOD)] == [False, False, True, True]


def test_it_wants_a_key_that_is_made_for_each_connection(proxy: Nginx) -> None:
    port = proxy.ports["HTTPS"]
    assert not speaks(port, ssl.TLSVersion.TLSv1_2, "AES128-GCM-SHA256")
    assert speaks(port, ssl.TLSVersion.TLSv1_2, "ECDHE-RSA-AES128-GCM-SHA256")


def test_browsers_get_many_streams_over_one_connection(proxy: Nginx) -> None:
    context = unsure()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection(("127.0.0.1", proxy.ports["HTTPS"])) as plain,
        context.wrap_socket(plain) as secure,
    ):
        assert secure.selected_alpn_protocol() == "h2"


def test_the_client_of_these_tests_could_speak_old_tls(tmp_path: Path, certificates: Path) -> None:
    older = broken(TEMPLATE, tmp_path, "TLSv1.2 TLSv1.3;", "TLSv1 TLSv1.1 TLSv1.2;")
    older = broken(older, tmp_path, "ssl_ciphers ", "ssl_ciphers ALL:@SECLEVEL=0; #")
    with proxied(tmp_path, certificates, NOBODY, older) as proxy:
        assert speaks(proxy.ports["HTTPS"], ssl.TLSVersion.TLSv1)


def test_without_tls_one_is_sent_to_the_other_address(proxy: Nginx) -> None:
    plain = f"http://127.0.0.1:{proxy.ports['HTTP']}"
    answer = httpx.post(f"{plain}/threads?a=b", headers={"Host": "elsewhere.example"})
    assert answer.status_code == 308
    assert answer.headers["Location"] == f"{proxy.url}/threads?a=b"


def test_a_challenge_of_whoever_signs_certificates_is_answered(
    proxy: Nginx, certificates: Path
) -> None:
    folder = certificates / "challenges" / ".well-known" / "acme-challenge"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "token").write_text("proof")
    address = f"http://127.0.0.1:{proxy.ports['HTTP']}/.well-known/acme-challenge"
    assert httpx.get(f"{address}/token").text == "proof"
    assert httpx.get(f"{address}/../key.pem").status_code in (308, 404)


@pytest.mark.parametrize(
    "path",
    ["/metrics", "/health", "/metrics/", "//metrics", "/x/../metrics", "/%6detrics", "/health?a"],
)
def test_what_is_for_operators_is_not_for_the_public(proxy: Nginx, path: str) -> None:
    """As raw bytes: clients tidy addresses up."""
    with connected(proxy.ports["HTTPS"]) as connection:
        connection.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert PROBLEM.encode() in answer


def test_a_body_that_is_too_large_stops_at_the_proxy(client: httpx.Client) -> None:
    answer = client.post("/threads", content=b"x" * (64 * 1024 + 1))
    assert (answer.status_code, answer.headers["Content-Type"]) == (413, PROBLEM)
    assert answer.json()["status"] == 413
    largest = client.post("/threads", content=b"x" * (64 * 1024))
    assert largest.status_code == 503  # on to the service, which is away here


def test_what_is_no_request_gets_a_problem(proxy: Nginx) -> None:
    with connected(proxy.ports["HTTPS"]) as connection:
        connection.sendall(b"GARBAGE\r\n\r\n")
        answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert PROBLEM.encode() in answer


def test_slow_headers_are_not_waited_for(proxy: Nginx) -> None:
    with connected(proxy.ports["HTTPS"]) as connection:
        started = time.monotonic()
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
        try:
            answer = connection.recv(65536)
        except ConnectionResetError:
            answer = b""
        assert answer == b""
    assert time.monotonic() - started == pytest.approx(HEADERS_SECONDS, abs=2)


FORGED = {
    "X-Forwarded-For": "203.0.113.9",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Host": "elsewhere.example",
    "X-Real-IP": "203.0.113.9",
    "Forwarded": "for=203.0.113.9",
    "Host": "elsewhere.example",
}


def test_nobody_claims_another_address(
    tmp_path: Path, certificates: Path, trust: ssl.SSLContext, echo: str
) -> None:
    with proxied(tmp_path, certificates, echo) as proxy:
        said = httpx.get(proxy.url, headers=FORGED, verify=trust).text
    heard = dict(line.split(": ", 1) for line in said.strip().splitlines())
    assert heard["X-Forwarded-For"] == "127.0.0.1"
    assert heard["X-Forwarded-Proto"] == "https"
    assert "203.0.113.9" not in said
    assert "elsewhere" not in said


def statuses(url: str, count: int, trust: ssl.SSLContext) -> list[httpx.Response]:
    """The answers to so many requests at once."""

    async def ask() -> list[httpx.Response]:
        async with httpx.AsyncClient(verify=trust, timeout=20) as client:
            return list(await asyncio.gather(*(client.get(url) for _ in range(count))))

    return asyncio.run(ask())


def test_one_address_gets_so_many_requests(
    tmp_path: Path, certificates: Path, trust: ssl.SSLContext, echo: str
) -> None:
    with proxied(tmp_path, certificates, echo, RATE="2", BURST="5") as proxy:
        answers = statuses(f"{proxy.url}/", 20, trust)
        refused = [a for a in answers if a.status_code == 429]
        assert 10 <= len(refused) <= 14
        assert {(a.headers["Retry-After"], a.headers["Content-Type"]) for a in refused} == {
            ("1", PROBLEM)
        }
        assert refused[0].json()["status"] == 429
        time.sleep(float(refused[0].headers["Retry-After"]))
        assert httpx.get(proxy.url, verify=trust).status_code == 200


def test_while_the_service_is_away_clients_are_told_to_come_again(
    tmp_path: Path, certificates: Path, trust: ssl.SSLContext
) -> None:
    with proxied(tmp_path, certificates, NOBODY) as proxy:
        answer = httpx.get(f"{proxy.url}/threads", verify=trust)
    assert (answer.status_code, answer.headers["Content-Type"]) == (503, PROBLEM)
    assert answer.headers["Retry-After"] == "2"


def test_nginx_refuses_a_broken_copy(tmp_path: Path, certificates: Path) -> None:
    wrong = broken(TEMPLATE, tmp_path, "client_max_body_size", "client_max_body_sise")
    with (
        pytest.raises(PartNotStarted, match="client_max_body_sise"),
        proxied(tmp_path, certificates, NOBODY, wrong),
    ):
        pass


def test_a_linter_finds_nothing_and_would_find_something(proxy: Nginx, tmp_path: Path) -> None:
    clean = run("gixy", proxy.config)
    assert clean.returncode == 0, clean.stdout
    wrong = broken(proxy.config, tmp_path, "$request_uri;", "$uri;")
    found = run("gixy", wrong)
    assert found.returncode
    assert "http_splitting" in found.stdout
