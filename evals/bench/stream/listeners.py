"""Many streams read by one process, which notes how late each event comes."""

import asyncio
import re
import time
from array import array
from collections.abc import Mapping, Sequence
from typing import cast

from typing_extensions import override

DUE = re.compile(rb'"due":([0-9.]+)')
AT_ONCE = 16
TRIES = 5


class Listener(asyncio.Protocol):
    """One open stream."""

    def __init__(self, late: "array[float]", request: bytes) -> None:
        self._late, self._request, self._rest = late, request, b""
        self.opened: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.is_closed = False

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.WriteTransport, transport).write(self._request)

    @override
    def data_received(self, data: bytes) -> None:
        now = time.time()
        if not self.opened.done():
            self.opened.set_result(data.split(b"\r\n", 1)[0])
        data = self._rest + data
        end = data.rfind(b"\n") + 1
        self._rest = data[end:]
        self._late.extend(now - float(due) for due in DUE.findall(data, 0, end))

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.is_closed = True


async def open_streams(
    address: tuple[str, int], headers: Mapping[str, str], paths: Sequence[str], late: "array[float]"
) -> list[Listener]:
    """Open each path as a stream, some at a time; every one must be answered with 200."""
    places = asyncio.Semaphore(AT_ONCE)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())

    async def opened(path: str) -> Listener:
        request = f"GET {path} HTTP/1.1\r\nHost: {address[0]}\r\n{lines}\r\n".encode()
        status = b""
        for _ in range(TRIES):  # a replica that is busy says so
            async with places:
                _, listener = await asyncio.get_running_loop().create_connection(
                    lambda: Listener(late, request), *address
                )
                status = await asyncio.wait_for(listener.opened, 60)
            if b" 200 " in status:
                return listener
            await asyncio.sleep(1)
        raise SystemExit(f"{path} was answered with {status.decode()}")

    return list(await asyncio.gather(*(opened(path) for path in paths)))
