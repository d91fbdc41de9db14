"""Brings up the parts that are not configured, so that one command starts everything."""

import contextlib
import fcntl
import itertools
import json
import secrets
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from tools.embedded.postgres import Postgres
from tools.embedded.process import check_space, free_port, last_lines, spawn, stop, wait_until
from tools.embedded.valkey import Valkey
from tools.errors import PartNotStarted
from tools.service_role import OWNER_URL

Say = Callable[[str], None]
Environment = dict[str, str]
# What the sandbox accepts; they open nothing but the sandbox.
SANDBOX_CLIENT = "demo-client"
# Xero's own limit of 60 calls a minute would end a lively demo; tests of the limits set theirs.
UNLIMITED = ("--rate-limit", "1000000", "--day-limit", "1000000")
SANDBOX_TENANT = "5f1c2f3a-7d54-4a25-9f64-0d3b8f0f1a11"


@contextlib.contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold the data folder; raises PartNotStarted while another process holds it."""
    lock: IO[str] = (folder / "lock").open("w")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise PartNotStarted(
                f"Tria already runs on {folder}: stop it, or set TRIA_DATA to another folder."
            ) from error
        yield


@contextlib.contextmanager
def running_parts(folder: Path, configured: Mapping[str, str], say: Say) -> Iterator[Environment]:
    """Start what `configured` lacks and yield the environment of the service.

    Everything that was started is stopped at the end, the last one first.
    """
    check_space(folder)
    with contextlib.ExitStack() as stack:
        stack.enter_context(only_one(folder))
        found: Environment = {"TRIA_DATA": str(folder)}
        if not configured.get("TRIA_SECRET"):
            found["TRIA_SECRET"] = kept_secret(folder)
        _build_embedder(folder / "minilm", say)
        if not configured.get("DATABASE_URL"):
            say("Starting Postgres ...")
            postgres = Postgres(folder / "postgres")
            stack.callback(postgres.stop)
            found[OWNER_URL] = postgres.start()
            found["DATABASE_URL"] = postgres.service_url
        if not configured.get("REDIS_URL"):
            say("Starting Valkey ...")
            valkey = Valkey(folder / "valkey")
            stack.callback(valkey.stop)
            found["REDIS_URL"] = valkey.start()
        if not configured.get("XERO_CLIENT_ID"):
            say("Starting the Xero sandbox ...")
            found |= stack.enter_context(running_sandbox(folder / "sandbox", *UNLIMITED))
        yield found


def _build_embedder(folder: Path, say: Say) -> None:
    from tools.embedded.minilm import build_minilm  # noqa: PLC0415 (what it needs no image has)

    if not (folder / "model.onnx").exists():
        say("Building the sentence embedder (once) ...")
    build_minilm(folder)


@contextlib.contextmanager
def running_sandbox(folder: Path, *options: str) -> Iterator[Environment]:
    """The Xero stand-in as a process of its own, and the settings that point to it."""
    folder.mkdir(parents=True, exist_ok=True)
    port, log = kept_port(folder), folder / "sandbox.log"
    command = [sys.executable, "-m", "tools.sandbox", "--port", str(port), "--data", str(folder)]
    command += options
    process = spawn(command, log, signal.SIGTERM)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: _answers(url, process, log), 30, f"The sandbox did not start, see {log}")
        yield {
            "XERO_API_URL": f"{url}/xero",
            "XERO_TOKEN_URL": f"{url}/xero/connect/token",
            "XERO_AUTHORIZE_URL": f"{url}/xero/identity/connect/authorize",
            "XERO_CONNECTIONS_URL": f"{url}/xero/connections",
            "XERO_CLIENT_ID": SANDBOX_CLIENT,
            "XERO_CLIENT_SECRET": "demo-secret",
            "XERO_TENANT_ID": SANDBOX_TENANT,
            "XERO_REFRESH_TOKEN": "demo-refresh-token",
            "XERO_WEBHOOK_KEY": "demo-webhook-key",
            "TRIA_DEMO": "true",
            **_limits_of(options),
        }
    finally:
        stop(process, signal.SIGTERM)


def send_webhooks_to(url: str, complete: Mapping[str, str]) -> None:
    """Have the sandbox, if it is there, tell the service what happens in its books."""
    key = complete.get("XERO_WEBHOOK_KEY")
    if complete.get("XERO_CLIENT_ID") != SANDBOX_CLIENT or not key:
        return
    listener = {"url": f"{url}/webhooks/xero", "key": key}
    request = urllib.request.Request(  # noqa: S310 (our own)
        f"{complete['XERO_API_URL'].removesuffix('/xero')}/control/webhooks",
        json.dumps(listener).encode(),
        {"Content-Type": "application/json"},
    )
    with contextlib.suppress(OSError):  # without it the demo only hears nothing of payments
        urllib.request.urlopen(request, timeout=5).close()  # noqa: S310 (our own)


def _limits_of(options: Sequence[str]) -> Environment:
    """The limits that a sandbox with these options has, for a service that is to respect them."""
    names = {"--rate-limit": "XERO_MINUTE_LIMIT", "--day-limit": "XERO_DAY_LIMIT"}
    given = dict(itertools.pairwise(options))
    return {name: given[option] for option, name in names.items() if option in given}


def kept_secret(folder: Path) -> str:
    """The secret of this data folder, made the first time: it opens what was sealed with it."""
    file = folder / "secret"
    if not file.exists():
        file.touch(0o600)
        file.write_text(secrets.token_hex(32))
    return file.read_text()


def kept_port(folder: Path) -> int:
    """The same port as the last time where it is still free: documents hold links to it."""
    file = folder / "port.json"
    with contextlib.suppress(OSError, ValueError):
        port = int(json.loads(file.read_text()))
        if is_free(port):
            return port
    port = free_port()
    file.write_text(json.dumps(port))
    return port


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen there now."""
    import socket  # noqa: PLC0415

    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def _answers(url: str, process: "subprocess.Popen[bytes]", log: Path) -> bool:
    if process.poll() is not None:
        raise PartNotStarted(f"The sandbox ended at once:\n{last_lines(log)}")
    try:
        urllib.request.urlopen(f"{url}/control/ready", timeout=1).close()  # noqa: S310 (our own)
    except (urllib.error.URLError, OSError):
        return False
    return True
