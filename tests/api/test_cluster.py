"""`make cluster` as a person at a terminal sees it."""

import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.api.test_launch import CLUSTER, children, environment, launched
from tools.embedded.caddy import Caddy
from tools.embedded.process import free_port
from tools.sandbox.company import demo_customers


@pytest.fixture
def folder(data_folder: Path, tmp_path: Path) -> Path:
    (tmp_path / "minilm").symlink_to(data_folder / "minilm")
    return tmp_path


def replicas(said: str) -> dict[int, int]:
    """Port and process of each replica, as printed at the start."""
    found = re.findall(r"replica \d +http://127\.0\.0\.1:(\d+)/health +process (\d+)", said)
    return {int(port): int(pid) for port, pid in found}


def is_ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health/ready", timeout=2).status_code == 200
    except httpx.TransportError:
        return False


def keyed() -> dict[str, str]:
    """Without a key the proxy does not send a write again that died with a replica."""
    return {"Idempotency-Key": uuid4().hex}


def open_threads(url: str, count: int) -> list[int]:
    who = {"customer_id": demo_customers()[0].customer_id}
    signed_in = httpx.post(f"{url}/demo/sign-in", json=who, headers=keyed()).raise_for_status()
    mine = {"Authorization": f"Bearer {signed_in.json()['token']}"}
    answers = [httpx.post(f"{url}/threads", json={}, headers=mine | keyed()) for _ in range(count)]
    return [answer.status_code for answer in answers]


def test_three_replicas_answer_at_one_address_and_a_killed_one_comes_back(folder: Path) -> None:
    variables = environment(folder)
    url = f"http://127.0.0.1:{variables['TRIA_PORT']}"
    with launched(variables, CLUSTER) as (process, said):
        found = replicas(said)
        assert len(found) == 3
        for page in ("/", "/console", "/health"):
            assert f"{url}{page}" in said
            assert httpx.get(f"{url}{page}", follow_redirects=True).status_code == 200
        [victim, *_] = found
        os.kill(found[victim], signal.SIGKILL)
        assert set(open_threads(url, 10)) == {200}
        end = time.monotonic() + 90
        while not is_ready(victim):
            assert time.monotonic() < end
            time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    assert children(folder) == []


@pytest.fixture
def proxy_url(service_url: str, tmp_path: Path) -> Iterator[str]:
    """The cluster's proxy in front of one service."""
    listen = f"127.0.0.1:{free_port()}"
    proxy = Caddy(tmp_path / "proxy", listen)
    proxy.start([service_url.removeprefix("http://")])
    yield f"http://{listen}"
    proxy.stop()


@pytest.mark.parametrize("path", ["/metrics", "//metrics", "/%6Detrics", "/metrics/"])
def test_the_proxy_shows_nobody_the_metrics(service_url: str, proxy_url: str, path: str) -> None:
    assert httpx.get(f"{service_url}/metrics").status_code == 200
    assert httpx.get(f"{proxy_url}/health").status_code == 200
    refused = httpx.get(f"{proxy_url}{path}", follow_redirects=True)
    assert (refused.status_code, refused.json()["title"]) == (404, "Not Found")
    assert refused.headers["content-type"] == "application/problem+json"
