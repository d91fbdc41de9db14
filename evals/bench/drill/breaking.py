"""The seven drills: what is broken, for real, and the runbook's steps that put it right."""

import resource
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
import redis

from evals.bench.drill.stand import Stand

LOCKED_SECONDS = 1.5
FOUND_SECONDS = 30.0  # to be found by
# As the runbook's section "Database" has it: who is waited for, and waits for nobody.
WAITED_FOR = """
select distinct b.pid from pg_stat_activity a, pg_stat_activity b
where b.pid = any(pg_blocking_pids(a.pid)) and b.wait_event_type is distinct from 'Lock'
  and b.xact_start < now() - interval '500 ms'"""

Undo = Callable[[], None]


@dataclass(frozen=True)
class Drill:
    """One section of the runbook, the alert that leads to it, and how to break what it is about."""

    section: str
    alert: str
    broken: str
    steps: str
    inject: Callable[[Stand], Undo]


def http_500(stand: Stand) -> Undo:
    """A table that this version expects has another name."""
    _execute(stand, "alter table feedback rename to feedback_of_tomorrow")

    def undo() -> None:
        assert '"request crashed"' in stand.log.read_text()
        _execute(stand, "alter table feedback_of_tomorrow rename to feedback")

    return undo


def slow(stand: Stand) -> Undo:
    """Somebody locks a table that every request reads, again and again."""
    enough = threading.Event()

    def lock() -> None:
        with suppress(psycopg.Error), psycopg.connect(stand.database_url) as connection:
            while not enough.is_set():
                connection.execute("lock table threads in access exclusive mode")
                connection.execute("select pg_sleep(%s)", [LOCKED_SECONDS])
                connection.commit()

    locking = threading.Thread(target=lock, daemon=True)
    locking.start()

    def undo() -> None:
        with psycopg.connect(stand.database_url, autocommit=True) as connection:
            end, ended = time.monotonic() + FOUND_SECONDS, 0
            while locking.is_alive() and time.monotonic() < end:
                for (pid,) in connection.execute(WAITED_FOR).fetchall():
                    connection.execute("select pg_terminate_backend(%s)", [pid])
                    ended += 1
        enough.set()
        assert ended, "nobody was found to be waited for"

    return undo


def database(stand: Stand) -> Undo:
    """Postgres is stopped."""
    stand.postgres.stop()
    return lambda: _ignored(stand.postgres.start())


def cache(stand: Stand) -> Undo:
    """Redis is stopped."""
    stand.valkey.stop()
    return lambda: _ignored(stand.valkey.start())


def memory(stand: Stand) -> Undo:
    """The process has hardly a file left to open."""
    pid = stand.service.pid if stand.service else 0
    opened = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (opened + 8, opened + 8))

    def undo() -> None:
        stand.stop()
        stand.start()

    return undo


def xero(stand: Stand) -> Undo:
    """Every call of Xero is answered with 503; what was kept of its answers is forgotten."""
    order = {"operation": "*", "mode": "unavailable", "times": 1_000_000}
    _order(stand, order)
    with redis.Redis.from_url(stand.variables["REDIS_URL"]) as client:
        client.flushdb()
    return lambda: _order(stand, order | {"times": 0})


def model(stand: Stand) -> Undo:
    """The model's address refuses every connection."""
    stand.model.set("refuse")
    stand.model.cut()
    return lambda: stand.model.set("pass")


DRILLS = (
    Drill(
        "http-500",
        "ApiErrorsBurnFast",
        "a table has another name",
        "the log names it; back as it was",
        http_500,
    ),
    Drill(
        "slow-answers",
        "ApiLatencyBurnSlow",
        "a table is locked again and again",
        "who waits for whom; end that session",
        slow,
    ),
    Drill("database", "PostgresDown", "Postgres is stopped", "start it", database),
    Drill("cache", "RedisDown", "Redis is stopped", "start it", cache),
    Drill("memory", "FilesNearLimit", "few files are left to open", "replace the replica", memory),
    Drill("xero", "XeroDown", "Xero answers 503", "wait until it answers", xero),
    Drill("model-away", "ModelLeftAlone", "the model refuses", "wait until it answers", model),
)


def _execute(stand: Stand, statement: str) -> None:
    with psycopg.connect(stand.database_url) as connection:
        connection.execute(statement.encode())


def _order(stand: Stand, order: dict[str, object]) -> None:
    httpx.post(f"{stand.sandbox_url}/control/faults", json=order, timeout=5).raise_for_status()


def _ignored(_: str) -> None:
    """The address, which is the same as before."""
