"""A TCP connection that can be cut, refused, held or slowed: it stands before a server."""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Literal, TypeVar

Mode = Literal["pass", "refuse", "hold", "mute"]
Found = TypeVar("Found")
CHUNK = 65536
RESET = struct.pack("ii", 1, 0)  # closing sends a reset and drops what was not sent yet


class Wire:
    """Passes bytes between its own port and a server's, in a thread of its own.

    `refuse` closes new connections at once; `hold` keeps every byte back until it passes again;
    `mute` lets the server hear and nobody hear the server: also from when one connection has said
    all `last_words`, in order. Every piece is `delay` seconds late.
    """

    def __init__(self, port: int) -> None:
        self._upstream = port
        self._loop = asyncio.new_event_loop()
        self._writers: set[asyncio.StreamWriter] = set()
        self._mode: Mode = "pass"
        self._flows = asyncio.Event()
        self._flows.set()
        self.delay = 0.0
        self.last_words: tuple[bytes, ...] = ()
        self.passed = 0  # bytes, towards the server
        self.muted = 0  # bytes of the server's that nobody heard
        self.felt = 0  # how often somebody met a wire that does not just pass
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.port: int = self._call(self._listen)

    def set(self, mode: Mode) -> None:
        """How it behaves from now on."""
        self._mode, self.last_words = mode, ()
        turn = self._flows.clear if mode == "hold" else self._flows.set
        self._loop.call_soon_threadsafe(turn)

    def cut(self) -> int:
        """Reset every open connection on both sides; how many there were."""
        return self._call(self._cut)

    def close(self) -> None:
        """Cut everything and listen no more."""
        self._call(self._cut)
        self._call(self._stop_listening)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def _call(self, what: Callable[[], Coroutine[Any, Any, Found]]) -> Found:
        return asyncio.run_coroutine_threadsafe(what(), self._loop).result(10)

    async def _listen(self) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=1024)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def _stop_listening(self) -> None:
        self._server.close()

    async def _cut(self) -> int:
        found, self._writers = self._writers, set()
        for writer in found:
            _reset(writer)
        return len(found) // 2

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._mode == "refuse":
            self.felt += 1
            _reset(writer)
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._upstream)
        except OSError:
            _reset(writer)
            return
        both = {writer, far_writer}
        self._writers |= both
        await asyncio.gather(self._forth(reader, far_writer), self._back(far_reader, writer))
        self._writers -= both
        for end in both:
            end.close()

    async def _forth(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said = 0
        with contextlib.suppress(OSError):
            while data := await self._next(reader):
                self.passed += len(data)
                while said < len(self.last_words) and self.last_words[said] in data:
                    said += 1
                if 0 < len(self.last_words) == said:
                    self._mode = "mute"
                writer.write(data)
                await writer.drain()
            writer.write_eof()

    async def _back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await self._next(reader):
                if self._mode == "mute":
                    self.muted += len(data)
                    continue
                writer.write(data)
                await writer.drain()
            writer.write_eof()

    async def _next(self, reader: asyncio.StreamReader) -> bytes:
        data = await reader.read(CHUNK)
        self.felt += self._mode != "pass" or self.delay > 0
        await asyncio.sleep(self.delay)
        await self._flows.wait()
        return data


def _reset(writer: asyncio.StreamWriter) -> None:
    end = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()
