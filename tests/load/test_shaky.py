"""Calls over a wire pass, come late, are lost, or are never answered, in the shares it was told."""

import contextlib
import socket
import socketserver
import threading
import time
from collections.abc import Iterator

import pytest
from typing_extensions import override

from tests.load.shaky import Shaky

CALLS = 60


class Echo(socketserver.ThreadingTCPServer):
    """Answers what it is sent, and counts it."""

    allow_reuse_address = daemon_threads = True
    heard = 0


class Answer(socketserver.StreamRequestHandler):
    @override
    def handle(self) -> None:
        with contextlib.suppress(OSError):
            for line in self.rfile:
                assert isinstance(self.server, Echo)
                self.server.heard += 1
                self.wfile.write(line)


@pytest.fixture
def server() -> Iterator[Echo]:
    with Echo(("127.0.0.1", 0), Answer) as echo:
        threading.Thread(target=echo.serve_forever, args=(0.05,), daemon=True).start()
        yield echo
        echo.shutdown()


@contextlib.contextmanager
def shaky(server: Echo, share: float, harsh: float, late: float = 0.01) -> Iterator[Shaky]:
    wire = Shaky(int(server.server_address[1]), harsh, late, seed=7)
    wire.share = share
    yield wire
    wire.close()


def answered(wire: Shaky) -> int:
    """How many calls are answered; a connection that was cut is opened again."""
    good = 0
    for _ in range(CALLS // 6):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", wire.port)) as s:
            s.settimeout(5)
            for _ in range(6):
                s.sendall(b"hello\n")
                if s.recv(100) != b"hello\n":
                    break
                good += 1
    return good


def test_an_undisturbed_wire_passes_everything(server: Echo) -> None:
    with shaky(server, 0, 1) as wire:
        assert answered(wire) == CALLS == server.heard
        assert (wire.calls["passed"], wire.disturbed) == (CALLS, 0)


def test_late_calls_are_answered(server: Echo) -> None:
    with shaky(server, 1, 0) as wire:
        begun = time.monotonic()
        assert answered(wire) == CALLS
        assert wire.calls == {"late": CALLS}
        assert time.monotonic() - begun > CALLS * 0.005


def test_calls_that_are_cut_off_have_been_heard_or_not(server: Echo) -> None:
    with shaky(server, 1, 1) as wire:
        assert answered(wire) == 0
        assert wire.calls["lost"] > 0
        assert wire.calls["unanswered"] == server.heard > 0


def test_the_share_is_kept(server: Echo) -> None:
    with shaky(server, 0.3, 0.5) as wire:
        answered(wire)
        assert 0.1 < wire.disturbed / wire.calls.total() < 0.5
