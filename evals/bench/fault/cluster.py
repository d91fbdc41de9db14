"""What the campaign strikes: shared parts behind wires, three replicas, a proxy before them."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

import httpx

from evals.bench.fault.wire import Wire
from evals.service import OF_MACHINE
from graph.settings import environment
from tools.embedded.caddy import Caddy
from tools.embedded.chroma import Chroma
from tools.embedded.minilm import build_minilm
from tools.embedded.parts import UNLIMITED, running_sandbox
from tools.embedded.postgres import Postgres
from tools.embedded.process import free_port, last_lines
from tools.embedded.valkey import Valkey
from tools.errors import PartNotStarted
from tools.sandbox.company import demo_customers

REPLICAS = 3
SECRET = "a secret for the campaign, long enough to sign with"
MODEL = {"OPENAI_API_KEY": "a key for the stand-in"}
NOTICE_SECONDS = "1.2"  # the proxy looks twice a second
DRAIN_SECONDS = "5"


@dataclass
class Replica:
    """One place for a process of the service. `is_hurt` until it answers again."""

    number: int
    port: int
    pid: int = 0
    is_hurt: bool = False

    @property
    def is_alive(self) -> bool:
        """Whether its process is there, be it stopped."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True

    @property
    def state(self) -> str:
        """What the kernel says of it."""
        return state_of(self.pid)

    def send(self, what: signal.Signals) -> None:
        """Send a signal, if it is still there."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, what)


def state_of(pid: int) -> str:
    """What the kernel says of a process: T is stopped, empty is gone."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    return ""


class Zygote:
    """The forking process, as the campaign speaks to it."""

    def __init__(self, variables: Mapping[str, str], log: Path) -> None:
        self._log = log
        with log.open("ab") as sink:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "evals.bench.fault.zygote"],
                env=dict(variables),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=sink,
                text=True,
            )

    def fork(self, variables: Mapping[str, str], log: Path) -> int:
        """A replica with these variables; its process id."""
        stdin, stdout = cast(IO[str], self._process.stdin), cast(IO[str], self._process.stdout)
        stdin.write(json.dumps({"environment": dict(variables), "log": str(log)}) + "\n")
        stdin.flush()
        if not (line := stdout.readline()):
            raise PartNotStarted(f"Nothing forks replicas:\n{last_lines(self._log)}")
        return int(json.loads(line)["pid"])

    def close(self) -> None:
        """End it, and with it every replica."""
        self._process.kill()
        self._process.communicate()


@dataclass
class Cluster:
    """Everything there is to strike, and what is needed to look at it from outside."""

    folder: Path
    postgres: Postgres
    valkey: Valkey
    proxy: Caddy
    zygote: Zygote
    wires: dict[str, Wire]
    variables: dict[str, str]
    database_url: str
    redis_url: str
    replicas: list[Replica] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where clients reach the service: a wire before the proxy."""
        return f"http://127.0.0.1:{self.wires['clients'].port}"

    @property
    def addresses(self) -> list[str]:
        """Where the replicas listen, as the proxy is told."""
        return [f"127.0.0.1:{replica.port}" for replica in self.replicas]

    def start(self, replica: Replica) -> None:
        """A process in this place."""
        log = self.folder / f"service-{replica.number}.log"
        own = {"TRIA_PORT": str(replica.port)}
        replica.pid = self.zygote.fork(self.variables | own, log)

    def is_ready(self, replica: Replica) -> bool:
        """Whether it takes messages."""
        url = f"http://127.0.0.1:{replica.port}/health/ready"
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(url, timeout=1).status_code == 200
        return False

    @property
    def control(self) -> str:
        """The sandbox's own controls."""
        return self.variables["XERO_API_URL"].replace("/xero", "/control")

    def sign_in(self, number: int) -> dict[str, str]:
        """Headers of one of the demo customers."""
        customers = demo_customers()
        body = {"customer_id": customers[number % len(customers)].customer_id}
        answer = httpx.post(f"{self.url}/demo/sign-in", json=body, timeout=10)
        answer.raise_for_status()
        return {"Authorization": f"Bearer {answer.json()['token']}"}


@contextlib.contextmanager
def standing_cluster(*, with_model: bool = False) -> Iterator[Cluster]:
    """Bring everything up in a temporary folder; nothing is left of it."""
    cache = Path(".tria") / "minilm"
    build_minilm(cache)
    with (
        tempfile.TemporaryDirectory(prefix="tria-faults-") as name,
        contextlib.ExitStack() as stack,
    ):
        folder = Path(name)
        (folder / "minilm").symlink_to(cache.resolve())
        yield _build(folder, stack, MODEL if with_model else {})


def _build(folder: Path, stack: contextlib.ExitStack, more: Mapping[str, str]) -> Cluster:
    postgres, valkey = Postgres(folder / "postgres"), Valkey(folder / "valkey")
    chroma = Chroma(folder / "chroma-server")
    for part in (postgres, valkey, chroma):
        stack.callback(part.stop)
    database_url, redis_url, chroma_url = postgres.start(), valkey.start(), chroma.start()
    sandbox = stack.enter_context(running_sandbox(folder / "sandbox", *UNLIMITED))
    proxy_port, ports = free_port(), [free_port() for _ in range(REPLICAS)]
    wires = {
        "postgres": Wire(_port_of(database_url)),
        "redis": Wire(_port_of(redis_url)),
        "chroma": Wire(_port_of(chroma_url)),
        "clients": Wire(proxy_port),
    }
    for wire in wires.values():
        stack.callback(wire.close)
    kept = {k: v for k, v in environment().items() if k in OF_MACHINE}
    variables = {
        **kept,
        **sandbox,
        "LANGSMITH_TRACING": "false",
        "TRIA_DATA": str(folder),
        "TRIA_SECRET": SECRET,
        "TRIA_PUBLIC_URL": f"http://127.0.0.1:{proxy_port}",
        "TRIA_DRAIN_NOTICE_SECONDS": NOTICE_SECONDS,
        "TRIA_DRAIN_SECONDS": DRAIN_SECONDS,
        "DATABASE_URL": _through(database_url, wires["postgres"]),
        "REDIS_URL": _through(redis_url, wires["redis"]),
        "CHROMA_URL": chroma_url.replace(str(_port_of(chroma_url)), str(wires["chroma"].port)),
        "OPENAI_BASE_URL": sandbox["XERO_API_URL"].replace("/xero", "/openai/v1"),
        **more,
    }
    migrate = {**variables, "DATABASE_URL": database_url}
    subprocess.run([sys.executable, "-m", "graph.migrate"], env=migrate, check=True)
    zygote = Zygote(variables, folder / "zygote.log")
    stack.callback(zygote.close)
    proxy = Caddy(folder / "proxy", f"127.0.0.1:{proxy_port}")
    stack.callback(proxy.stop)
    parts = (postgres, valkey, proxy, zygote)
    found = Cluster(folder, *parts, wires, variables, database_url, redis_url)
    found.replicas = [Replica(n + 1, port) for n, port in enumerate(ports)]
    for replica in found.replicas:
        found.start(replica)
    proxy.start(found.addresses)
    return found


def _port_of(url: str) -> int:
    return int(httpx.URL(url).port or 0)


def _through(url: str, wire: Wire) -> str:
    return url.replace(f":{_port_of(url)}/", f":{wire.port}/")
