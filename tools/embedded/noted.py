"""The settings of the instance that runs on a data folder, for commands at another terminal."""

import contextlib
import os
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

from dotenv import dotenv_values

NAME = "service.env"
NEEDED = ("DATABASE_URL", "REDIS_URL")
PREFIXES = ("TRIA_", "XERO_")


@contextlib.contextmanager
def noted(folder: Path, complete: Mapping[str, str]) -> Iterator[None]:
    """Keep them in a file that only its owner can read, for as long as the instance runs."""
    file = folder / NAME
    kept = {k: v for k, v in complete.items() if k in NEEDED or k.startswith(PREFIXES)}
    lines = [f"{name}={shlex.quote(value)}\n" for name, value in sorted(kept.items())]
    file.unlink(missing_ok=True)
    with open(file, "w", opener=lambda name, flags: os.open(name, flags, 0o600)) as sink:
        sink.writelines(lines)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def read_noted(folder: Path) -> dict[str, str]:
    """What was kept; empty where nothing runs on the folder."""
    found = dotenv_values(folder / NAME, interpolate=False)
    return {name: value for name, value in found.items() if value}
