"""`make bench-start`: seconds from a bare clone, and from a warm one, until messages are taken.

Runs with nothing but Python: it clones this checkout into an empty folder with an empty
download cache.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LONGEST_SECONDS = 600


def main() -> None:
    """Clone, start cold, start warm, import; print the figures."""
    with tempfile.TemporaryDirectory(prefix="tria-start-") as name:
        clone, cache = Path(name) / "clone", Path(name) / "cache"
        subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        environment = os.environ | {
            "UV_CACHE_DIR": str(cache),
            "TRIA_PORT": str(port),
            "UV_LINK_MODE": "copy",
        }
        cold = seconds_to_start(clone, environment, port)
        warm = seconds_to_start(clone, environment, port)
        imported = seconds_to_import(clone)
    print(json.dumps({"cold_s": cold, "warm_s": warm, "import_s": imported}))


def seconds_to_start(clone: Path, environment: dict[str, str], port: int) -> float:
    """From `make run` until /health/ready says yes; then Ctrl-C, and wait until all has ended."""
    started = time.monotonic()
    process = subprocess.Popen(
        ["make", "run"], cwd=clone, env=environment, stdout=sys.stderr, start_new_session=True
    )
    try:
        while not is_ready(port):
            if process.poll() is not None or time.monotonic() - started > LONGEST_SECONDS:
                sys.exit("make run did not start the service")
            time.sleep(0.05)
        return round(time.monotonic() - started, 2)
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(60)


def is_ready(port: int) -> bool:
    """Whether the service takes messages."""
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=1).close()
    except (urllib.error.URLError, OSError):
        return False
    return True


def seconds_to_import(clone: Path) -> float:
    """The quickest of three imports of the whole service."""
    command = [str(clone / ".venv/bin/python"), "-c", "import api.app"]
    seconds = []
    for _ in range(3):
        started = time.monotonic()
        subprocess.run(command, cwd=clone, check=True)
        seconds.append(time.monotonic() - started)
    return round(min(seconds), 2)


if __name__ == "__main__":
    main()
