"""The client: conversations that each say the next thing when the last answer has ended.

`python -m evals.bench.serve.load` reads one JSON object: `url`, `headers`, `pid` (of the server),
`conversations`, `pace_ms`, `seconds`. It prints one with what was seen. HTTP is spoken on bare
streams: the client must cost little of the machine that it shares with the server.
"""

import asyncio
import json
import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvloop

from evals.bench.serve.graph import TOKENS, question

WARM_SHARE = 0.2  # of the time, before anything counts
LAST_CHUNK = b"\r\n0\r\n\r\n"
TOKEN = b"event: messages\r\n"
READ_BYTES = 64 * 1024
TICKS = os.sysconf("SC_CLK_TCK")
Json = dict[str, Any]


@dataclass
class Seen:
    """The turns that ended in the time that counts: how long, and until their first token."""

    least: int
    seconds: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    has_least: asyncio.Event = field(default_factory=asyncio.Event)
    is_over: bool = False

    def add(self, seconds: float, first: float) -> None:
        """One more turn."""
        self.seconds.append(seconds)
        self.first.append(first)
        if len(self.seconds) >= self.least:
            self.has_least.set()

    def forget(self) -> None:
        """What was until now does not count."""
        self.seconds.clear()
        self.first.clear()
        self.has_least.clear()


@dataclass
class Connection:
    """One kept-alive connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    head: str

    @classmethod
    async def open(cls, job: Json) -> "Connection":
        where = urlsplit(job["url"])
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        headers = {"Host": where.netloc, "Content-Type": "application/json"} | job["headers"]
        return cls(reader, writer, "".join(f"{k}: {v}\r\n" for k, v in headers.items()))

    def send(self, path: str, body: Json) -> None:
        """Write one POST."""
        data = json.dumps(body).encode()
        head = f"POST {path} HTTP/1.1\r\n{self.head}Content-Length: {len(data)}\r\n\r\n"
        self.writer.write(head.encode() + data)

    async def answer(self) -> Json:
        """Read an answer that has a length."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.split("content-length: ")[1].split("\r\n")[0])
        answer: Json = json.loads(await self.reader.readexactly(length))
        return answer

    async def stream(self) -> tuple[float, bytes]:
        """Read a stream to its end: when its first token came, and all of it."""
        first, heard = 0.0, bytearray()
        while not heard.endswith(LAST_CHUNK):
            piece = await self.reader.read(READ_BYTES)
            if not piece:
                sys.exit(f"The stream was cut: {bytes(heard[-500:])!r}")
            heard += piece
            if not first and TOKEN in heard:
                first = time.perf_counter()
        return first, bytes(heard)


async def _measure(job: Json) -> Json:
    count = job["conversations"]
    connections = await asyncio.gather(*(Connection.open(job) for _ in range(count)))
    seen = Seen(least=count)  # of a slow server one turn each
    talks = [asyncio.create_task(_talk(each, job["pace_ms"], seen)) for each in connections]
    await asyncio.sleep(job["seconds"] * WARM_SHARE)
    seen.forget()
    begin, cpu = time.perf_counter(), _cpu_seconds(job["pid"])
    await asyncio.sleep(job["seconds"] * (1 - WARM_SHARE))
    await seen.has_least.wait()
    figures = {
        "turns": len(seen.seconds),
        "turns_per_s": len(seen.seconds) / (time.perf_counter() - begin),
        "cpu_s": _cpu_seconds(job["pid"]) - cpu,
        "memory_mib": _memory_mib(job["pid"]),
        "seconds": list(seen.seconds),
        "first": list(seen.first),
    }
    seen.is_over = True
    await asyncio.gather(*talks)
    return figures


async def _talk(connection: Connection, pace_ms: int, seen: Seen) -> None:
    connection.send("/threads", {})
    thread = (await connection.answer())["thread_id"]
    body = {
        "assistant_id": "tria",
        "input": {"messages": [{"role": "user", "content": question(pace_ms)}]},
        "stream_mode": ["messages-tuple", "values"],
    }
    while not seen.is_over:
        asked = time.perf_counter()
        connection.send(f"/threads/{thread}/runs/stream", body)
        first, heard = await connection.stream()
        _check(heard)
        seen.add(time.perf_counter() - asked, first - asked)


def _check(heard: bytes) -> None:
    """A turn counts only when all of it came."""
    tokens = heard.count(TOKEN)
    if tokens != len(TOKENS) or b"event: values" not in heard or b"event: error" in heard:
        sys.exit(f"Not the answer that was asked for ({tokens} tokens): {heard[:2000]!r}")


def _cpu_seconds(pid: int) -> float:
    """Seconds that a process has computed."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _memory_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def main() -> None:
    """Do the job on standard input."""
    print(json.dumps(uvloop.run(_measure(json.loads(sys.stdin.read())))))


if __name__ == "__main__":
    main()
