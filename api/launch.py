"""`make run`: bring up every part that is not configured, then the service."""

import asyncio
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import NoReturn

from graph.migrate import is_demo, prepare_database
from graph.settings import environment
from tools.embedded.noted import noted
from tools.embedded.parts import is_free, running_parts, send_webhooks_to
from tools.embedded.process import last_lines, spawn, stop
from tools.errors import PartNotStarted, TriaError
from tools.service_role import without_owner

START_SECONDS = 180
RESTART_PAUSE_SECONDS = 1
SYNTHETIC = "120"  # seconds between two synthetic conversations
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(Exception):
    """The person at the terminal, or the system, asked us to stop."""


def main() -> int:
    """One service with every part, until Ctrl-C."""
    return until_stopped(_run)


def until_stopped(run: Callable[[Mapping[str, str]], int]) -> int:
    """Run until Ctrl-C; the exit status is 0 when that was the reason to end."""
    for number in STOP_SIGNALS:
        signal.signal(number, _on_signal)
    try:
        return run(environment())
    except Stopped:
        return 0
    except TriaError as error:
        print(f"\nTria could not start. {error}", file=sys.stderr)
        return 1


def _run(configured: Mapping[str, str]) -> int:
    started = time.monotonic()
    folder = Path(configured.get("TRIA_DATA", ".tria")).resolve()
    url = checked_address(configured)
    try:
        with running_parts(folder, configured, print) as found:
            complete = watched({**configured, **found})
            print("Bringing the database up to date ...")
            asyncio.run(prepare_database(complete))
            with noted(folder, complete):
                return _serve(without_owner(complete), url, folder, started)
    finally:
        print("Stopped.")


def watched(complete: dict[str, str]) -> dict[str, str]:
    """With synthetic conversations where the sandbox answers them, unless it is set otherwise."""
    return {"TRIA_SYNTHETIC_SECONDS": SYNTHETIC, **complete} if is_demo(complete) else complete


def checked_address(configured: Mapping[str, str]) -> str:
    """Where people will reach the service; raises PartNotStarted where it cannot listen."""
    host = configured.get("TRIA_HOST", "127.0.0.1")
    port = configured.get("TRIA_PORT", "8003")
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise PartNotStarted(f"TRIA_PORT is '{port}': set it to a number from 1 to 65535.")
    if not is_free(int(port), host):
        raise PartNotStarted(
            f"Port {port} is taken: stop what listens there, or run: make run TRIA_PORT=8004"
        )
    return f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}"  # noqa: S104


def _serve(complete: dict[str, str], url: str, folder: Path, started: float) -> int:
    """Keep the service running: one that was killed is started again, one that refuses is not."""
    log = folder / "service.log"
    is_first = True
    while True:
        process = spawn([sys.executable, "-m", "api"], log, signal.SIGTERM, complete)
        try:
            wait_until_ready(process, url, log)
            if is_first:
                send_webhooks_to(url, complete)
                _greet(complete, url, log, time.monotonic() - started)
            is_first = False
            code = process.wait()
        finally:
            stop(process, signal.SIGTERM, 30)
        if code >= 0:
            print(f"The service ended by itself:\n{last_lines(log)}", file=sys.stderr)
            return code or 1
        print("The service was killed. Starting it again ...")
        time.sleep(RESTART_PAUSE_SECONDS)


def wait_until_ready(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    """Until the service takes messages; raises PartNotStarted when it ends or takes too long."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            raise PartNotStarted(f"The service ended at once:\n{last_lines(log, 12)}")
        try:
            urllib.request.urlopen(f"{url}/health/ready", timeout=2).close()  # noqa: S310 (our own)
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
        else:
            return
    raise PartNotStarted(f"The service was not ready in {START_SECONDS} s, see {log}")


def _greet(complete: Mapping[str, str], url: str, log: Path, seconds: float) -> None:
    model = "configured" if complete.get("OPENAI_API_KEY") else "none (replies from templates)"
    print(f"\nTria is ready after {seconds:.1f} s.\n")
    print(f"  Chat        {url}/")
    print(f"  Console     {url}/console")
    print(f"  API docs    {url}/docs")
    print(f"  Health      {url}/health")
    print(f"  Model       {model}")
    print(f"  Logs        {log}")
    if is_demo(complete):
        greet_demo(url)
    print("\nCtrl-C stops everything.", flush=True)


def greet_demo(url: str) -> None:
    """Who can sign in to the demo company, and how."""
    from tools.sandbox.company import demo_customers, demo_staff  # noqa: PLC0415 (only then)

    print("\nSign in on the chat page as one of the demo customers, or by hand:")
    for customer in demo_customers()[:4]:
        print(f"  {customer.customer_id:<18} {customer.name}, {customer.company}")
    body = f'{{"customer_id": "{demo_customers()[0].customer_id}"}}'
    print(f"  curl -s {url}/demo/sign-in -H 'Content-Type: application/json' -d '{body}'")
    print("\nSign in on the console as one of their supplier's staff:")
    for staff in demo_staff():
        print(
            f"  {staff.staff_id:<18} {staff.name}, level {staff.level}{', admin' * staff.is_admin}"
        )
    print("  or approve at another terminal: .venv/bin/tria approvals")


def _on_signal(number: int, frame: FrameType | None) -> NoReturn:
    for other in STOP_SIGNALS:  # a second Ctrl-C must not interrupt the stopping
        signal.signal(other, signal.SIG_IGN)
    raise Stopped


if __name__ == "__main__":
    sys.exit(main())
