"""What the commands of `tria` share: what they work on, and how they say no."""

import argparse
import getpass
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from api.tokens import TERMINAL
from graph.settings import Settings
from graph.xero import XeroParts
from tools.database import Pool


class Refused(Exception):
    """What was asked for cannot be done; the message says why."""


@dataclass(frozen=True)
class Opened:
    """What the commands work on."""

    settings: Settings
    pool: Pool
    xero: XeroParts


Command = Callable[[argparse.Namespace, Opened], Awaitable[None]]


def add_name(command: argparse.ArgumentParser) -> None:
    """Who works at the terminal: for the audit trail."""
    command.add_argument(
        "--as",
        dest="by",
        default=_me(),
        metavar="NAME",
        help="who you are in the audit trail (default: %(default)s)",
    )


def actor(asked: argparse.Namespace) -> str:
    """The same, as the audit trail has it."""
    return f"{TERMINAL}{asked.by}"


def _me() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container may run as nobody that it knows
        return "operator"
