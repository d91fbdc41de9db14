"""What the parts around the service do for a while: each shock strikes, is seen to, and heals."""

import asyncio
import contextlib
import os
import random
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import redis

from evals.bench.fault.cluster import Cluster, state_of
from evals.bench.fault.wire import Mode
from tools.embedded.postgres import Postgres

HOLD_SECONDS = (1.5, 4.0)
SEEN_SECONDS = 60.0  # for somebody to meet a fault that waits for them
DEADLOCKS = 4
CROWD = 150
LORIS, BUSY = 150, 2
HOG = (sys.executable, "-c", "import time; end = time.time() + 9\nwhile time.time() < end: pass")
MODEL_MODES = ("truncate", "broken", "garbage", "error_429", "error_500", "stall", "slow")
XERO_MODES = ("unavailable", "plain_503", "not_json", "slow", "rate_limit", "html_error")
LOST_MODES = ("drop_after_commit", "error_after_commit")
# The database gives up a transaction of whoever writes next, so many times. A sequence counts them
# because what is rolled back counts nothing.
TROUBLE = """
create sequence if not exists trouble;
create or replace function trouble() returns trigger language plpgsql as $$ begin
  if nextval('trouble') <= {most} then
    raise exception 'trouble' using errcode = '{code}';
  end if;
  return new;
end $$;
select setval('trouble', 1, false);
create or replace trigger trouble before insert or update on {table}
  for each row execute function trouble()"""
END_OF_TROUBLE = "drop trigger if exists trouble on {table}"
COUNT_TROUBLE = "select case when is_called then least(last_value, %s) else 0 end from trouble"
TABLES = ("runs", "messages", "checkpoints", "actions")
CODES = ("40001", "40P01")
ODD = (
    (b"{", 422),
    (b'{"metadata": {"a": "\xff"}}', 422),
    (b'{"metadata": {"a": "\\ud800"}}', 422),
    (b'{"metadata": {"a": "\\u0000"}}', 422),
    (b'{"metadata": ' + b"[" * 5000 + b"}", 422),
    (b" " * 70_000, 413),
)


@dataclass
class Shocks:
    """`broken` names what a shock itself has found to be wrong."""

    cluster: Cluster
    random: random.Random
    broken: list[str] = field(default_factory=list)

    @property
    def kinds(self) -> Mapping[str, Callable[[], Awaitable[bool]]]:
        """Each says at its end whether it was felt."""
        return {
            "postgres_pause": self._pause,
            "postgres_crowded": self._crowd,
            "postgres_deadlock": self._deadlock,
            "postgres_mute": self._mute,
            "redis_slow": lambda: self._wire("redis", delay=0.8),
            "redis_hold": lambda: self._wire("redis", mode="hold"),
            "redis_refuse": lambda: self._wire("redis", mode="refuse"),
            "redis_full": self._fill_redis,
            "chroma_refuse": lambda: self._wire("chroma", mode="refuse"),
            "chroma_hold": lambda: self._wire("chroma", mode="hold"),
            "model_fails": self._fail_model,
            "xero_fails": lambda: self._fail_xero(self.random.choice(XERO_MODES), "*"),
            "xero_loses": lambda: self._fail_xero(self.random.choice(LOST_MODES), "PUT /Invoices"),
            "deaf_readers": self._be_deaf,
            "slow_headers": self._be_slow,
            "odd_bodies": self._be_odd,
            "cpu_busy": self._be_busy,
        }

    async def _hold(self) -> None:
        await asyncio.sleep(self.random.uniform(*HOLD_SECONDS))

    async def _pause(self) -> bool:
        with paused(self.cluster.postgres):
            await self._hold()
            return state_of(self.cluster.postgres.pid) == "T"

    async def _crowd(self) -> bool:
        """Others take every connection that Postgres has."""
        async with contextlib.AsyncExitStack() as crowd:
            try:
                for _ in range(CROWD):
                    connect = psycopg.AsyncConnection.connect(self.cluster.database_url)
                    crowd.push_async_callback((await connect).close)
            except psycopg.OperationalError:
                await self._hold()
                return True
        return False

    async def _deadlock(self) -> bool:
        table, code = self.random.choice(TABLES), self.random.choice(CODES)
        begin = TROUBLE.format(table=table, code=code, most=DEADLOCKS)
        await self._execute(begin)
        try:
            return await self._until(lambda: self._execute(COUNT_TROUBLE, DEADLOCKS))
        finally:
            await self._execute(END_OF_TROUBLE.format(table=table))

    async def _mute(self) -> bool:
        """Postgres does what it is told, and its word does not come back."""
        wire = self.cluster.wires["postgres"]
        before = wire.muted
        wire.set("mute")
        await asyncio.sleep(self.random.uniform(0.2, 0.6))
        await asyncio.to_thread(wire.cut)
        wire.set("pass")
        return wire.muted > before

    async def _wire(self, name: str, mode: Mode = "pass", delay: float = 0) -> bool:
        wire = self.cluster.wires[name]
        before = wire.felt

        async def is_met() -> bool:
            return wire.felt > before

        wire.set(mode)
        wire.delay = delay
        if mode == "refuse":
            await asyncio.to_thread(wire.cut)
        is_felt = await self._until(is_met)
        wire.set("pass")
        wire.delay = 0
        return is_felt

    async def _fill_redis(self) -> bool:
        client = redis.Redis.from_url(self.cluster.redis_url)
        with contextlib.closing(client):
            client.config_set("maxmemory", "1mb")
            try:
                client.set("full", "x")
            except redis.OutOfMemoryError:
                await self._hold()
                return True
            finally:
                client.config_set("maxmemory", "0")
        return False

    async def _fail_model(self) -> bool:
        mode = self.random.choice(MODEL_MODES)
        before = await self._ask("/model/calls")
        await self._tell("/model", {"mode": mode, "retry_after": self.random.choice([0, 1, 90])})
        try:
            return await self._until(lambda: self._more_calls(before["count"]))
        finally:
            await self._tell("/model", {"mode": "echo"})

    async def _more_calls(self, before: int) -> bool:
        return bool((await self._ask("/model/calls"))["count"] > before)

    async def _fail_xero(self, mode: str, operation: str) -> bool:
        times = self.random.randint(1, 3)
        fault = {"operation": operation, "mode": mode, "times": times, "seconds": 2}
        await self._tell("/faults", fault)
        try:
            return await self._until(lambda: self._is_taken(mode, times))
        finally:
            await self._tell("/faults", fault | {"times": 0})

    async def _is_taken(self, mode: str, times: int) -> bool:
        waiting = await self._ask("/faults")
        left: int = sum(fault["times"] for fault in waiting if fault["mode"] == mode)
        return left < times

    async def _be_deaf(self) -> bool:
        """Streams that are asked for and never read; their clients vanish."""
        headers = await asyncio.to_thread(self.cluster.sign_in, 0)
        async with httpx.AsyncClient(base_url=self.cluster.url, headers=headers) as client:
            thread = str(uuid4())

            async def is_made() -> bool:
                with contextlib.suppress(httpx.HTTPError):
                    made = await client.post("/threads", json={"thread_id": thread})
                    return made.status_code in (200, 409)
                return False

            await self._until(is_made)
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        asked = f"GET /threads/{thread}/stream HTTP/1.1\r\nHost: x\r\n{lines}\r\n"
        return await self._connected(LORIS // 3, asked.encode())

    async def _be_slow(self) -> bool:
        return await self._connected(LORIS, b"POST /threads HTTP/1.1\r\nHost: x\r\nX-Slow: ")

    async def _connected(self, count: int, said: bytes) -> bool:
        """So many connections to replicas that say this and then nothing, for a while."""
        ports = [replica.port for replica in self.cluster.replicas if replica.is_alive]
        ends: list[socket.socket] = []
        with contextlib.ExitStack() as stack:
            for _ in range(count):
                with contextlib.suppress(OSError):
                    end = socket.create_connection(("127.0.0.1", self.random.choice(ports)), 1)
                    ends.append(stack.enter_context(end))
                    end.sendall(said)
            await self._hold()
        return bool(ends)

    async def _be_odd(self) -> bool:
        """What no client sends: refused, and never an error of ours."""
        headers = await asyncio.to_thread(self.cluster.sign_in, 1)
        headers |= {"Content-Type": "application/json"}
        answered = 0
        async with httpx.AsyncClient(base_url=self.cluster.url, headers=headers) as client:
            for body, status in ODD:
                with contextlib.suppress(httpx.HTTPError):
                    answer = await client.post("/threads", content=body)
                    answered += 1
                    if answer.status_code not in (status, 502, 503):
                        self.broken.append(f"I8 {body[:20]!r} was answered {answer.status_code}")
        return answered > 0

    async def _be_busy(self) -> bool:
        """Somebody else takes the processors."""
        hogs = [await asyncio.create_subprocess_exec(*HOG) for _ in range(BUSY)]
        await self._hold()
        is_felt = all(hog.returncode is None for hog in hogs)
        for hog in hogs:
            with contextlib.suppress(ProcessLookupError):
                hog.kill()
            await hog.wait()
        return is_felt

    async def _until(self, is_true: Callable[[], Awaitable[Any]]) -> bool:
        """Hold on for a while after somebody has met it."""
        end = asyncio.get_running_loop().time() + SEEN_SECONDS
        while not await is_true():
            if asyncio.get_running_loop().time() > end:
                return False
            await asyncio.sleep(0.1)
        await self._hold()
        return True

    async def _execute(self, query: str, *values: Any) -> int:
        connect = psycopg.AsyncConnection.connect(self.cluster.database_url, autocommit=True)
        async with await connect as connection:
            found = await connection.execute(query.encode(), values or None)
            row = await found.fetchone() if found.description else None
        return int(row[0]) if row else 0

    async def _ask(self, path: str) -> Any:
        async with httpx.AsyncClient() as client:
            return (await client.get(self.cluster.control + path)).json()

    async def _tell(self, path: str, body: Mapping[str, Any]) -> None:
        async with httpx.AsyncClient() as client:
            (await client.post(self.cluster.control + path, json=body)).raise_for_status()


@contextmanager
def paused(server: Postgres) -> Iterator[None]:
    """Every process of the server stops where it is."""
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    pids = [server.pid, *map(int, children)]
    _send(pids, signal.SIGSTOP)
    try:
        yield
    finally:
        _send(pids[::-1], signal.SIGCONT)


def _send(pids: Iterable[int], what: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, what)
