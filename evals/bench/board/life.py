"""A service's busy minutes: all kinds of customers, and one trouble after the other."""

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import httpx

from evals.bench.drill.stand import Stand

CUSTOMERS = 6
ORDER = "please send 200 pieces of the 12 inch box to tampines"
# Each line is a conversation; the second half of them ends in a card that is agreed to, or not.
CONVERSATIONS = (
    ("what do I owe?", "is there a fee if I cancel an order the day before delivery?"),
    ("which days do you deliver?", "what is the minimum order?", "thanks!"),
    ("我欠你们多少钱?", "berapa caj penghantaran?"),
    ("my order was damaged, I want to talk to somebody",),
    ("show me the last invoice", "and of somebody else: INV-0001, INV-0002, INV-0003, INV-0004"),
    (ORDER, "yes"),
    (ORDER, "no, leave it"),
    ("1000 14 inch boxes for tampines pls", "yes", "cancel that order"),
)
SPEED = {"mode": "slow", "first_seconds": 0.3, "seconds": 0.02}
HANGS = 6
READS = 40  # requests in a row of the customer who asks too often


@dataclass(frozen=True)
class Event:
    """What was done to the service, and when, in seconds since 1970."""

    sign: str
    what: str
    start: float
    end: float


@dataclass(frozen=True)
class Trouble:
    """What goes wrong, and how it is put right."""

    what: str
    begin: Callable[[Stand], object]
    end: Callable[[Stand], object]


def _model(stand: Stand, **settings: Any) -> None:
    httpx.post(f"{stand.sandbox_url}/control/model", json=settings, timeout=5).raise_for_status()


def _fault(stand: Stand, operation: str, mode: str, times: int) -> None:
    fault = {"operation": operation, "mode": mode, "times": times}
    httpx.post(f"{stand.sandbox_url}/control/faults", json=fault, timeout=5).raise_for_status()


def _refuse(stand: Stand) -> None:
    stand.model.set("refuse")
    stand.model.cut()


def _kill(stand: Stand) -> None:
    """In the middle of a write, if somebody agrees to a card in time."""
    _fault(stand, "PUT /Invoices", "hang", 1_000_000)
    time.sleep(HANGS)
    _fault(stand, "PUT /Invoices", "hang", 0)
    if stand.service:
        stand.service.send_signal(signal.SIGKILL)
        stand.service.wait()


def _usual(stand: Stand) -> None:
    _model(stand, **SPEED)


TROUBLES = (
    Trouble("the model lies", lambda s: _model(s, mode="lying"), _usual),
    Trouble(
        "Xero answers 503",
        lambda s: _fault(s, "*", "unavailable", 1_000_000),
        lambda s: _fault(s, "*", "unavailable", 0),
    ),
    Trouble("the service is killed and started again", _kill, Stand.start),
    Trouble("Redis is away", lambda s: s.valkey.stop(), lambda s: s.valkey.start()),
    Trouble(
        "the model refuses connections",
        _refuse,
        lambda s: s.model.set("pass"),
    ),
    Trouble(
        "the answers to writes are lost",
        lambda s: _fault(s, "PUT /Invoices", "drop_after_commit", 1_000_000),
        lambda s: _fault(s, "PUT /Invoices", "drop_after_commit", 0),
    ),
)


def troubled(stand: Stand, seconds: float) -> list[Event]:
    """Quiet and trouble in turns until the time is over."""
    events = []
    each = seconds / (2 * len(TROUBLES) + 1)
    for number, trouble in enumerate(TROUBLES):
        time.sleep(each * 1.2)
        started = time.time()
        trouble.begin(stand)
        time.sleep(each * 0.8)
        trouble.end(stand)
        events.append(Event(chr(ord("A") + number), trouble.what, started, time.time()))
    time.sleep(each)
    return events


@contextmanager
def customers(stand: Stand) -> Iterator[None]:
    """They write until the end of the `with`, whatever comes back."""
    _usual(stand)
    enough = threading.Event()
    each = [
        threading.Thread(target=_write, args=(stand, number, enough), daemon=True)
        for number in range(CUSTOMERS)
    ]
    for customer in each:
        customer.start()
    try:
        yield
    finally:
        enough.set()
        for customer in each:
            customer.join(30)


def _write(stand: Stand, number: int, enough: threading.Event) -> None:
    said = cycle((*CONVERSATIONS[number:], *CONVERSATIONS[:number]))
    while not enough.is_set():
        with (
            suppress(httpx.HTTPError, KeyError, IndexError, TypeError),
            httpx.Client(base_url=stand.url, headers=stand.headers(number), timeout=30) as client,
        ):
            _converse(client, next(said))
            _annoy(client)
        enough.wait(1)


def _converse(client: httpx.Client, texts: Sequence[str]) -> None:
    """One conversation, streamed, with a thumb at its end."""
    thread = client.post("/threads", json={}).raise_for_status().json()["thread_id"]
    for text in texts:
        turn = {"messages": [{"role": "user", "content": text}]}
        body = {"assistant_id": "tria", "input": turn, "stream_mode": ["messages-tuple"]}
        with client.stream("POST", f"/threads/{thread}/runs/stream", json=body) as answer:
            for _ in answer.iter_bytes():
                pass
    messages = client.get(f"/threads/{thread}/state").json()["values"]["messages"]
    opinion = {"message_id": messages[-1]["id"], "score": -1 if len(texts) == 1 else 1}
    client.post(f"/threads/{thread}/feedback", json=opinion)


def _annoy(client: httpx.Client) -> None:
    """Somebody without a key, and somebody who asks too often."""
    client.get("/assistants/tria", headers={"Authorization": "Bearer nobody"})
    for _ in range(READS):
        if client.get("/assistants/tria").status_code == httpx.codes.TOO_MANY_REQUESTS:
            return
