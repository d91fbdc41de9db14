"""The JavaScript clients: each file of js/ runs in Node against the running services."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import customer, token_of

JAVASCRIPT = Path(__file__).parent / "js"
TOOLS = Path(__file__).parents[2] / ".tools" / "node" / "bin"
SUITES = sorted(path.name for path in JAVASCRIPT.glob("*.test.js"))


@pytest.fixture(scope="session")
def node() -> str:
    """Node, of the machine or of our tools."""
    if not (JAVASCRIPT / "node_modules").exists():
        pytest.skip("The JavaScript clients are not installed: make test-protocol.")
    found = shutil.which("node", path=f"{TOOLS}{os.pathsep}{os.environ['PATH']}")
    assert found, "the clients are installed, but Node is gone"
    return found


@pytest.mark.parametrize("suite", SUITES)
def test_the_javascript_client(suite: str, node: str, service_url: str, slow_url: str) -> None:
    known = {
        "TRIA_URL": service_url,
        "TRIA_SLOW_URL": slow_url,
        "TRIA_TOKEN": token_of(customer()),
        "TRIA_OTHER_TOKEN": token_of(customer(1)),
    }
    done = subprocess.run(
        [node, "--test", "--test-reporter=spec", suite],
        cwd=JAVASCRIPT,
        env=os.environ | known,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-5_000:]
