"""Replicas behind one name, as containers are: the proxy looks the name up while it runs."""

import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import httpx
import pytest
from typing_extensions import override

from tests.deploy.conftest import proxied
from tests.deploy.edge import echoing
from tools.embedded.process import free_port

NAME = "service-a"
REPLICAS = ("127.0.0.1", "127.0.0.2")
FOUND_AGAIN = 8.0  # seconds: a name is looked up again after five


class Names(socketserver.UDPServer):
    """A name server that knows one name; its addresses may change."""

    addresses: tuple[str, ...] = REPLICAS

    @property
    def server_port(self) -> int:
        """Where it is asked."""
        port: int = self.socket.getsockname()[1]
        return port


class Answer(socketserver.DatagramRequestHandler):
    """RFC 1035: the question again, and for each replica its address, good for a second."""

    @override
    def handle(self) -> None:
        question, addresses = self.rfile.read(), cast(Names, self.server).addresses
        count = len(addresses).to_bytes(2, "big")
        head = question[:2] + b"\x81\x80\x00\x01" + count + b"\x00\x00\x00\x00"
        record = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x01\x00\x04"
        each = b"".join(record + socket.inet_aton(address) for address in addresses)
        self.wfile.write(head + question[12:] + each)


@pytest.fixture
def names() -> Iterator[Names]:
    with Names(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_both_replicas_serve_and_one_that_ends_costs_nobody_an_answer(
    tmp_path: Path, certificates: Path, trust: ssl.SSLContext, names: Names
) -> None:
    port = free_port()
    gone, stays = REPLICAS
    with (
        proxied(
            tmp_path, certificates, f"{NAME}:{port}", RESOLVER=f"127.0.0.1:{names.server_port}"
        ) as proxy,
        httpx.Client(base_url=proxy.url, verify=trust) as client,
    ):

        def asked() -> set[str]:
            answers = [client.get("/").raise_for_status() for _ in range(20)]
            return {answer.headers["X-Here"] for answer in answers}

        with echoing(stays, port):
            with echoing(gone, port):
                assert asked() == {*REPLICAS}
            assert asked() == {stays}
        names.addresses = (gone,)  # a container that came back somewhere else
        with echoing(gone, port):
            end = time.monotonic() + FOUND_AGAIN
            while client.get("/").headers.get("X-Here") != gone:
                assert time.monotonic() < end, "the new address was not found"
                time.sleep(0.1)
