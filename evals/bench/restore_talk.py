"""Customers who write before everything is lost, and what became of it afterwards."""

import contextlib
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx

from evals.bench.restore_site import Site

WRITERS = 2
PAUSE_SECONDS = 0.2
QUESTION = "which days do you deliver?"
ORDER = "200 pcs of 12 inch boxes for tampines"
Json = dict[str, Any]


@dataclass(frozen=True)
class Said:
    """One message that was acknowledged and answered, and when."""

    number: int
    thread_id: str
    message_id: str
    at: float


class Customer:
    """One of the demo customers, by HTTP."""

    def __init__(self, site: Site, number: int = 0) -> None:
        self._number = number
        self._http = httpx.Client(base_url=site.url, headers=site.sign_in(number), timeout=120)

    def open(self) -> str:
        """A conversation."""
        return str(self._http.post("/threads", json={}).raise_for_status().json()["thread_id"])

    def say(self, thread: str, text: str, **more: Any) -> Json:
        """A message, and the conversation once it is answered."""
        said = {"role": "user", "content": text, "id": str(uuid4())} | more
        body = {"assistant_id": "tria", "input": {"messages": [said]}}
        answer = self._http.post(f"/threads/{thread}/runs/wait", json=body).raise_for_status()
        values: Json = answer.json()
        assert values["messages"][-1]["type"] == "ai", values
        return values

    def ask(self, thread: str) -> Said:
        """A question that is answered."""
        message_id = str(uuid4())
        self.say(thread, QUESTION, id=message_id)
        return Said(self._number, thread, message_id, time.time())

    def press(self, thread: str, card: Json) -> Json:
        """Yes to a card; the card as it is then."""
        button = {"action_id": card["action_id"], "hash": card["hash"], "decision": "confirm"}
        kept: Json = self.say(thread, "Yes", additional_kwargs={"action": button})["card"]
        return kept

    def state(self, thread: str) -> Json | None:
        """The conversation; None where there is none."""
        answer = self._http.get(f"/threads/{thread}/state")
        return answer.json() if answer.is_success else None


@dataclass
class Talk:
    """What was acknowledged so far."""

    said: list[Said] = field(default_factory=list)
    enough: threading.Event = field(default_factory=threading.Event)


@contextmanager
def talking(site: Site) -> Iterator[Talk]:
    """Customers who ask all the while, in a conversation each, and a new one now and then."""
    talk = Talk()

    def go_on(number: int) -> None:
        with contextlib.suppress(httpx.HTTPError):  # it is all gone
            customer = Customer(site, number)
            while not talk.enough.is_set():
                thread = customer.open()
                for _ in range(5):
                    talk.said.append(customer.ask(thread))
                    if talk.enough.wait(PAUSE_SECONDS):
                        return

    talkers = [threading.Thread(target=go_on, args=[n], daemon=True) for n in range(WRITERS)]
    for talker in talkers:
        talker.start()
    try:
        yield talk
    finally:
        talk.enough.set()
        for talker in talkers:
            talker.join(60)


def missing(site: Site, said: Iterable[Said]) -> list[Said]:
    """What was acknowledged and is not stored, or has no answer."""
    rows = site.postgres.rows(
        "select m.message_id from messages m join messages a on a.run_id = m.run_id"
        " where m.role = 'human' and a.role = 'ai'"
    )
    stored = {message_id for [message_id] in rows}
    return [each for each in said if each.message_id not in stored]


def go_on(site: Site, said: Iterable[Said], most: int) -> tuple[int, int]:
    """How many conversations are read and go on by the API, of how many that were tried."""
    threads = list({each.thread_id: each for each in said}.values())[-most:]
    resumed = 0
    for each in threads:
        customer = Customer(site, each.number)
        before = customer.state(each.thread_id)
        after = customer.say(each.thread_id, QUESTION) if before else None
        resumed += bool(
            before and after and len(after["messages"]) >= len(before["values"]["messages"])
        )
    return resumed, len(threads)
