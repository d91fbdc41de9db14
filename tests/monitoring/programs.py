"""The programs that deploy/monitoring.sh fetches; where one is absent its tests are skipped."""

import subprocess
from pathlib import Path

import pytest

from monitoring.programs import program

ROOT = Path(__file__).parents[2]


def found(name: str) -> str:
    """Where a program is; skips the test where it is not."""
    path = program(name)
    if path is None:
        pytest.skip(f"{name} is not here: sh deploy/monitoring.sh fetches it")
    return path


def run(name: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run it to its end."""
    return subprocess.run(
        [found(name), *arguments], capture_output=True, text=True, check=False, timeout=300
    )
