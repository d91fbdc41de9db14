"""What the tests of the proxy ask with, and who answers behind it."""

import http.server
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from typing_extensions import override

PROBLEM = "application/problem+json"


def unsure() -> ssl.SSLContext:
    """Of a client that takes any certificate."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


@contextmanager
def connected(port: int) -> Iterator[ssl.SSLSocket]:
    context = unsure()
    with (
        socket.create_connection(("127.0.0.1", port), timeout=20) as plain,
        context.wrap_socket(plain) as secure,
    ):
        yield secure


class Echo(http.server.BaseHTTPRequestHandler):
    """Answers with the headers that it was sent, and says where it is."""

    def do_GET(self) -> None:
        said = str(self.headers).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.send_header("X-Here", self.connection.getsockname()[0])
        self.end_headers()
        self.wfile.write(said)

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def echoing(address: str = "127.0.0.1", port: int = 0) -> Iterator[http.server.HTTPServer]:
    """An Echo that listens."""
    with http.server.ThreadingHTTPServer((address, port), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()
