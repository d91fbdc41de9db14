"""What the drills stand on: a service, parts that can be stopped, customers, and Prometheus."""

import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml

from evals.bench.fault.wire import Wire
from evals.service import OF_MACHINE
from graph.settings import environment
from monitoring.files import as_yaml
from monitoring.programs import program
from monitoring.prometheus.rules import rules
from tools.embedded.minilm import build_minilm
from tools.embedded.parts import UNLIMITED, running_sandbox
from tools.embedded.postgres import Postgres
from tools.embedded.process import free_port, spawn, stop, wait_until
from tools.embedded.valkey import Valkey
from tools.errors import PartNotStarted
from tools.sandbox.company import demo_customers

SECRET = "a secret for drills, long enough to sign with"
START_SECONDS = 240  # on a machine that has much else to do
WINDOW, PATIENCE = "20s", "3s"
GREETED = "Ctrl-C stops everything"
WRITERS = 3
SAID = "what do I owe?"
RANGE = re.compile(r"\[\d+[smhd]\]")


@dataclass
class Stand:
    """Everything that a drill breaks, and how it is looked at."""

    folder: Path
    variables: dict[str, str]
    database_url: str
    sandbox_url: str
    postgres: Postgres
    valkey: Valkey
    model: Wire
    prometheus: str = ""
    service: "subprocess.Popen[bytes] | None" = None
    enough: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """Where the service answers."""
        return f"http://127.0.0.1:{self.variables['TRIA_PORT']}"

    @property
    def log(self) -> Path:
        """What the service says."""
        return self.folder / "service.log"

    def start(self) -> None:
        """Start the service and wait until it takes messages."""
        command = [sys.executable, "-m", "api"]
        self.service = spawn(command, self.log, signal.SIGTERM, self.variables)
        wait_until(self.is_ready, START_SECONDS, f"The service was not ready, see {self.log}")

    def stop(self) -> None:
        """Let it drain and end."""
        if self.service:
            stop(self.service, signal.SIGTERM, 40)

    def is_ready(self) -> bool:
        """Whether it takes messages."""
        with suppress(httpx.HTTPError):
            return httpx.get(f"{self.url}/health/ready", timeout=2).status_code == httpx.codes.OK
        return False

    def headers(self, number: int = 0) -> dict[str, str]:
        """A customer's."""
        body = {"customer_id": demo_customers()[number].customer_id}
        answer = httpx.post(f"{self.url}/demo/sign-in", json=body, timeout=10)
        answer.raise_for_status()
        return {"Authorization": f"Bearer {answer.json()['token']}"}

    def answers(self) -> bool:
        """Whether a customer is told what it owes, with a figure out of the books."""
        with httpx.Client(base_url=self.url, headers=self.headers(), timeout=20) as client:
            return any(sign.isdigit() for sign in said_by(client))

    def is_firing(self, alert: str) -> bool:
        """Whether Prometheus says so."""
        query = f'ALERTS{{alertname="{alert}",alertstate="firing"}}'
        asked = httpx.get(f"{self.prometheus}/api/v1/query", params={"query": query}, timeout=5)
        return bool(asked.json()["data"]["result"])


def said_by(client: httpx.Client) -> str:
    """The answer to a question about the books."""
    thread = client.post("/threads", json={}).raise_for_status().json()["thread_id"]
    body = {"assistant_id": "tria", "input": {"messages": [{"role": "user", "content": SAID}]}}
    told = client.post(f"/threads/{thread}/runs/wait", json=body).raise_for_status().json()
    for _ in range(5):
        client.get(f"/threads/{thread}/feedback")
        client.get(f"/threads/{thread}")
    return str(told["messages"][-1]["content"])


def write(stand: Stand, number: int) -> None:
    """A customer who writes until it is enough, whatever comes back."""
    while not stand.enough.is_set():
        with (
            suppress(httpx.HTTPError, KeyError, ValueError),
            httpx.Client(base_url=stand.url, headers=stand.headers(number), timeout=15) as client,
        ):
            said_by(client)
        stand.enough.wait(0.3)


@contextmanager
def standing(
    settings: Mapping[str, str] | None = None,
    make_postgres: Callable[[Path], Postgres] = lambda folder: Postgres(folder / "postgres"),
) -> Iterator[Stand]:
    """All of it in a temporary folder; the service with these settings beside its own."""
    cache = Path(".tria") / "minilm"
    build_minilm(cache)
    with tempfile.TemporaryDirectory(prefix="tria-drills-") as name:
        folder = Path(name)
        (folder / "minilm").symlink_to(cache.resolve())
        with running_sandbox(folder / "sandbox", *UNLIMITED) as sandbox:
            postgres = make_postgres(folder)
            stand = _parts(folder, postgres, {**sandbox, **(settings or {})})
            try:
                stand.start()
                with _watched(stand), _customers(stand):
                    yield stand
            finally:
                stand.stop()
                stand.valkey.stop()
                stand.postgres.stop()
                stand.model.close()


def _parts(folder: Path, postgres: Postgres, sandbox: Mapping[str, str]) -> Stand:
    valkey = Valkey(folder / "valkey")
    database_url, redis_url = postgres.start(), valkey.start()
    sandbox_url = sandbox["XERO_API_URL"].removesuffix("/xero")
    model = Wire(int(sandbox_url.rpartition(":")[2]))
    variables = {k: v for k, v in environment().items() if k in OF_MACHINE} | {
        **sandbox,
        "TRIA_DATA": str(folder),
        "TRIA_SECRET": SECRET,
        "TRIA_PORT": str(free_port()),
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "OPENAI_API_KEY": "a key",
        "OPENAI_BASE_URL": f"http://127.0.0.1:{model.port}/openai/v1",
        "LANGSMITH_TRACING": "false",
    }
    subprocess.run([sys.executable, "-m", "graph.migrate"], env=variables, check=True)
    return Stand(folder, variables, database_url, sandbox_url, postgres, valkey, model)


@contextmanager
def _customers(stand: Stand) -> Iterator[None]:
    each = [threading.Thread(target=write, args=(stand, n), daemon=True) for n in range(WRITERS)]
    for customer in each:
        customer.start()
    try:
        yield
    finally:
        stand.enough.set()
        for customer in each:
            customer.join(20)


@contextmanager
def _watched(stand: Stand) -> Iterator[None]:
    """`make monitor`, and a Prometheus beside it whose rules are in a hurry."""
    log = stand.folder / "monitor.log"
    command = [sys.executable, "-m", "api.monitor"]
    monitor = spawn(command, log, signal.SIGTERM, stand.variables)
    hurried: subprocess.Popen[bytes] | None = None
    try:
        wait_until(
            lambda: monitor.poll() is not None or GREETED in log.read_text(),
            START_SECONDS,
            f"Nothing watches the service, see {log}",
        )
        hurried = _hurried(stand)
        yield
    finally:
        for process in (hurried, monitor):
            if process is not None:
                stop(process, signal.SIGTERM)


def _hurried(stand: Stand) -> "subprocess.Popen[bytes]":
    """It scrapes what `make monitor` scrapes, each second, and tells nobody."""
    folder, port = stand.folder / "hurried", free_port()
    folder.mkdir()
    (folder / "rules.yml").write_text(as_yaml(hurried_rules()))
    known = yaml.safe_load((stand.folder / "monitoring" / "prometheus.yml").read_text())
    known.pop("alerting", None)
    known["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    file = folder / "prometheus.yml"
    file.write_text(as_yaml(known | {"rule_files": [str(folder / "rules.yml")]}))
    path = program("prometheus")
    if path is None:
        raise PartNotStarted("There is no prometheus here: sh deploy/monitoring.sh fetches it.")
    arguments = [f"--config.file={file}", f"--storage.tsdb.path={folder / 'data'}"]
    arguments.append(f"--web.listen-address=127.0.0.1:{port}")
    stand.prometheus = f"http://127.0.0.1:{port}"
    started = spawn([path, *arguments], folder / "prometheus.log", signal.SIGTERM)
    wait_until(lambda: _is_there(stand.prometheus), START_SECONDS, "Prometheus did not start")
    return started


def _is_there(address: str) -> bool:
    with suppress(httpx.HTTPError):
        return httpx.get(f"{address}/-/ready", timeout=2).status_code == httpx.codes.OK
    return False


def hurried_rules() -> dict[str, Any]:
    """The committed rules; only windows and patience are shorter."""
    groups = rules()["groups"]
    return {"groups": [{"name": g["name"], "rules": _hurry(g["rules"])} for g in groups]}


def _hurry(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        rule
        | {"expr": RANGE.sub(f"[{WINDOW}]", rule["expr"])}
        | ({"for": PATIENCE} if "for" in rule else {})
        for rule in found
    ]
