"""Where everything is destroyed and restored: a service on a Postgres whose log is kept."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import chromadb
import httpx
import psycopg

from evals.service import OF_MACHINE, wait_until_ready
from graph.settings import environment
from tools.embedded.chroma import Chroma
from tools.embedded.minilm import build_minilm
from tools.embedded.parts import UNLIMITED, running_sandbox
from tools.embedded.postgres import USER, Postgres, as_ordinary_user, programs
from tools.embedded.process import free_port, spawn, stop, wait_until
from tools.embedded.valkey import Valkey
from tools.sandbox.company import demo_customers

SCRIPT = Path(__file__).parents[2] / "deploy" / "backup" / "backups.sh"
SECRET = "a secret for restores, long enough to sign with"
SCRIPT_SECONDS = RECOVERY_SECONDS = START_SECONDS = 300.0


class Archived:
    """A Postgres with its backups, as a server has them."""

    def __init__(self, folder: Path, timeout_seconds: int) -> None:
        self.backups, self.textfiles = folder / "backups", folder / "textfiles"
        for made in (self.backups, self.textfiles):
            made.mkdir(parents=True, exist_ok=True)
        self._folder = folder / "postgres"
        command = f"BACKUPS={self.backups} sh {SCRIPT} archive %p %f"
        self._options = (
            *("-c", "archive_mode=on", "-c", f"archive_timeout={timeout_seconds}"),
            *("-c", f"archive_command={command}"),
        )
        self.server = Postgres(self._folder, self._options)
        self.url = ""

    @property
    def data(self) -> Path:
        """Postgres' data folder."""
        return self._folder / "data"

    def start(self) -> str:
        """Start, wait until it takes writes, and return the connection URL."""
        self.url = self.server.start()
        wait_until(self._is_writable, RECOVERY_SECONDS, f"no end of recovery, see {self._folder}")
        return self.url

    def destroy(self) -> None:
        """As if the disk had died: nothing is written any more, and nothing is left."""
        self.server.stop(signal.SIGKILL)
        wait_until(self._is_gone, 20, "Postgres does not let go of its data")

    def script(self, *words: str, **more: str) -> "subprocess.CompletedProcess[str]":
        """One step of the script, as the container of backups runs it, to its end."""
        process = self.begin(*words, **more)
        try:
            said, complained = process.communicate(timeout=SCRIPT_SECONDS)
        finally:
            process.kill()
        return subprocess.CompletedProcess(process.args, process.returncode, said, complained)

    def begin(self, *words: str, **more: str) -> "subprocess.Popen[str]":
        """The same, without waiting for it."""
        found = psycopg.conninfo.conninfo_to_dict(self.url)
        own = {
            "PATH": f"{programs()}:{os.environ['PATH']}",
            "TMPDIR": str(self._folder.parent),
            "BACKUPS": str(self.backups),
            "TEXTFILES": str(self.textfiles),
            "PGHOST": "127.0.0.1",
            "PGPORT": str(found["port"]),
            "PGUSER": USER,
            "PGDATABASE": "postgres",
            "PGPASSWORD": str(found["password"]),
        }
        return subprocess.Popen(
            as_ordinary_user(["sh", str(SCRIPT), *words]),
            env=own | more,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What the server says."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(query.encode()).fetchall()

    def _is_writable(self) -> bool:
        with contextlib.suppress(psycopg.OperationalError):
            return self.rows("select pg_is_in_recovery()") == [(False,)]
        return False

    def _is_gone(self) -> bool:
        shutil.rmtree(self.data, ignore_errors=True)
        return not self.data.exists()


@dataclass
class Site:
    """Everything there is to lose, and a service on it."""

    folder: Path
    postgres: Archived
    valkey: Valkey
    chroma: Chroma
    variables: dict[str, str]
    _service: "list[subprocess.Popen[bytes]]" = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where the service answers."""
        return f"http://127.0.0.1:{self.variables['TRIA_PORT']}"

    def serve(self) -> None:
        """Migrate, start the service, and wait until it takes messages."""
        command = [sys.executable, "-m", "graph.migrate"]
        subprocess.run(command, env=self.variables, check=True, stdout=subprocess.DEVNULL)
        log = self.folder / "service.log"
        process = spawn([sys.executable, "-m", "api"], log, signal.SIGTERM, self.variables)
        self._service.append(process)
        wait_until_ready(self.url, process, log, START_SECONDS)

    def kill_service(self) -> None:
        """It dies with the rest."""
        for process in self._service:
            stop(process, signal.SIGKILL)
        self._service.clear()

    def destroy(self) -> None:
        """Postgres, Redis, Chroma, the service: all on one disk that dies."""
        self.kill_service()
        self.postgres.destroy()
        self.valkey.stop()
        self.chroma.stop()
        for folder in ("valkey", "chroma-server"):
            shutil.rmtree(self.folder / folder)

    def restore(self) -> None:
        """As the runbook has it: Postgres from its backups, the others empty."""
        done = self.postgres.script("restore", str(self.postgres.data))
        if done.returncode:
            sys.exit(f"nothing was restored: {done.stderr}")
        self.postgres.start()
        self.valkey.start()
        self.chroma.start()
        self.serve()

    def sign_in(self, number: int) -> dict[str, str]:
        """Headers of one of the demo customers."""
        body = {"customer_id": demo_customers()[number].customer_id}
        answer = httpx.post(f"{self.url}/demo/sign-in", json=body, timeout=120)
        return {"Authorization": f"Bearer {answer.raise_for_status().json()['token']}"}

    def sections(self) -> set[str]:
        """The ids of what is kept in Chroma."""
        address = httpx.URL(self.variables["CHROMA_URL"])
        client = chromadb.HttpClient(host=address.host, port=int(address.port or 0))
        return {each for kept in client.list_collections() for each in kept.get(include=[])["ids"]}

    def invoices(self, number: str) -> list[dict[str, Any]]:
        """What the books hold under a number."""
        control = self.variables["XERO_API_URL"].removesuffix("/xero") + "/control/invoices"
        found: list[dict[str, Any]] = httpx.get(control, timeout=30).json()
        return [invoice for invoice in found if invoice["InvoiceNumber"] == number]


@contextlib.contextmanager
def standing_site(timeout_seconds: int) -> Iterator[Site]:
    """Bring everything up in a temporary folder; nothing is left of it."""
    cache = Path(".tria") / "minilm"
    build_minilm(cache)
    with (
        tempfile.TemporaryDirectory(prefix="tria-restore-") as name,
        contextlib.ExitStack() as stack,
    ):
        folder = Path(name)
        (folder / "minilm").symlink_to(cache.resolve())
        postgres = Archived(folder, timeout_seconds)
        valkey, chroma = Valkey(folder / "valkey"), Chroma(folder / "chroma-server")
        for part in (postgres.server, valkey, chroma):
            stack.callback(part.stop)
        addresses = {
            "DATABASE_URL": postgres.start(),
            "REDIS_URL": valkey.start(),
            "CHROMA_URL": chroma.start(),
        }
        sandbox = stack.enter_context(running_sandbox(folder / "sandbox", *UNLIMITED))
        site = Site(folder, postgres, valkey, chroma, _variables(folder, addresses | sandbox))
        stack.callback(site.kill_service)
        site.serve()
        yield site


def _variables(folder: Path, parts: Mapping[str, str]) -> dict[str, str]:
    own = {k: v for k, v in environment().items() if k in OF_MACHINE}
    more = {"TRIA_DATA": str(folder), "TRIA_SECRET": SECRET, "LANGSMITH_TRACING": "false"}
    return {**own, **more, **parts, "TRIA_PORT": str(free_port())}
