"""What the service and its parts take while they are under load: a line every few seconds."""

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import psycopg
import redis

from tests.load.stand import Stand

TICKS = os.sysconf("SC_CLK_TCK")
MB = 1024
METRICS = ("tria_runs_active", "tria_streams_active", "tria_db_pool_size", "tria_db_pool_waiting")
STATE = """
select (select count(*) from pg_stat_activity where usename <> 'tria') as connections,
  (select count(*) from runs where status in ('queued', 'running')) as open_runs,
  (select count(*) from runs where status in ('queued', 'running') and due_at is null
    and updated_at < now() - interval '60 seconds') as stuck_runs,
  (select count(*) from runs) as runs,
  (select count(*) from (select 1 from messages where role = 'ai' group by run_id
    having count(*) > 1) d) as doubled,
  pg_database_size(current_database()) / 1048576 as database_mb"""
Json = dict[str, Any]


def process(pid: int) -> Json:
    """Memory, CPU seconds, open files and threads; nothing of a process that has ended."""
    with suppress(OSError, IndexError, ValueError):
        root = Path(f"/proc/{pid}")
        fields = (root / "stat").read_text().rpartition(")")[2].split()
        status = (root / "status").read_text()
        return {
            "rss_mb": round(_of(status, "VmRSS:") / MB, 2),
            "anonymous_mb": round(_of(status, "RssAnon:") / MB, 2),
            "cpu_s": (int(fields[11]) + int(fields[12])) / TICKS,
            "files": len(list((root / "fd").iterdir())),
            "threads": _of(status, "Threads:"),
        }
    return {}


def tree_of(pid: int) -> list[int]:
    """A process and those that it has started, and theirs."""
    found = [pid]
    for parent in found:
        with suppress(OSError):
            children = Path(f"/proc/{parent}/task/{parent}/children").read_text()
            found += [int(child) for child in children.split()]
    return found


def _of(status: str, name: str) -> int:
    return int(status.partition(name)[2].split()[0])


class Sampler:
    """Looks every so many seconds, in a thread of its own, and writes down what it sees."""

    def __init__(self, file: Path, stand: Stand) -> None:
        self.seen: list[Json] = []
        self.pids = dict(stand.pids)
        self._file, self._stand = file, stand
        self._enough = threading.Event()

    @contextmanager
    def every(self, seconds: float) -> Iterator["Sampler"]:
        """Look until the end of the block."""
        thread = threading.Thread(target=self._look_again, args=(seconds,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._enough.set()
            thread.join(30)

    def look(self) -> Json:
        """One sample, which is also written down."""
        sample: Json = {"at": round(time.time(), 2), "load": os.getloadavg()[0]}
        for name, pid in self.pids.items():
            sample |= {f"{name}_{key}": value for key, value in process(pid).items()}
        if "postgres" in self.pids:
            sample["postgres_cpu_s"] = sum(
                process(each).get("cpu_s", 0) for each in tree_of(self.pids["postgres"])
            )
        for part in (self._of_database, self._of_cache, self._of_service):
            with suppress(psycopg.Error, redis.RedisError, httpx.HTTPError):
                sample |= part()
        self.seen.append(sample)
        with self._file.open("a") as sink:
            sink.write(json.dumps(sample) + "\n")
        return sample

    def _look_again(self, seconds: float) -> None:
        while not self._enough.wait(seconds):
            self.look()

    def _of_database(self) -> Json:
        with psycopg.connect(self._stand.database, connect_timeout=2) as connection:
            cursor = connection.execute(STATE)
            row, names = cursor.fetchone() or (), cursor.description or ()
        return {column.name: int(value) for column, value in zip(names, row, strict=True)}

    def _of_cache(self) -> Json:
        with redis.Redis.from_url(self._stand.cache, socket_timeout=2, retry=None) as client:
            found: Any = client.info()
        return {
            "redis_mb": round(found["used_memory"] / MB / MB, 2),
            "redis_clients": found["connected_clients"],
        }

    def _of_service(self) -> Json:
        lines = httpx.get(f"{self._stand.url}/metrics", timeout=5).text.splitlines()
        values = dict(line.rsplit(" ", 1) for line in lines if line.startswith(METRICS))
        return {name.removeprefix("tria_"): float(value) for name, value in values.items()}
