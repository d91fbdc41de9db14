"""Child processes that never outlive the one that started them."""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tools.errors import PartNotStarted

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)
NEEDED_BYTES = 300 * 1024 * 1024


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def check_space(folder: Path) -> None:
    """Refuse to start on a nearly full disk, where databases fail in the middle of a write."""
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < NEEDED_BYTES:
        raise PartNotStarted(
            f"Only {free >> 20} MB are free on the disk of {folder}: free at least "
            f"{NEEDED_BYTES >> 20} MB, or set TRIA_DATA to a folder on another disk."
        )


def spawn(
    command: Sequence[str],
    log: Path,
    stop: signal.Signals,
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own; the kernel sends it `stop` when we die.

    Call from the main thread: the kernel watches the thread that forked.
    """

    def in_child() -> None:
        os.setsid()
        LIBC.prctl(PR_SET_PDEATHSIG, int(stop))

    with log.open("ab") as sink:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            env=environment,
            preexec_fn=in_child,
        )


def stop(process: subprocess.Popen[bytes], how: signal.Signals, seconds: float = 20) -> None:
    """Ask the process to end, wait, and end it by force when it does not."""
    if process.poll() is not None:
        return
    process.send_signal(how)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_until(is_ready: Callable[[], bool], seconds: float, failure: str) -> None:
    """Poll every 20 ms until `is_ready()`; raises PartNotStarted with `failure` after `seconds`."""
    end = time.monotonic() + seconds
    while not is_ready():
        if time.monotonic() > end:
            raise PartNotStarted(failure)
        time.sleep(0.02)


def last_lines(log: Path, count: int = 5) -> str:
    """The end of a log file, for an error message."""
    if not log.exists():
        return ""
    return "\n".join(log.read_text(errors="replace").splitlines()[-count:])
