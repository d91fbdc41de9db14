"""The same graph under LangGraph's own development server, without any network."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from langgraph_sdk import get_sync_client

from tools.embedded.process import free_port

ROOT = Path(__file__).parents[2]
START_SECONDS = 90


@pytest.fixture
def server(environment: dict[str, str], tmp_path: Path) -> Iterator[str]:
    """`langgraph dev`, configured to use the tests' parts and a Chroma folder of its own."""
    (tmp_path / "minilm").symlink_to(Path(environment["TRIA_DATA"]) / "minilm")
    port = free_port()
    own = {"TRIA_DATA": str(tmp_path), "LANGSMITH_TRACING": "false"}
    program = str(Path(sys.executable).parent / "langgraph")
    with (tmp_path / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [program, "dev", "--no-browser", "--no-reload", "--port", str(port)],
            cwd=ROOT,
            env=os.environ | environment | own,
            stdout=log,
            stderr=log,
        )
    url, end = f"http://127.0.0.1:{port}", time.monotonic() + START_SECONDS
    try:
        while not _answers(url):
            assert process.poll() is None, (tmp_path / "server.log").read_text()[-2000:]
            assert time.monotonic() < end
            time.sleep(0.2)
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/ok", timeout=2).status_code == 200
    except httpx.TransportError:
        return False


def test_an_order_is_placed_through_langgraphs_own_server(server: str) -> None:
    with get_sync_client(url=server) as client:
        thread = client.threads.create()["thread_id"]
        answers = []
        for text in ("200 12 inch boxes for tampines pls", "yes"):
            turn: dict[str, Any] = {"messages": [{"role": "user", "content": text}]}
            values = client.runs.wait(thread, "tria", input=turn)
            assert isinstance(values, dict)
            answers.append(values["messages"][-1]["content"])
    assert "total SGD 141.70" in answers[0]
    assert "placed as TRIA-" in answers[1]
