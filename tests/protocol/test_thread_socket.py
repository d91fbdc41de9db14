"""When and why a conversation's socket is closed."""

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest
import uvicorn
from fastapi import FastAPI, WebSocket
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from api.commands import COMMANDS, Asked, Params
from api.drain import DrainingServer
from api.thread_socket import LARGEST_FRAME
from graph.settings import Settings
from tests.conftest import customer, headers_of
from tools.embedded.process import free_port

GET_TREE = json.dumps({"id": 1, "method": "agent.getTree"})


@pytest.fixture
def socket(service_url: str) -> Iterator[ClientConnection]:
    """A new conversation's."""
    mine = headers_of(customer())
    thread = httpx.post(f"{service_url}/threads", json={}, headers=mine).json()["thread_id"]
    address = f"{service_url}/threads/{thread}/stream/events".replace("http", "ws", 1)
    with connect(address, additional_headers=mine) as opened:
        yield opened


def reason_of_end(opened: ClientConnection) -> int | None:
    """The code that the other side closes with."""
    with contextlib.suppress(ConnectionClosed):
        while True:
            opened.recv(30)
    return opened.close_code


def test_bytes_are_no_command(socket: ClientConnection) -> None:
    socket.send(GET_TREE)
    assert json.loads(socket.recv(30))["type"] == "success"
    socket.send(GET_TREE.encode())
    assert reason_of_end(socket) == 1003


def test_what_nobody_foresaw_ends_the_socket_and_its_words_are_in_no_log(
    socket: ClientConnection, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    words = uuid4().hex

    async def fail(asked: Asked, params: Params) -> Params:
        raise LookupError(words)

    monkeypatch.setitem(COMMANDS, "agent.getTree", fail)
    socket.send(GET_TREE)
    assert reason_of_end(socket) == 1011
    said = "".join(capfd.readouterr())
    assert "socket crashed" in said
    assert "LookupError" in said
    assert words not in said


def test_a_socket_is_to_be_opened_anew_with_its_credential_after_a_while(
    service_url: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setattr("api.thread_socket.MOST_SECONDS", 0.5)
    assert reason_of_end(request.getfixturevalue("socket")) == 1012


@pytest.fixture
def measuring(settings: Settings) -> Iterator[tuple[str, list[int]]]:
    """A socket at the server that the service runs in, and how long the frames are that it gets."""
    app, lengths = FastAPI(), list[int]()

    @app.websocket("/")
    async def measure(opened: WebSocket) -> None:
        await opened.accept()
        async for frame in opened.iter_text():
            lengths.append(len(frame))
            await opened.send_text("seen")

    port = free_port()
    served = DrainingServer(app, settings.model_copy(update={"tria_port": port}))
    server = uvicorn.Server(served.config)  # without what is drained before its end
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    end = time.monotonic() + 30
    while not server.started:
        assert time.monotonic() < end
        time.sleep(0.02)
    yield f"ws://127.0.0.1:{port}/", lengths
    server.should_exit = True
    thread.join(15)


def test_a_frame_that_is_too_large_is_not_even_taken_in(measuring: tuple[str, list[int]]) -> None:
    url, lengths = measuring
    with connect(url) as opened:
        opened.send("x" * LARGEST_FRAME)
        assert opened.recv(30) == "seen"
        opened.send("x" * (LARGEST_FRAME + 1))
        assert reason_of_end(opened) == 1009
    assert lengths == [LARGEST_FRAME]
