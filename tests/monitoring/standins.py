"""Stand-ins for PagerDuty, Slack, a dead-man's watch and a mail server, on loopback."""

import base64
import json
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from typing_extensions import override


@dataclass(frozen=True)
class Post:
    """One request that came in."""

    path: str
    authorization: str
    body: dict[str, Any]


@dataclass
class Received:
    """What came in, by HTTP and by mail."""

    posts: list[Post] = field(default_factory=list)
    mails: list[str] = field(default_factory=list)
    passwords: list[str] = field(default_factory=list)
    http_port: int = 0
    smtp_port: int = 0

    def to(self, path: str) -> list[Post]:
        """The requests to one path."""
        return [post for post in self.posts if post.path == path]

    def wait_for(self, is_there: "Callable[[Received], bool]", seconds: float = 30) -> bool:
        """Whether it comes to be in time."""
        end = time.monotonic() + seconds
        while not is_there(self) and time.monotonic() < end:
            time.sleep(0.1)
        return is_there(self)


class _Web(BaseHTTPRequestHandler):
    received: Received

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        told = self.headers.get("Authorization", "")
        self.received.posts.append(Post(self.path, told, json.loads(body)))
        answer = b'{"status": "success"}'
        self.send_response(202)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    @override
    def log_message(self, *_: object) -> None:
        pass


class _Mail(socketserver.StreamRequestHandler):
    received: Received

    @override
    def handle(self) -> None:
        self.wfile.write(b"220 mail.tria.example\r\n")
        while line := self.rfile.readline().decode().strip():
            self.wfile.write(self._answer(line))
            if line == "DATA":
                self._data()

    def _answer(self, line: str) -> bytes:
        match line.split()[0]:
            case "EHLO":
                return b"250-mail.tria.example\r\n250 AUTH PLAIN\r\n"
            case "AUTH":
                secret = base64.b64decode(line.split()[2]).decode().split("\0")[-1]
                self.received.passwords.append(secret)
                return b"235 welcome\r\n"
            case "DATA":
                return b"354 go on\r\n"
            case _:
                return b"250 ok\r\n"

    def _data(self) -> None:
        lines = []
        while (line := self.rfile.readline().decode().rstrip("\r\n")) != ".":
            lines.append(line)
        self.received.mails.append("\n".join(lines))
        self.wfile.write(b"250 taken\r\n")


@contextmanager
def standing_in() -> Iterator[Received]:
    """Both servers, and what they received."""
    received = Received()
    here = ("127.0.0.1", 0)
    web = ThreadingHTTPServer(here, type("Web", (_Web,), {"received": received}))
    mail = socketserver.ThreadingTCPServer(here, type("Mail", (_Mail,), {"received": received}))
    received.http_port, received.smtp_port = web.server_address[1], mail.server_address[1]
    servers: tuple[socketserver.TCPServer, ...] = (web, mail)
    for server in servers:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield received
    for server in servers:
        server.shutdown()
        server.server_close()
