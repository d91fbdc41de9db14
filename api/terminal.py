"""What the commands of `tria` share: what they work on, how they say no, and how they print."""

import argparse
import getpass
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID, uuid4

from api.tokens import TERMINAL
from graph.settings import Settings
from graph.xero import XeroParts
from tools.database import Pool

if TYPE_CHECKING:
    from graph.clients import Clients


class Refused(Exception):
    """What was asked for cannot be done; the message says why."""


@dataclass(frozen=True)
class Opened:
    """What the commands work on."""

    settings: Settings
    pool: Pool
    xero: XeroParts

    @asynccontextmanager
    async def clients(self) -> AsyncIterator["Clients"]:
        """All that the service works with, for commands that need the graph. Nobody is at work."""
        from api.tracers import mask_tracers  # noqa: PLC0415
        from graph.clients import connect_clients  # noqa: PLC0415 (takes seconds)

        mask_tracers()
        async with connect_clients(self.settings) as clients:
            yield clients
            await clients.events.drain()  # what was told is out before this process ends


Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
Command = Callable[[argparse.Namespace, Opened], Awaitable[None]]


def add_name(command: argparse.ArgumentParser, *, is_seen: bool = False) -> None:
    """Who works at the terminal: for the audit trail. Whom customers see has to say who it is."""
    if is_seen:
        command.add_argument(
            "--as", dest="by", required=True, metavar="NAME", help="the name that the customer sees"
        )
        return
    command.add_argument(
        "--as",
        dest="by",
        default=_me(),
        metavar="NAME",
        help="who you are in the audit trail (default: %(default)s)",
    )


def add_json(command: argparse.ArgumentParser) -> None:
    """For scripts."""
    command.add_argument("--json", action="store_true", help="print JSON, one line for each")


def add_once(command: argparse.ArgumentParser) -> None:
    """For scripts that may be cut off: the same number is done once."""
    command.add_argument(
        "--once",
        type=UUID,
        default=uuid4(),
        metavar="UUID",
        help="a number of your own: what was done under it is not done again",
    )


def actor(asked: argparse.Namespace) -> str:
    """The same, as the audit trail has it."""
    return f"{TERMINAL}{asked.by}"


def say(asked: argparse.Namespace, row: Mapping[str, Any], *lines: str) -> None:
    """Print lines for people, or for --json the row."""
    if asked.json:
        print(json.dumps(row, ensure_ascii=False, default=str))
    else:
        print("\n".join(line for line in lines if line))


def remark(text: str) -> None:
    """Say something that is no result: a script reads past it."""
    print(text, file=sys.stderr)


def now() -> datetime:
    """The clock of the terminal."""
    return datetime.now(UTC)


def day(at: datetime | None) -> str:
    """A time in the terminal's own zone."""
    return f"{at.astimezone():%Y-%m-%d %H:%M}" if at else ""


def _me() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container may run as nobody that it knows
        return "operator"
