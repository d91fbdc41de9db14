"""Runs the scripts of deploy/ as a server does."""

import os
import subprocess
from pathlib import Path


def run_script(
    script: Path, *words: str | Path, **variables: str | Path
) -> "subprocess.CompletedProcess[str]":
    """To its end, with these variables and no others."""
    return subprocess.run(
        ["sh", str(script), *map(str, words)],
        env={"PATH": os.environ["PATH"]} | {name: str(v) for name, v in variables.items()},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
