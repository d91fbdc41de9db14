"""Customers who write and read without a pause while versions change behind the proxy."""

import asyncio
import contextlib
import json
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from evals.bench.release_site import Site
from tools.sandbox.company import demo_customers

WRITERS, READERS = 4, 4
READ_PAUSE, THINK_SECONDS = 0.2, 0.3
QUESTIONS = ("what do I owe?", "which days do you deliver?", "how much is the 12 inch pizza box?")
MODEL = {"mode": "slow", "first_seconds": 0.3, "seconds": 0.02}


@dataclass(frozen=True)
class Asked:
    """One request, and what came of it: empty where it is what it should be."""

    began: float
    ended: float
    is_stream: bool
    trouble: str = ""
    first_event: float = 0.0


@dataclass
class Load:
    """Everything that was asked."""

    asked: list[Asked] = field(default_factory=list)

    def between(self, began: float, ended: float) -> list[Asked]:
        """What was under way at some time between."""
        return [each for each in self.asked if each.ended >= began and each.began <= ended]


@contextlib.contextmanager
def under_load(site: Site) -> Iterator[Load]:
    """Load, from the first answers on until the end."""
    load, enough = Load(), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(_all(site, load, enough)), daemon=True)
    thread.start()
    try:
        yield load
    finally:
        enough.set()
        thread.join(60)


async def _all(site: Site, load: Load, enough: threading.Event) -> None:
    writing = [_write(site, load, enough, n) for n in range(WRITERS)]
    reading = [_read(site, load, enough, n) for n in range(READERS)]
    await asyncio.gather(*writing, *reading)


@contextlib.asynccontextmanager
async def _customer(site: Site, number: int) -> Any:
    trusted = ssl.create_default_context(cafile=Path(site.folder) / "certificate.pem")
    who = demo_customers()[number % len(demo_customers())]
    async with httpx.AsyncClient(
        base_url=site.url, verify=trusted, timeout=30, trust_env=False
    ) as client:
        answer = await client.post("/demo/sign-in", json={"customer_id": who.customer_id})
        client.headers["Authorization"] = f"Bearer {answer.raise_for_status().json()['token']}"
        yield client


async def _write(site: Site, load: Load, enough: threading.Event, number: int) -> None:
    async with _customer(site, number) as client:
        thread = (await client.post("/threads", json={})).raise_for_status().json()["thread_id"]
        turn = number
        while not enough.is_set():
            load.asked.append(await _turn(client, thread, QUESTIONS[turn % len(QUESTIONS)]))
            turn += 1
            await asyncio.sleep(THINK_SECONDS)


async def _turn(client: httpx.AsyncClient, thread: str, text: str) -> Asked:
    """A message, and its answer streamed to the end."""
    body = {
        "assistant_id": "tria",
        "input": {"messages": [{"role": "user", "content": text}]},
        "stream_mode": ["messages-tuple", "values"],
    }
    began, first, event, last = time.monotonic(), 0.0, "", {}
    try:
        async with client.stream("POST", f"/threads/{thread}/runs/stream", json=body) as answer:
            async for line in answer.aiter_lines():
                first = first or time.monotonic()
                if line.startswith("event: "):
                    event = line.removeprefix("event: ")
                elif line.startswith("data: ") and event in ("values", "error"):
                    last = json.loads(line.removeprefix("data: "))
            trouble = _trouble(answer.status_code, event, last)
    except httpx.HTTPError as error:
        trouble = f"{type(error).__name__} after {event or 'nothing'}"
    ended = time.monotonic()
    return Asked(began, ended, is_stream=True, trouble=trouble, first_event=first - began)


def _trouble(status: int, event: str, last: dict[str, Any]) -> str:
    """What is wrong with a stream that has ended: the last of it must be the answer."""
    if status != httpx.codes.OK:
        return str(status)
    messages = last.get("messages") or [{"type": "none"}]
    return "" if messages[-1]["type"] == "ai" else f"ended with {event}"


async def _read(site: Site, load: Load, enough: threading.Event, number: int) -> None:
    async with _customer(site, number) as client:
        thread = (await client.post("/threads", json={})).raise_for_status().json()["thread_id"]
        while not enough.is_set():
            began, trouble = time.monotonic(), ""
            try:
                answer = await client.get(f"/threads/{thread}")
                trouble = "" if answer.is_success else str(answer.status_code)
            except httpx.HTTPError as error:
                trouble = type(error).__name__
            load.asked.append(Asked(began, time.monotonic(), is_stream=False, trouble=trouble))
            await asyncio.sleep(READ_PAUSE)
