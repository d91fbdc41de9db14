"""A replica that kills itself at a chosen step: imported once, forked for each life.

Reads one JSON object a line: `kill_at` (0: never), `thread_id`, `trace` (a file that names every
step reached), `how` (`kill`, or `cut`: Postgres ends every connection of that life instead, and it
lives on). Answers each with the exit status of that life.
"""

import asyncio
import contextlib
import functools
import json
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import psycopg

from graph.checkpoints import GroupCommitSaver
from graph.clients import Clients, open_clients
from graph.execution import DATABASE_ERRORS
from graph.settings import Settings, read_settings
from tools.actions.ledger import Ledger
from tools.actions.store import Actions
from tools.database import fetch_one
from tools.runs import Runs

LONGEST_LIFE_SECONDS = 30.0
# Every step after which something is stored, here or in Xero.
STEPS: dict[type, tuple[str, ...]] = {
    GroupCommitSaver: ("aput", "aput_writes"),
    Actions: ("propose", "confirm", "settle", "wait_for_person"),
    Ledger: ("key_for", "failed", "done", "undone", "give_up"),
    Runs: ("claim", "answer", "end"),
    httpx.AsyncHTTPTransport: ("handle_async_request",),
}
IDLE = (
    "select not exists (select 1 from runs where thread_id = %(t)s"
    "  and status in ('queued', 'running'))"
    " and not exists (select 1 from actions where thread_id = %(t)s and (to_tell or"
    "  status = 'approved' or status = 'confirmed' and approval_level is null)) as idle"
)
# Names the connections of lives, so that those of whoever counts are left alone.
NAME = "life"
CUT = (
    "select pg_terminate_backend(pid) from pg_stat_activity"
    f" where application_name = '{NAME}' and datname = current_database()"
)
Step = Callable[..., Awaitable[Any]]


def all_steps() -> set[str]:
    """The names of all that is watched, before and after."""
    return {
        f"{owner.__name__}.{name} {when}"
        for owner, names in STEPS.items()
        for name in names
        for when in ("begins", "is done")
    }


class Reaper:
    """Counts the steps of one life and, at the chosen one, ends it without a goodbye."""

    def __init__(self, kill_at: int, trace: Path, strike: Callable[[], object]) -> None:
        self._left = kill_at
        self._trace = trace.open("a")
        self._strike = strike

    def watch(self) -> None:
        """Look at every step of STEPS before and after it is done."""
        for owner, names in STEPS.items():
            for name in names:
                setattr(owner, name, self._watched(owner, name))

    def _watched(self, owner: type, name: str) -> Step:
        step: Step = getattr(owner, name)

        @functools.wraps(step)
        async def watched(*args: Any, **more: Any) -> Any:
            self._reach(f"{owner.__name__}.{name} begins")
            done = await step(*args, **more)
            self._reach(f"{owner.__name__}.{name} is done")
            return done

        return watched

    def _reach(self, step: str) -> None:
        self._trace.write(f"{step}\n")
        self._trace.flush()
        self._left -= 1
        if self._left == 0:
            self._strike()


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _cut(url: str) -> None:
    with psycopg.connect(url, autocommit=True, application_name="reaper") as connection:
        connection.execute(CUT)


def main() -> None:
    """One forked life a line."""
    os.environ["PGAPPNAME"] = NAME
    settings = read_settings()
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            _live(settings, order)
        _, status = os.waitpid(child, 0)
        print(json.dumps({"status": os.waitstatus_to_exitcode(status)}), flush=True)


def _live(settings: Settings, order: dict[str, Any]) -> None:
    sys.stdout = Path(order["trace"]).with_suffix(".log").open("a")
    cut = partial(_cut, settings.database_url.get_secret_value())
    strike = cut if order["how"] == "cut" else _kill
    Reaper(order["kill_at"], Path(order["trace"]), strike).watch()
    is_idle = asyncio.run(_serve(settings, UUID(order["thread_id"])))
    os._exit(0 if is_idle else 1)


async def _serve(settings: Settings, thread_id: UUID) -> bool:
    """Work as every replica does, until this conversation has nothing left to do."""
    async with open_clients(settings) as clients:
        end = time.monotonic() + LONGEST_LIFE_SECONDS
        while time.monotonic() < end:
            if await _is_idle(clients, thread_id):
                return True
            await asyncio.sleep(0.05)
    return False


async def _is_idle(clients: Clients, thread_id: UUID) -> bool:
    with contextlib.suppress(*DATABASE_ERRORS):  # our own connection may have been cut as well
        row = await fetch_one(clients.pool, IDLE, {"t": thread_id})
        return bool(row and row["idle"])
    return False


if __name__ == "__main__":
    main()
