"""docker-compose.yml, checked by Docker Compose itself where it is installed."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECRETS = {
    "POSTGRES_PASSWORD": "for a test",
    "SERVICE_PASSWORD": "for a test",
    "TRIA_SECRET": "for a test, of the right length at least",
}


def compose(**variables: str) -> "subprocess.CompletedProcess[str]":
    if not shutil.which("docker"):
        pytest.skip("docker is not installed")
    command = ["docker", "compose"]
    if subprocess.run([*command, "version"], capture_output=True, check=False).returncode:
        pytest.skip("docker compose v2 is not installed")
    known = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME")}
    return subprocess.run(
        [
            *command,
            "-f",
            str(ROOT / "docker-compose.yml"),
            "--env-file",
            "/dev/null",
            "config",
            "-q",
        ],
        env=known | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_stack_is_well_formed() -> None:
    assert compose(**SECRETS).returncode == 0


@pytest.mark.parametrize("missing", sorted(SECRETS))
def test_a_missing_secret_is_named(missing: str) -> None:
    ended = compose(**{k: v for k, v in SECRETS.items() if k != missing})
    assert ended.returncode != 0
    assert missing in ended.stderr
