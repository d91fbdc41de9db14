"""What is put under load: the service as it is run, on parts of its own, with a crowd's books."""

import asyncio
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from api.tokens import issue_token
from evals.service import OF_MACHINE, wait_until_ready
from graph.clients import now
from graph.migrate import prepare_database
from graph.settings import environment
from graph.studio import demo_caller
from tests.load.crowd import crowd
from tests.load.shaky import Shaky
from tools.embedded.minilm import build_minilm
from tools.embedded.parts import SANDBOX_CLIENT, SANDBOX_TENANT
from tools.embedded.postgres import Postgres
from tools.embedded.process import free_port, last_lines, spawn, stop, wait_until
from tools.embedded.valkey import Valkey
from tools.errors import PartNotStarted
from tools.sandbox.company import DemoCustomer
from tools.service_role import OWNER_URL, without_owner

SECRET = "a secret for the load suite, long enough to sign with"
MANY = "1000000"
START_SECONDS = 240  # on a busy machine
# Of the calls that are disturbed so many are cut off, the others are late by so much on average.
# A turn makes some forty calls of Postgres and a few of the others.
HARSH = {"postgres": (0.01, 0.05), "redis": (0.1, 0.1), "xero": (0.4, 0.8), "model": (0.4, 0.8)}
SEED = 20261128


@dataclass(frozen=True)
class Stand:
    """Where everything is, which process is which, and the wires that can be shaken."""

    folder: Path
    url: str
    database: str
    cache: str
    sandbox: str
    customers: Sequence[DemoCustomer]
    pids: dict[str, int]
    wires: Mapping[str, Shaky]  # none where nothing is to be disturbed

    @property
    def log(self) -> Path:
        """What the service says."""
        return self.folder / "service.log"

    @property
    def tokens(self) -> dict[str, str]:
        """One for every customer, good for half a day."""
        return {c.customer_id: issue_token(SECRET, demo_caller(c), now()) for c in self.customers}


@contextmanager
def standing(
    customers: int, *, has_model: bool = True, is_shaky: bool = False, **more: str
) -> Iterator[Stand]:
    """Everything in a temporary folder, from its readiness on; with settings of its own."""
    cache = Path(".tria") / "minilm"
    build_minilm(cache)
    with tempfile.TemporaryDirectory(prefix="tria-load-") as name, ExitStack() as stack:
        folder = Path(name)
        (folder / "minilm").symlink_to(cache.resolve())
        postgres, valkey = Postgres(folder / "postgres"), Valkey(folder / "valkey")
        stack.callback(postgres.stop)
        stack.callback(valkey.stop)
        owner, cache_url = postgres.start(), valkey.start()
        sandbox, sandbox_pid = _sandbox(folder / "sandbox", stack, customers)
        ports = {"postgres": owner, "redis": cache_url, "xero": sandbox, "model": sandbox}
        wires = _wires(ports, stack) if is_shaky else {}
        known = {"redis": cache_url, "xero": sandbox, OWNER_URL: owner}
        settings = _settings(folder, postgres.service_url, known, wires)
        settings |= (_model(_through(sandbox, wires.get("model"))) if has_model else {}) | more
        people = crowd(customers)  # whose outlets are stored with the demo company's
        asyncio.run(prepare_database(settings | {"DATABASE_URL": postgres.service_url}))
        service = _service(folder, stack, settings)
        pids = {"service": service, "postgres": postgres.pid, "redis": valkey.pid}
        pids["sandbox"] = sandbox_pid
        url = f"http://127.0.0.1:{settings['TRIA_PORT']}"
        yield Stand(folder, url, owner, cache_url, sandbox, people, pids, wires)


def _wires(urls: Mapping[str, str], stack: ExitStack) -> dict[str, Shaky]:
    wires = {n: Shaky(urlsplit(url).port or 0, *HARSH[n], SEED) for n, url in urls.items()}
    for wire in wires.values():
        stack.callback(wire.close)
    return wires


def _through(url: str, wire: Shaky | None) -> str:
    """The same address, by way of a wire where there is one."""
    return url.replace(f":{urlsplit(url).port}", f":{wire.port}") if wire else url


def _settings(
    folder: Path, database: str, known: Mapping[str, str], wires: Mapping[str, Shaky]
) -> dict[str, str]:
    own = {k: v for k, v in environment().items() if k in OF_MACHINE}
    return own | {
        "TRIA_DATA": str(folder),
        "TRIA_SECRET": SECRET,
        "TRIA_PORT": str(free_port()),
        "TRIA_DEMO": "true",
        "LANGSMITH_TRACING": "false",
        "DATABASE_URL": _through(database, wires.get("postgres")),
        OWNER_URL: known[OWNER_URL],
        "REDIS_URL": _through(known["redis"], wires.get("redis")),
        **_books(_through(known["xero"], wires.get("xero"))),
    }


def _service(folder: Path, stack: ExitStack, settings: Mapping[str, str]) -> int:
    log, url = folder / "service.log", f"http://127.0.0.1:{settings['TRIA_PORT']}"
    process = spawn([sys.executable, "-m", "api"], log, signal.SIGTERM, without_owner(settings))
    stack.callback(stop, process, signal.SIGTERM, 40)
    wait_until_ready(url, process, log, START_SECONDS)
    return process.pid


def _sandbox(folder: Path, stack: ExitStack, customers: int) -> tuple[str, int]:
    folder.mkdir()
    port, log = free_port(), folder / "sandbox.log"
    command = [sys.executable, "-m", "tests.load.stand_in", "--port", str(port)]
    command += ["--data", str(folder), "--customers", str(customers), "--seed", str(SEED)]
    process = spawn(command, log, signal.SIGTERM)
    stack.callback(stop, process, signal.SIGTERM)
    url = f"http://127.0.0.1:{port}"
    failure = f"The sandbox did not start, see {log}"
    wait_until(lambda: _answers(url, process, log), START_SECONDS, failure)
    return url, process.pid


def _answers(url: str, process: "subprocess.Popen[bytes]", log: Path) -> bool:
    if process.poll() is not None:
        raise PartNotStarted(f"The sandbox ended at once:\n{last_lines(log)}")
    try:
        urllib.request.urlopen(f"{url}/control/ready", timeout=1).close()  # noqa: S310 (our own)
    except (urllib.error.URLError, OSError):
        return False
    return True


def _books(sandbox: str) -> dict[str, str]:
    return {
        "XERO_API_URL": f"{sandbox}/xero",
        "XERO_TOKEN_URL": f"{sandbox}/xero/connect/token",
        "XERO_AUTHORIZE_URL": f"{sandbox}/xero/identity/connect/authorize",
        "XERO_CONNECTIONS_URL": f"{sandbox}/xero/connections",
        "XERO_CLIENT_ID": SANDBOX_CLIENT,
        "XERO_CLIENT_SECRET": "demo-secret",
        "XERO_TENANT_ID": SANDBOX_TENANT,
        "XERO_REFRESH_TOKEN": "demo-refresh-token",
        "XERO_WEBHOOK_KEY": "demo-webhook-key",
        "XERO_MINUTE_LIMIT": MANY,
        "XERO_DAY_LIMIT": MANY,
    }


def _model(sandbox: str) -> dict[str, str]:
    return {
        "OPENAI_API_KEY": "any-key",
        "OPENAI_BASE_URL": f"{sandbox}/openai/v1",
        "OPENAI_DAILY_USD": MANY,
    }
