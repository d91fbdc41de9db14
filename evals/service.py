"""A whole service of its own for evals and benchmarks: fresh books, fresh database, no model."""

import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from graph.settings import environment
from tools.embedded.minilm import build_minilm
from tools.embedded.parts import running_parts
from tools.embedded.process import free_port, last_lines, spawn, stop
from tools.service_role import OWNER_URL

START_SECONDS = 60
# What belongs to the machine and not to a real installation.
OF_MACHINE = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV")


@dataclass(frozen=True)
class Service:
    """Where it answers, and what it was configured with."""

    url: str
    environment: dict[str, str]

    def sign_in(self, customer_id: str) -> dict[str, str]:
        """Headers of a demo customer."""
        answer = httpx.post(f"{self.url}/demo/sign-in", json={"customer_id": customer_id})
        answer.raise_for_status()
        return {"Authorization": f"Bearer {answer.json()['token']}"}

    @property
    def sandbox_url(self) -> str:
        """The root of the sandbox's control interface."""
        return self.environment["XERO_API_URL"].removesuffix("/xero")


@contextmanager
def prepared_parts(**extra: str) -> Iterator[Service]:
    """Every part in a temporary folder, the database migrated, and no service on them yet."""
    cache = Path(".tria") / "minilm"
    build_minilm(cache)
    with tempfile.TemporaryDirectory(prefix="tria-") as name:
        folder = Path(name)
        (folder / "minilm").symlink_to(cache.resolve())
        with running_parts(folder, {}, lambda _: None) as found:
            found["DATABASE_URL"] = found.pop(OWNER_URL)  # benchmarks look behind the service
            port = str(free_port())
            own = {k: v for k, v in environment().items() if k in OF_MACHINE}
            complete = own | found | {"TRIA_PORT": port, "LANGSMITH_TRACING": "false"} | extra
            subprocess.run([sys.executable, "-m", "graph.migrate"], env=complete, check=True)
            yield Service(f"http://127.0.0.1:{port}", complete)


@contextmanager
def running_service(**extra: str) -> Iterator[Service]:
    """Start everything in a temporary folder and remove it at the end."""
    with prepared_parts(**extra) as service:
        log = Path(service.environment["TRIA_DATA"]) / "service.log"
        process = spawn([sys.executable, "-m", "api"], log, signal.SIGTERM, service.environment)
        try:
            wait_until_ready(service.url, process, log)
            yield service
        finally:
            stop(process, signal.SIGTERM)


def wait_until_ready(
    url: str, process: "subprocess.Popen[bytes]", log: Path, seconds: float = START_SECONDS
) -> None:
    """Until a service takes messages; ends everything where it does not."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            sys.exit(f"The service ended at once:\n{last_lines(log, 12)}")
        try:
            httpx.get(f"{url}/health/ready", timeout=2).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.05)
        else:
            return
    sys.exit(f"The service was not ready:\n{last_lines(log, 12)}")
