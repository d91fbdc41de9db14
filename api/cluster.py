"""`make cluster`: three replicas on shared parts behind a proxy, on one machine."""

import asyncio
import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from api.launch import checked_address, greet_demo, until_stopped, wait_until_ready, watched
from graph.migrate import is_demo, prepare_database
from tools.embedded.caddy import Caddy
from tools.embedded.chroma import Chroma
from tools.embedded.noted import noted
from tools.embedded.parts import running_parts, send_webhooks_to
from tools.embedded.process import free_port, spawn, stop
from tools.service_role import without_owner

REPLICAS = 3
NOTICE_SECONDS = "2"  # longer than the proxy takes to see that one leaves
LOOK_SECONDS = 0.2
PAUSE_SECONDS = 1.0
STOP_SECONDS = 40


class Replica:
    """One process of the service on a port of its own; started again whenever it ended."""

    def __init__(self, number: int, shared: Mapping[str, str], folder: Path) -> None:
        self.port = free_port()
        self.name = f"replica {number}"
        self._log = folder / f"service-{number}.log"
        own = {"TRIA_HOST": "127.0.0.1", "TRIA_PORT": str(self.port)}
        self._environment = {**shared, **own}
        self._process: subprocess.Popen[bytes] | None = None
        self._not_before = 0.0

    @property
    def pid(self) -> int:
        """The process to kill."""
        return self._process.pid if self._process else 0

    def start(self) -> None:
        """Start without waiting for it."""
        command = [sys.executable, "-m", "api"]
        self._process = spawn(command, self._log, signal.SIGTERM, self._environment)

    def wait(self) -> None:
        """Until it takes messages."""
        if self._process:
            wait_until_ready(self._process, f"http://127.0.0.1:{self.port}", self._log)

    def look(self) -> None:
        """Start it again when it has ended, after a pause."""
        if self._process and self._process.poll() is not None:
            print(f"{self.name} has ended. Starting it again ...", flush=True)
            self._process, self._not_before = None, time.monotonic() + PAUSE_SECONDS
        if self._process is None and time.monotonic() >= self._not_before:
            self.start()
            print(f"{self.name} is process {self.pid} now.", flush=True)

    def ask_to_stop(self) -> None:
        """Begin to drain."""
        if self._process and self._process.poll() is None:
            self._process.terminate()

    def stop(self) -> None:
        """Wait until it has ended."""
        if self._process:
            stop(self._process, signal.SIGTERM, STOP_SECONDS)


def main() -> int:
    """Run until Ctrl-C."""
    return until_stopped(_run)


def _run(configured: Mapping[str, str]) -> int:
    started = time.monotonic()
    folder = Path(configured.get("TRIA_DATA", ".tria")).resolve()
    url = checked_address(configured)
    try:
        with contextlib.ExitStack() as stack:
            found = stack.enter_context(running_parts(folder, configured, print))
            if not configured.get("CHROMA_URL"):
                print("Starting Chroma ...")
                found["CHROMA_URL"] = stack.enter_context(_running_chroma(folder))
            complete = watched({**_own(url), **configured, **found})
            print("Bringing the database up to date ...")
            asyncio.run(prepare_database(complete))
            stack.enter_context(noted(folder, complete))
            replicas = stack.enter_context(_running_replicas(without_owner(complete), folder))
            stack.enter_context(_running_proxy(configured, replicas, folder))
            send_webhooks_to(url, complete)
            _greet(complete, url, replicas, time.monotonic() - started)
            return _look_after(replicas)
    finally:
        print("Stopped.")


def _own(url: str) -> dict[str, str]:
    """What replicas behind a proxy are told, unless it is configured otherwise."""
    return {
        "TRIA_PUBLIC_URL": url,
        "TRIA_DRAIN_NOTICE_SECONDS": NOTICE_SECONDS,
        "TRIA_TRUSTED_PROXIES": "127.0.0.1",
    }


@contextlib.contextmanager
def _running_chroma(folder: Path) -> Iterator[str]:
    chroma = Chroma(folder / "chroma-server")
    try:
        yield chroma.start()
    finally:
        chroma.stop()


@contextlib.contextmanager
def _running_replicas(complete: Mapping[str, str], folder: Path) -> Iterator[list[Replica]]:
    print(f"Starting {REPLICAS} replicas ...", flush=True)
    replicas = [Replica(n + 1, complete, folder) for n in range(REPLICAS)]
    try:
        for replica in replicas:
            replica.start()
        for replica in replicas:
            replica.wait()
        yield replicas
    finally:
        for replica in replicas:
            replica.ask_to_stop()
        for replica in replicas:
            replica.stop()


@contextlib.contextmanager
def _running_proxy(
    configured: Mapping[str, str], replicas: Sequence[Replica], folder: Path
) -> Iterator[None]:
    host = configured.get("TRIA_HOST", "127.0.0.1")
    port = configured.get("TRIA_PORT", "8003")
    proxy = Caddy(folder / "proxy", f"{host}:{port}")
    try:
        proxy.start([f"127.0.0.1:{replica.port}" for replica in replicas])
        yield
    finally:
        proxy.stop()


def _look_after(replicas: Sequence[Replica]) -> int:
    while True:
        for replica in replicas:
            replica.look()
        time.sleep(LOOK_SECONDS)


def _greet(
    complete: Mapping[str, str], url: str, replicas: Sequence[Replica], seconds: float
) -> None:
    print(f"\nTria is ready after {seconds:.1f} s.\n")
    print(f"  Chat        {url}/")
    print(f"  Console     {url}/console")
    print(f"  Health      {url}/health")
    for replica in replicas:
        print(f"  {replica.name:<11} http://127.0.0.1:{replica.port}/health  process {replica.pid}")
    if is_demo(complete):
        greet_demo(url)
    print("\nKill a replica (kill -9), or let it leave (kill): the others go on with its turns,")
    print("and it is started again. Ctrl-C stops everything.", flush=True)


if __name__ == "__main__":
    sys.exit(main())
