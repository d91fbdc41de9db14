"""A lane: one whole service whose world begins anew with each case."""

import contextlib
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import redis

from evals.lanes.database import LaneDatabase, copy_database, create_database, url_of
from evals.lanes.tree import Tree
from graph.settings import environment
from tools.embedded.minilm import build_minilm
from tools.embedded.parts import UNLIMITED, running_sandbox, send_webhooks_to
from tools.embedded.postgres import FAST_AND_FORGETFUL, Postgres
from tools.embedded.process import free_port, last_lines, spawn, stop
from tools.embedded.valkey import Valkey

START_SECONDS = 90
# What belongs to the machine and not to a real installation.
KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV")
SECRET = "evals sign their own demo customers in with this"  # noqa: S105 (opens nothing else)


@dataclass(frozen=True)
class Servers:
    """What all lanes of a run share: a Postgres, a Valkey, and a folder."""

    folder: Path
    postgres_url: str
    redis_url: str


@dataclass
class Lane:
    """Where its parts are. Times are those of the case that plays on it."""

    url: str
    sandbox_url: str
    database_url: str
    environment: Mapping[str, str]
    log: Path
    database: LaneDatabase
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=60))
    ahead: timedelta = timedelta()

    def begin(self, clock: datetime) -> None:
        """A fresh world, in which it is `clock` now."""
        self.http.post(f"{self.sandbox_url}/control/reset", json={"now": clock.isoformat()})
        self.database.empty()
        with redis.Redis.from_url(self.environment["REDIS_URL"]) as client:
            client.flushdb()
        self.ahead = clock - datetime.now(UTC)  # noqa: TID251 (lanes are set by real time)
        self._set_clocks(forget=True)

    def go_on(self) -> None:
        """Take the time up at which the world of the place was left."""
        clock = self.http.get(f"{self.sandbox_url}/control/clock").json()["now"]
        self.ahead = datetime.fromisoformat(clock) - datetime.now(UTC)  # noqa: TID251 (as above)
        self._set_clocks(forget=True)

    def pass_time(self, by: timedelta) -> None:
        """Wind every clock of the lane on."""
        self.ahead += by
        self.http.post(
            f"{self.sandbox_url}/control/clock", json={"advance_seconds": by.total_seconds()}
        )
        self._set_clocks(forget=False)

    def now(self) -> datetime:
        """What time it is in the lane."""
        return datetime.now(UTC) + self.ahead  # noqa: TID251 (lanes are set by real time)

    def _set_clocks(self, *, forget: bool) -> None:
        self.database.move_clock(self.ahead)
        body = {"now": self.now().isoformat(), "forget": forget}
        self.http.post(f"{self.url}/lane/begin", json=body).raise_for_status()


@contextlib.contextmanager
def running_servers(folder: Path) -> Iterator[Servers]:
    """The parts that all lanes share."""
    postgres = Postgres(folder / "postgres", FAST_AND_FORGETFUL)
    valkey = Valkey(folder / "valkey", persistent=False)
    with contextlib.ExitStack() as stack:
        stack.callback(postgres.stop)
        postgres_url = postgres.start()
        stack.callback(valkey.stop)
        yield Servers(folder, postgres_url, valkey.start())


@dataclass(frozen=True)
class Place:
    """Where the world of one lane is kept, whether a service runs on it or not."""

    servers: Servers
    number: int

    @property
    def folder(self) -> Path:
        return self.servers.folder / f"lane-{self.number}"

    @property
    def database(self) -> str:
        return f"lane_{self.number}"

    def make(self) -> None:
        """An empty world."""
        create_database(self.servers.postgres_url, self.database)
        self._make_folder()

    def copy_from(self, other: "Place") -> None:
        """The world of another place, on which nothing runs."""
        copy_database(self.servers.postgres_url, other.database, self.database)
        self._make_folder()
        shutil.copytree(other.folder / "sandbox", self.folder / "sandbox")

    def _make_folder(self) -> None:
        self.folder.mkdir(parents=True)
        cache = Path(".tria") / "minilm"
        build_minilm(cache)
        (self.folder / "minilm").symlink_to(cache.resolve())


@contextlib.contextmanager
def running_lane(place: Place, tree: Tree, extra: Mapping[str, str]) -> Iterator[Lane]:
    """A lane on a place, with the code of `tree`. `extra` are settings of its service.

    `{sandbox}` in a setting stands for the root of the lane's own sandbox.
    """
    servers, folder = place.servers, place.folder
    database_url = url_of(servers.postgres_url, place.database)
    with running_sandbox(folder / "sandbox", *UNLIMITED) as found:
        sandbox_url = found["XERO_API_URL"].removesuffix("/xero")
        complete = {
            **{k: v for k, v in environment().items() if k in KEPT},
            **found,
            "TRIA_DATA": str(folder),
            "TRIA_SECRET": SECRET,
            "DATABASE_URL": database_url,
            "REDIS_URL": f"{servers.redis_url.rpartition('/')[0]}/{place.number}",
            "TRIA_PORT": str(free_port()),
            "LANGSMITH_TRACING": "false",
            **{k: v.replace("{sandbox}", sandbox_url) for k, v in extra.items()},
        }
        _run(["-m", "graph.migrate"], complete, tree)
        with _serving(folder, complete, tree) as (url, log):
            send_webhooks_to(url, complete)
            database = LaneDatabase(database_url)
            try:
                yield Lane(url, sandbox_url, database_url, complete, log, database)
            finally:
                database.close()


@contextlib.contextmanager
def _serving(folder: Path, complete: Mapping[str, str], tree: Tree) -> Iterator[tuple[str, Path]]:
    log = folder / "service.log"
    command = [sys.executable, "-P", "-m", "evals.lanes.served"]
    process = spawn(command, log, signal.SIGTERM, {**complete, "PYTHONPATH": str(tree.root)})
    url = f"http://127.0.0.1:{complete['TRIA_PORT']}"
    try:
        _wait(url, process, log)
        yield url, log
    finally:
        stop(process, signal.SIGTERM)


def _run(command: list[str], complete: Mapping[str, str], tree: Tree) -> None:
    subprocess.run(  # noqa: S603 (our own)
        [sys.executable, "-P", *command],
        env={**complete, "PYTHONPATH": str(tree.root)},
        check=True,
    )


def _wait(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            sys.exit(f"The service of a lane ended at once:\n{last_lines(log, 12)}")
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{url}/health/ready", timeout=2).is_success:
                return
        time.sleep(0.05)
    sys.exit(f"The service of a lane was not ready:\n{last_lines(log, 12)}")
