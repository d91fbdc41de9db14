"""The process that forks a replica for each life, as the campaign sees it."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Literal, cast
from uuid import UUID, uuid4

from evals.service import Service

How = Literal["kill", "cut"]


class Replicas:
    """The process that forks a replica for each life."""

    def __init__(self, service: Service, folder: Path) -> None:
        self._folder = folder
        self._process = subprocess.Popen(
            [sys.executable, "-m", "evals.bench.crash.replica"],
            env=service.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def live(self, thread_id: UUID, kill_at: int, how: How = "kill") -> tuple[int, list[str]]:
        """One life: its exit status, and the steps that it reached."""
        trace = self._folder / f"{uuid4().hex}.trace"
        order = {
            "thread_id": str(thread_id),
            "kill_at": kill_at,
            "trace": str(trace),
            "how": how,
        }
        stdin, stdout = cast(IO[str], self._process.stdin), cast(IO[str], self._process.stdout)
        stdin.write(json.dumps(order) + "\n")
        stdin.flush()
        status = int(json.loads(stdout.readline())["status"])
        return status, trace.read_text().splitlines() if trace.exists() else []

    def close(self) -> None:
        """No further lives."""
        self._process.kill()
        self._process.communicate()


@contextmanager
def replicas_of(service: Service) -> Iterator[Replicas]:
    """The forking process, ended afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        found = Replicas(service, Path(folder))
        try:
            yield found
        finally:
            found.close()
