"""`make monitor`: it says where to click, watches, and leaves nothing behind."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.monitoring.programs import found

NEEDED = ("prometheus", "prometheus-node-exporter", "prometheus-blackbox-exporter")


@contextmanager
def started(service_url: str, folder: Path) -> Iterator[str]:
    """It runs; what it said. At the end a Ctrl-C, which is no failure."""
    for name in NEEDED:
        found(name)
    port = service_url.rsplit(":", 1)[1]
    settings = {"TRIA_DATA": str(folder), "TRIA_PORT": port, "TRIA_ENV_FILE": "none"}
    process = subprocess.Popen(
        [sys.executable, "-m", "api.monitor"],
        env={k: v for k, v in os.environ.items() if "_URL" not in k} | settings,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    said = ""
    while "Ctrl-C" not in said and (line := process.stdout.readline()):
        said += line
    try:
        yield said
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        process.stdout.close()


def test_it_watches_until_it_is_told_to_end(service_url: str, tmp_path: Path) -> None:
    with started(service_url, tmp_path) as said:
        assert f"{service_url} is watched" in said
        assert "Nothing answers" not in said
        pages = re.findall(r"http://\S+/(?:alerts|targets|graph)", said)
        assert len(pages) == 3
        assert all(httpx.get(page, follow_redirects=True).is_success for page in pages)
        address = pages[0].split("/")[2]
        end = time.monotonic() + 40
        while not is_scraped(address) and time.monotonic() < end:
            time.sleep(0.5)
        assert is_scraped(address)
    assert not answers(f"http://{address}/-/ready")


def is_scraped(address: str) -> bool:
    found_there = httpx.get(f"http://{address}/api/v1/targets", timeout=10).json()
    targets = found_there["data"]["activeTargets"]
    return any(t["labels"]["job"] == "tria" and t["health"] == "up" for t in targets)


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).is_success
    except httpx.TransportError:
        return False
