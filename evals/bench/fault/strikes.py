"""The faults: each strikes, sees that it has struck, and heals what does not heal by itself."""

import asyncio
import random
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import psycopg
import redis

from evals.bench.fault.cluster import Cluster, Replica

# Shares of a campaign. A replica that is stopped for longer than its lease is taken for dead.
SHARES = {
    "kill": 26,
    "stop": 9,
    "stop_long": 7,
    "drain": 14,
    "postgres_restart": 6,
    "postgres_crash": 3,
    "postgres_cut": 9,
    "redis_flush": 9,
    "redis_restart": 5,
    "redis_cut": 6,
    "clients_cut": 6,
}
SHORT_SECONDS, LONG_SECONDS = (0.3, 2.5), (10.0, 13.0)
BUSY_SECONDS = 3.0
LOOK_SECONDS = 0.05
LEAVE_SECONDS = 30.0  # for a drain, and for a start
RUNNING_OF = "select run_id::text from runs where status = 'running' and owner like %s"


@dataclass
class Blow:
    """A fault that struck a process: which turns it held, and when it was, ms by Redis's clock."""

    kind: str
    at_ms: int
    run_ids: list[str]


@dataclass
class Strikes:
    """Strikes the cluster and keeps the count; `unfired` and `overdue` must stay empty."""

    cluster: Cluster
    random: random.Random
    fired: Counter[str] = field(default_factory=Counter)
    unfired: list[str] = field(default_factory=list)
    overdue: list[str] = field(default_factory=list)
    blows: list[Blow] = field(default_factory=list)
    more: Mapping[str, Callable[[], Awaitable[bool]]] = field(default_factory=dict)
    _healing: set["asyncio.Task[None]"] = field(default_factory=set)
    # One thread for all starts: the kernel ends a part when the thread that started it ends.
    _hands: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))

    async def strike(self, kind: str) -> None:
        """One fault of this kind."""
        strikes: dict[str, Callable[[], Awaitable[bool]]] = {
            "kill": self._kill,
            "stop": lambda: self._stop(SHORT_SECONDS),
            "stop_long": lambda: self._stop(LONG_SECONDS),
            "drain": self._drain,
            "postgres_restart": lambda: self._restart_postgres(signal.SIGINT),
            "postgres_crash": lambda: self._restart_postgres(signal.SIGQUIT),
            "postgres_cut": lambda: self._cut("postgres"),
            "redis_flush": self._flush,
            "redis_restart": self._restart_redis,
            "redis_cut": lambda: self._cut("redis"),
            "clients_cut": lambda: self._cut("clients"),
            **self.more,
        }
        if await strikes[kind]():
            self.fired[kind] += 1
        else:
            self.unfired.append(kind)

    async def healed(self) -> None:
        """Wait until every process that was struck is back."""
        while self._healing:
            await asyncio.gather(*self._healing)

    def close(self) -> None:
        """No further starts."""
        self._hands.shutdown(wait=False)

    async def _kill(self) -> bool:
        victim = await self._victim()
        await self._note("kill", victim)
        victim.send(signal.SIGKILL)
        is_gone = await self._until(lambda: not victim.is_alive, 5)
        self._heal(self._start_again(victim))
        return is_gone

    async def _stop(self, seconds: tuple[float, float]) -> bool:
        victim = await self._victim()
        if seconds == LONG_SECONDS:
            await self._note("stop", victim)
        victim.send(signal.SIGSTOP)
        is_stopped = await self._until(lambda: victim.state == "T", 5)
        self._heal(self._go_on(victim, self.random.uniform(*seconds)))
        return is_stopped

    async def _drain(self) -> bool:
        victim = await self._victim()
        await self._note("drain", victim)
        victim.send(signal.SIGTERM)
        self._heal(self._left(victim))
        return True

    async def _left(self, victim: Replica) -> None:
        if not await self._until(lambda: not victim.is_alive, LEAVE_SECONDS):
            self.overdue.append(f"replica {victim.number} did not leave")
            victim.send(signal.SIGKILL)
        await self._start_again(victim)

    async def _go_on(self, victim: Replica, seconds: float) -> None:
        await asyncio.sleep(seconds)
        victim.send(signal.SIGCONT)
        await self._ready_again(victim)

    async def _start_again(self, victim: Replica) -> None:
        await self._by_hand(lambda: self.cluster.start(victim))
        await self._ready_again(victim)

    async def _ready_again(self, victim: Replica) -> None:
        """Until it takes messages; what could not start while a part was away starts again."""
        end = time.monotonic() + LEAVE_SECONDS
        while not await asyncio.to_thread(self.cluster.is_ready, victim):
            if time.monotonic() > end:
                self.overdue.append(f"replica {victim.number} was not ready again")
                end += LEAVE_SECONDS
            if not victim.is_alive:
                await self._by_hand(lambda: self.cluster.start(victim))
            await asyncio.sleep(LOOK_SECONDS)
        victim.is_hurt = False

    async def _restart_postgres(self, how: signal.Signals) -> bool:
        postgres = self.cluster.postgres
        before = postgres.pid

        def restart() -> None:
            postgres.stop(how)
            postgres.start()

        await self._by_hand(restart)
        return postgres.pid != before

    async def _restart_redis(self) -> bool:
        valkey = self.cluster.valkey
        before = valkey.pid

        def restart() -> None:
            valkey.stop()
            valkey.start()

        await self._by_hand(restart)
        return valkey.pid != before

    async def _flush(self) -> bool:
        def flush() -> bool:
            with redis.Redis.from_url(self.cluster.redis_url) as client:
                had_any = bool(client.dbsize())
                client.flushall()
            return had_any

        return await asyncio.to_thread(flush)

    async def _cut(self, wire: str) -> bool:
        return await asyncio.to_thread(self.cluster.wires[wire].cut) > 0

    async def _victim(self) -> Replica:
        """A replica at work, as long as another one is left to go on; else wait for one."""
        while True:
            whole = [replica for replica in self.cluster.replicas if not replica.is_hurt]
            if len(whole) > 1:
                victim = self.random.choice(whole)
                victim.is_hurt = True
                await self._until_busy(victim)
                return victim
            await asyncio.sleep(LOOK_SECONDS)

    async def _until_busy(self, victim: Replica) -> None:
        end = time.monotonic() + BUSY_SECONDS
        while not await self._held_by(victim) and time.monotonic() < end:
            pass

    async def _note(self, kind: str, victim: Replica) -> None:
        run_ids = await self._held_by(victim)
        self.blows.append(Blow(kind, time.time_ns() // 1_000_000, run_ids))

    async def _held_by(self, victim: Replica) -> list[str]:
        def look() -> list[str]:
            try:
                with psycopg.connect(self.cluster.database_url, connect_timeout=2) as connection:
                    rows = connection.execute(RUNNING_OF, [f"%:{victim.pid}:%"]).fetchall()
            except psycopg.OperationalError:  # it is being restarted
                return []
            return [row[0] for row in rows]

        return await asyncio.to_thread(look)

    def _heal(self, healing: Any) -> None:
        task = asyncio.create_task(healing)
        self._healing.add(task)
        task.add_done_callback(self._healing.discard)

    async def _by_hand(self, what: Callable[[], None]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._hands, what)

    async def _until(self, is_true: Callable[[], bool], seconds: float) -> bool:
        end = time.monotonic() + seconds
        while not is_true():
            if time.monotonic() > end:
                return False
            await asyncio.sleep(LOOK_SECONDS)
        return True


def plan(count: int, chance: random.Random) -> list[str]:
    """So many faults, each kind by its share and at least once where there is room."""
    whole = sum(SHARES.values())
    wanted = [kind for kind, share in SHARES.items() for _ in range(max(1, count * share // whole))]
    wanted += chance.choices(list(SHARES), list(SHARES.values()), k=max(0, count - len(wanted)))
    chance.shuffle(wanted)
    return wanted
