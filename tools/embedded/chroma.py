"""Chroma's server from its Python wheel: a folder of it belongs to one process only."""

import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

from tools.embedded.process import free_port, last_lines, spawn, stop, wait_until
from tools.errors import PartNotStarted


class Chroma:
    """One Chroma server over one folder, for replicas to share; its data stays when it stops."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._log = folder / "chroma.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0

    def start(self) -> str:
        """Start and return the address; the same one when it starts again."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._port = self._port or free_port()
        command = [str(Path(sys.executable).parent / "chroma"), "run"]
        command += ["--path", str(self._folder / "data"), "--host", "127.0.0.1"]
        command += ["--port", str(self._port)]
        self._process = process = spawn(command, self._log, signal.SIGTERM)
        url = f"http://127.0.0.1:{self._port}"

        def is_ready() -> bool:
            if process.poll() is not None:
                raise PartNotStarted(f"Chroma ended at once:\n{last_lines(self._log)}")
            return _answers(url)

        wait_until(is_ready, 30, f"Chroma did not start, see {self._log}")
        return url

    def stop(self) -> None:
        """End the server."""
        if self._process:
            stop(self._process, signal.SIGTERM)


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(f"{url}/api/v2/heartbeat", timeout=1).close()  # noqa: S310 (our own)
    except (urllib.error.URLError, OSError):
        return False
    return True
