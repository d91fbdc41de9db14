"""One version of the service on parts of its own, and what it and they have spent so far."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
import redis

from evals.lanes.tree import Tree
from evals.service import OF_MACHINE, Service, wait_until_ready
from graph.settings import environment
from tools.embedded.minilm import build_minilm
from tools.embedded.parts import running_parts
from tools.embedded.postgres import Postgres
from tools.embedded.process import free_port, spawn, stop

COUNTING = (
    *("-c", "shared_preload_libraries=pg_stat_statements"),
    *("-c", "max_connections=200", "-c", "max_wal_size=4GB"),
)
STAND_IN = {"OPENAI_API_KEY": "any-key", "OPENAI_BASE_URL": "{sandbox}/openai/v1"}
START_SECONDS = 240.0  # two start at once, on a machine that others work on
CALLS = ("tria_xero_call_seconds_count", "gen_ai_client_operation_duration_seconds_count")
TICKS = os.sysconf("SC_CLK_TCK")
Spent = dict[str, float]


@dataclass(frozen=True)
class Side:
    """A version that runs, and the processes of it."""

    name: str
    service: Service
    pid: int
    postgres: int
    database: "psycopg.Connection[tuple[float, ...]]"
    cache: redis.Redis

    def spent(self) -> Spent:
        """Everything so far: CPU in ms, statements, commits that wrote, bytes of log, calls."""
        cpu = self.cache.info("cpu")
        seconds = cpu["used_cpu_user"] + cpu["used_cpu_sys"]
        return {
            "cpu_ms": 1000 * cpu_seconds(self.pid),
            "postgres_cpu_ms": 1000 * sum(map(cpu_seconds, family(self.postgres))),
            "redis_cpu_ms": 1000 * seconds,
            "redis_commands": self.cache.info("stats")["total_commands_processed"],
            **self._of_database(),
            **self._calls(),
        }

    def statements(self, limit: int) -> list[tuple[str, int, float]]:
        """The statements that took Postgres longest: text, calls, ms in all."""
        rows = self.database.execute(
            "select regexp_replace(query, '\\s+', ' ', 'g'), calls, total_exec_time"
            " from pg_stat_statements order by total_exec_time desc limit %s",
            [limit],
        ).fetchall()
        return [(str(text), int(calls), float(ms)) for text, calls, ms in rows]

    def _of_database(self) -> Spent:
        row = self.database.execute(
            "select (select sum(calls) from pg_stat_statements where query not like %s)::bigint,"
            " pg_snapshot_xmax(pg_current_snapshot())::text::bigint,"
            " pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint",
            ["%pg_stat_statements%"],
        ).fetchone()
        return dict(zip(("statements", "commits", "wal_bytes"), row or (0, 0, 0), strict=True))

    def _calls(self) -> Spent:
        """Calls of Xero and of the model, as the service counts them."""
        text = httpx.get(f"{self.service.url}/metrics", timeout=30).text
        found = dict.fromkeys(CALLS, 0.0)
        for line in text.splitlines():
            name = line.partition("{")[0]
            if name in found:
                found[name] += float(line.rpartition(" ")[2])
        return dict(zip(("xero_calls", "model_calls"), found.values(), strict=True))


def _as_migrated(_: str) -> None:
    """A database without conversations."""


@contextmanager
def running_side(
    name: str,
    tree: Tree,
    extra: Mapping[str, str],
    filling: Callable[[str], None] = _as_migrated,
) -> Iterator[Side]:
    """Bring it up on a database that `filling` has prepared, by its URL.

    `{sandbox}` in a setting stands for the root of its sandbox.
    """
    build_minilm(Path(".tria") / "minilm")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tria-")))
        (folder / "minilm").symlink_to((Path(".tria") / "minilm").resolve())
        postgres = Postgres(folder / "postgres", COUNTING)
        stack.callback(postgres.stop)
        url = postgres.start()
        found = stack.enter_context(running_parts(folder, {"DATABASE_URL": url}, lambda _: None))
        own = {k: v for k, v in environment().items() if k in OF_MACHINE}
        sandbox = found["XERO_API_URL"].removesuffix("/xero")
        complete = {
            **own,
            **found,
            "DATABASE_URL": url,
            "PYTHONPATH": str(tree.root),
            "TRIA_PORT": str(free_port()),
            "LANGSMITH_TRACING": "false",
            **{k: v.replace("{sandbox}", sandbox) for k, v in extra.items()},
        }
        migrate = [sys.executable, "-P", "-m", "graph.migrate"]
        subprocess.run(migrate, env=complete, check=True)
        filling(url)
        service = Service(f"http://127.0.0.1:{complete['TRIA_PORT']}", complete)
        log = folder / "service.log"
        process = spawn([sys.executable, "-P", "-m", "api"], log, signal.SIGTERM, complete)
        stack.callback(stop, process, signal.SIGTERM)
        wait_until_ready(service.url, process, log, START_SECONDS)
        database = stack.enter_context(psycopg.connect(url, autocommit=True))
        database.execute("create extension if not exists pg_stat_statements")
        database.execute("select pg_stat_statements_reset()")
        cache = stack.enter_context(redis.Redis.from_url(found["REDIS_URL"]))
        yield Side(name, service, process.pid, postgres.pid, database, cache)


def cpu_seconds(pid: int) -> float:
    """Seconds that a process, and those of its children that have ended, have computed."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return sum(map(int, fields[11:15])) / TICKS


def family(pid: int) -> list[int]:
    """A process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]


def memory_kib(pid: int) -> int:
    """What a process holds in memory."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])
