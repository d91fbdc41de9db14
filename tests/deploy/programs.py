"""The programs that check the files of deploy/; where one is absent its tests are skipped."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FETCHED = ROOT / ".tools" / "deploy" / "usr"
PLACES = (Path(sys.executable).parent, FETCHED / "bin", FETCHED / "sbin")


def found(name: str) -> str:
    """Where a program is; skips the test where it is not."""
    known = os.pathsep.join(map(str, PLACES))
    # Our own first: another Compose on the PATH may be one that knows less.
    if path := shutil.which(name, path=known) or shutil.which(name):
        return path
    pytest.skip(f"{name} is not here: sh deploy/validators.sh fetches it")


def run(
    name: str, *arguments: str | Path, given: str | None = None, **variables: str
) -> "subprocess.CompletedProcess[str]":
    """Run it to its end, in the project's folder, with these variables and no others of ours."""
    return subprocess.run(
        [found(name), *map(str, arguments)],
        input=given,
        env=_bare() | variables,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def _bare() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name in ("PATH", "HOME")}


def broken(file: Path, here: Path, right: str, wrong: str) -> Path:
    """A copy of a file with one mistake in it."""
    text = file.read_text()
    assert right in text, f"{file.name} has no {right!r} any more"
    copy = here / file.name
    copy.write_text(text.replace(right, wrong, 1))
    return copy
