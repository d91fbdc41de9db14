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
from evals.service import OF_MACHINE
from graph.settings import environment
from tools.embedded.minilm import build_minilm
from tools.embedded.parts import UNLIMITED, running_sandbox, send_webhooks_to
from tools.embedded.postgres import FAST_AND_FORGETFUL, Postgres
from tools.embedded.process import free_port, last_lines, spawn, stop
from tools.embedded.valkey import Valkey
from tools.errors import PartNotStarted

START_SECONDS = 90
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
    process: "subprocess.Popen[bytes]"
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=60))
    ahead: timedelta = timedelta()

    def wait_until_ready(self) -> None:
        """Return once it answers; raises PartNotStarted."""
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise PartNotStarted(f"A lane ended at once:\n{last_lines(self.log, 12)}")
            with contextlib.suppress(httpx.HTTPError):
                if self.http.get(f"{self.url}/health/ready", timeout=2).is_success:
                    return
            time.sleep(0.05)
        raise PartNotStarted(f"A lane was not ready:\n{last_lines(self.log, 12)}")

    def begin(self, clock: datetime) -> None:
        """A fresh world, in which it is `clock` now."""
        self._control("reset", now=clock.isoformat())
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
        self._control("clock", advance_seconds=by.total_seconds())
        self._set_clocks(forget=False)

    def now(self) -> datetime:
        """What time it is in the lane."""
        return datetime.now(UTC) + self.ahead  # noqa: TID251 (lanes are set by real time)

    def _control(self, what: str, **body: object) -> None:
        url = f"{self.sandbox_url}/control/{what}"
        self.http.post(url, json=body).raise_for_status()

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

    @property
    def database_url(self) -> str:
        return url_of(self.servers.postgres_url, self.database)

    def make(self, tree: Tree) -> None:
        """An empty world for that version of the service."""
        create_database(self.servers.postgres_url, self.database)
        self._make_folder()
        self.migrate(tree)

    def copy_from(self, other: "Place") -> None:
        """The world of another place, on which nothing runs."""
        copy_database(self.servers.postgres_url, other.database, self.database)
        self._make_folder()
        if (other.folder / "sandbox").exists():
            shutil.copytree(other.folder / "sandbox", self.folder / "sandbox")

    def migrate(self, tree: Tree) -> None:
        """Bring the database up to that version of the service."""
        subprocess.run(
            [sys.executable, "-P", "-m", "graph.migrate"],
            env=_of_machine(tree) | {"DATABASE_URL": self.database_url, "TRIA_DEMO": "true"},
            check=True,
        )

    def _make_folder(self) -> None:
        self.folder.mkdir(parents=True)
        cache = Path(".tria") / "minilm"
        build_minilm(cache)
        (self.folder / "minilm").symlink_to(cache.resolve())


@contextlib.contextmanager
def starting_lane(place: Place, tree: Tree, extra: Mapping[str, str]) -> Iterator[Lane]:
    """A lane on a place, with the code of `tree`; it is not ready at once.

    `extra` are settings of its service, in which `{sandbox}` stands for the root of its sandbox.
    """
    folder, log = place.folder, place.folder / "service.log"
    with running_sandbox(folder / "sandbox", *UNLIMITED) as found, contextlib.ExitStack() as stack:
        sandbox_url = found["XERO_API_URL"].removesuffix("/xero")
        complete = {
            **_of_machine(tree),
            **found,
            "TRIA_DATA": str(folder),
            "TRIA_SECRET": SECRET,
            "DATABASE_URL": place.database_url,
            "REDIS_URL": f"{place.servers.redis_url.rpartition('/')[0]}/{place.number}",
            "TRIA_PORT": str(free_port()),
            "TRIA_DRAIN_SECONDS": "0",
            **{k: v.replace("{sandbox}", sandbox_url) for k, v in extra.items()},
        }
        command = [sys.executable, "-P", "-m", "evals.lanes.served"]
        process = spawn(command, log, signal.SIGTERM, complete)
        stack.callback(stop, process, signal.SIGTERM)
        url = f"http://127.0.0.1:{complete['TRIA_PORT']}"
        send_webhooks_to(url, complete)
        database = LaneDatabase(place.database_url)
        stack.callback(database.close)
        lane = Lane(url, sandbox_url, place.database_url, complete, log, database, process)
        stack.callback(lane.http.close)
        yield lane


@contextlib.contextmanager
def running_lane(place: Place, tree: Tree, extra: Mapping[str, str]) -> Iterator[Lane]:
    """The same, once it answers."""
    with starting_lane(place, tree, extra) as lane:
        lane.wait_until_ready()
        yield lane


def _of_machine(tree: Tree) -> dict[str, str]:
    own = {name: value for name, value in environment().items() if name in OF_MACHINE}
    return own | {"PYTHONPATH": str(tree.root), "LANGSMITH_TRACING": "false"}
