"""The service as its container has it: nothing to write to but /tmp, secrets in files alone."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.conftest import customer, headers_of
from tests.deploy.programs import ROOT
from tools.embedded.chroma import Chroma
from tools.embedded.process import free_port, spawn, stop, wait_until

# In a namespace of mounts of its own: as read_only, tmpfs and volumes in docker-compose.yml.
READ_ONLY = """
mount --bind / / && mount --bind "$0" /mnt && mount --bind "$1" /srv || exit 77
for place in / /srv; do mount -o remount,bind,ro $place || exit 77; done
mount -t tmpfs tmpfs /tmp && shift && ! touch "$HOME/probe" 2>/dev/null && exec "$@"
"""
IN_FILES = ("DATABASE_URL", "REDIS_URL", "TRIA_SECRET", "XERO_CLIENT_SECRET")
IMAGE = re.compile(r"\b([A-Z_]+)=(\S+)")  # what its ENV lines set
WORDS = {
    "assistant_id": "tria",
    "input": {"messages": [{"role": "user", "content": "how late may I cancel?"}]},
}


@pytest.fixture
def namespaces() -> None:
    """Skips where mounts of one's own are not allowed."""
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode:
        pytest.skip("no namespace of mounts can be made here: it takes root")
    if ROOT.is_relative_to("/tmp"):  # noqa: S108
        pytest.skip("the service would start without what lies in /tmp, as this checkout does")


@pytest.fixture
def secrets(tmp_path: Path, environment: dict[str, str]) -> Path:
    folder = tmp_path / "secrets"
    folder.mkdir()
    for name in IN_FILES:
        (folder / name.lower()).write_text(environment[name] + "\n")
    return folder


@pytest.fixture
def url(
    namespaces: None, tmp_path: Path, secrets: Path, environment: dict[str, str]
) -> Iterator[str]:
    """Where it listens."""
    chroma = Chroma(tmp_path / "chroma")
    port, log = free_port(), tmp_path / "service.log"
    told = {name: value for name, value in environment.items() if name not in IN_FILES}
    told |= {"CHROMA_URL": chroma.start(), "TRIA_PORT": str(port), "TRIA_DATA": "/srv"}
    told |= {"TRIA_SECRETS_DIR": "/mnt", "TRIA_ENV_FILE": "/nowhere", "HOME": str(ROOT)}
    command = ["unshare", "--mount", "sh", "-c", READ_ONLY, str(secrets), str(ROOT / ".tria")]
    image = dict(IMAGE.findall((ROOT / "Dockerfile").read_text().rpartition("FROM")[2]))
    bare = image | {"PATH": os.environ["PATH"], "TRIA_HOST": "127.0.0.1"}
    process = spawn([*command, sys.executable, "-m", "api"], log, signal.SIGTERM, bare | told)
    found = f"http://127.0.0.1:{port}"

    def is_ready() -> bool:
        assert process.poll() is None, log.read_text()
        try:
            return httpx.get(f"{found}/health/ready").is_success
        except httpx.TransportError:
            return False

    try:
        wait_until(is_ready, 240, f"it was not ready, see {log}")
        yield found
        assert "telemetry" not in log.read_text().lower()  # a library's, with an id of the machine
    finally:
        stop(process, signal.SIGTERM)
        chroma.stop()


def test_it_answers_out_of_the_policies(url: str) -> None:
    with httpx.Client(base_url=url, headers=headers_of(customer()), timeout=60) as client:
        thread = client.post("/threads", json={}).raise_for_status().json()["thread_id"]
        said = client.post(f"/threads/{thread}/runs/wait", json=WORDS).raise_for_status().json()
    assert "cancel" in said["messages"][-1]["content"].lower()
