"""Caddy from a Python wheel or Debian's package: the proxy in front of several replicas."""

import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.embedded.process import last_lines, spawn, stop, wait_until
from tools.errors import PartNotStarted

CLUSTER = Path(__file__).parents[2] / "deploy" / "cluster" / "Caddyfile"


def program() -> str:
    """The wheel's program, else one on PATH."""
    installed = Path(sys.executable).parent / "caddy"
    if found := str(installed) if installed.exists() else shutil.which("caddy"):
        return found
    raise PartNotStarted("There is no Caddy for this machine: apt-get install caddy.")


class Caddy:
    """One Caddy that listens at `host:port` and shares requests out among the replicas."""

    def __init__(self, folder: Path, listen: str, config: Path = CLUSTER) -> None:
        self._folder = folder
        self._config = config
        self._listen = listen
        self._log = folder / "caddy.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, replicas: Sequence[str]) -> None:
        """Start in front of the replicas, each `host:port`."""
        self._folder.mkdir(parents=True, exist_ok=True)
        command = [program(), "run", "--config", str(self._config)]
        self._process = process = spawn(
            command, self._log, signal.SIGTERM, self._environment(replicas)
        )

        def is_ready() -> bool:
            if process.poll() is not None:
                raise PartNotStarted(f"Caddy ended at once:\n{last_lines(self._log)}")
            return _listens(self._listen)

        wait_until(is_ready, 15, f"Caddy did not start, see {self._log}")

    def reload(self, replicas: Sequence[str]) -> None:
        """Go on with other replicas; what is under way ends where it began."""
        command = [program(), "reload", "--force", "--config", str(self._config)]
        done = subprocess.run(
            command, env=self._environment(replicas), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise PartNotStarted(f"Caddy did not take its configuration: {done.stderr}")

    def stop(self) -> None:
        """End the proxy and what is still open at it."""
        if self._process:
            stop(self._process, signal.SIGTERM, 5)

    def _environment(self, replicas: Sequence[str]) -> dict[str, str]:
        return {
            "HOME": str(self._folder),
            "TRIA_LISTEN": self._listen,
            "TRIA_REPLICAS": " ".join(replicas),
            "TRIA_PROXY_DATA": str(self._folder),
        }


def _listens(address: str) -> bool:
    host, port = address.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
    except OSError:
        return False
    return True
