"""`make bench-streams`: what open streams cost one replica, and how late events come.

Idle streams are those of conversations in which nothing happens; active ones are of runs that
write at a steady pace. The client is a process of its own. Where the machine does not hold the
pace, half of it is tried.
"""

import argparse
import asyncio
import json
import os
import signal
import statistics
import sys
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import uvloop
from psycopg.types.json import Jsonb

from evals.bench.stream.files import allow_many_connections
from evals.bench.stream.listeners import open_streams
from evals.service import Service, prepared_parts
from tools.embedded.process import last_lines, spawn, stop, wait_until

IDLE, ACTIVE, RATE, SECONDS = 2000, 1000, 20.0, 10.0
LEAST_RATE = 2.5
HELD_MS = 500.0  # a pace is held if nearly every event comes within this
CUSTOMER = "forno-rosso"
Pair = tuple[UUID, UUID]


@dataclass(frozen=True)
class Pace:
    """Events a second and stream, and for how many seconds."""

    rate: float
    seconds: float


@dataclass(frozen=True)
class Seen:
    """How late the events of one pace came."""

    rate: float
    late_ms: Sequence[float]
    expected: int
    cpu_seconds: float

    @property
    def p50(self) -> float:
        return statistics.median(self.late_ms)

    @property
    def p99(self) -> float:
        return statistics.quantiles(self.late_ms, n=100)[-1]

    @property
    def is_held(self) -> bool:
        return len(self.late_ms) == self.expected and self.p99 <= HELD_MS


def main() -> None:
    """Measure and print the figures; the last line is one JSON object."""
    options = _options()
    allow_many_connections()
    quiet = {"TRIA_USER_STREAMS": "0", "TRIA_USER_READS": "0", "TRIA_SERVICE_READS": "0"}
    with prepared_parts(**quiet) as service, _served(service) as pid:
        figures = uvloop.run(_measured(service, pid, options))
    print(json.dumps(figures))


async def _measured(service: Service, pid: int, options: argparse.Namespace) -> dict[str, Any]:
    headers = await asyncio.to_thread(service.sign_in, CUSTOMER)
    address = ("127.0.0.1", int(service.url.rsplit(":", 1)[1]))
    late: array[float] = array("d")
    idle = _stored(service, options.idle, is_running=False)
    await open_streams(address, headers, [f"/threads/{idle[0][0]}/stream"], late)  # warm up
    before = _resident_kb(pid)
    quiet = await open_streams(
        address, headers, [f"/threads/{thread}/stream" for thread, _ in idle], late
    )
    print(f"{options.idle} idle: {(_resident_kb(pid) - before) / options.idle:.1f} KB each")
    rate, kb_each, seen = options.rate, 0.0, None
    while seen is None or (not seen.is_held and rate >= LEAST_RATE):
        runs = _stored(service, options.active, is_running=True)
        paths = [f"/threads/{thread}/runs/{run}/stream" for thread, run in runs]
        await open_streams(address, headers | {"Last-Event-ID": "-1"}, paths, late)
        kb_each = kb_each or (_resident_kb(pid) - before) / (options.idle + options.active)
        seen = await _paced(service, pid, runs, Pace(rate, options.seconds), late)
        rate = rate if seen.is_held else rate / 2
    if dropped := sum(listener.is_closed for listener in quiet):
        sys.exit(f"{dropped} idle streams were closed.")
    return {
        "idle": options.idle,
        "active": options.active,
        "kb_each": round(kb_each, 1),
        "lateness_ms_p99": round(seen.p99, 1),
        "lateness_ms_p50": round(seen.p50, 1),
        "events_per_stream_and_s": seen.rate,
        "cpu_us_per_event": round(seen.cpu_seconds * 1e6 / max(len(seen.late_ms), 1)),
    }


async def _paced(
    service: Service,
    pid: int,
    runs: Sequence[Pair],
    pace: Pace,
    late: "array[float]",
) -> Seen:
    """Let the runs write at a pace, and see when their events come."""
    del late[:]
    spent = _cpu_seconds(pid)
    wanted = {"owner": str(runs[0][1]), "rate": pace.rate, "seconds": pace.seconds}
    async with httpx.AsyncClient(timeout=pace.seconds * 4 + 30) as client:
        fed = (await client.post(f"{service.url}/feed", json=wanted)).raise_for_status().json()
    await asyncio.sleep(1)
    expected = int(pace.seconds * pace.rate) * len(runs)
    seen = Seen(pace.rate, [each * 1000 for each in late], expected, _cpu_seconds(pid) - spent)
    print(
        f"{pace.rate:g} events/s each: {len(seen.late_ms)} of {expected} events came,"
        f" {seen.p50:.1f} ms late at p50, {seen.p99:.1f} at p99;"
        f" the writer itself was {fed['late_s'] * 1000:.0f} ms late at most"
    )
    return seen


def _stored(service: Service, count: int, *, is_running: bool) -> list[Pair]:
    """Conversations, each with a run that somebody works on if so wanted."""
    pairs = [(uuid4(), uuid4()) for _ in range(count)]
    request = Jsonb({"stream_mode": ["messages-tuple"], "stream_resumable": True})
    with psycopg.connect(service.environment["DATABASE_URL"]) as connection:
        cursor = connection.cursor()
        cursor.executemany(
            "insert into threads (thread_id, customer_id, turns) values (%s, %s, %s)",
            [(thread, CUSTOMER, int(is_running)) for thread, _ in pairs],
        )
        if is_running:
            cursor.executemany(
                "insert into runs (run_id, thread_id, turn, status, request, scope, owner,"
                " attempts, lease_until, graph_thread) values (%s, %s, 1, 'running', %s, '{}',"
                " %s, 1, now() + interval '1 hour', %s)",
                [(run, thread, request, str(pairs[0][1]), f"{thread}:1") for thread, run in pairs],
            )
    return pairs


@contextmanager
def _served(service: Service) -> Iterator[int]:
    """The service with its route to feed; its process id."""
    log = Path(service.environment["TRIA_DATA"]) / "service.log"
    command = [sys.executable, "-m", "evals.bench.stream.served"]
    process = spawn(command, log, signal.SIGTERM, service.environment)
    try:
        wait_until(lambda: _is_ready(service.url), 60, f"Not ready:\n{last_lines(log, 12)}")
        yield process.pid
    finally:
        stop(process, signal.SIGTERM)


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health/ready", timeout=2).status_code == 200
    except httpx.TransportError:
        return False


def _cpu_seconds(pid: int) -> float:
    spent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return sum(map(int, spent)) / os.sysconf("SC_CLK_TCK")


def _resident_kb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What open streams cost one replica.")
    parser.add_argument("--idle", type=int, default=IDLE)
    parser.add_argument("--active", type=int, default=ACTIVE)
    parser.add_argument("--rate", type=float, default=RATE, help="events a second and stream")
    parser.add_argument("--seconds", type=float, default=SECONDS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
