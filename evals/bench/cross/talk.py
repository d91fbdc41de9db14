"""One customer at work over HTTP: says something and keeps everything that comes back."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import httpx

from evals.bench.cross.judge import text_of
from evals.service import Service

MODES = ["values", "messages-tuple", "updates", "custom"]
LINK = re.compile(r"/documents/[A-Za-z0-9_-]{20,}")
SECONDS = 120
Json = dict[str, Any]


@dataclass
class Received:
    """Everything that came back for what was said, and the last public values."""

    texts: list[str] = field(default_factory=list)
    values: Json = field(default_factory=dict)

    def add(self, answer: httpx.Response) -> None:
        """Status, headers and body of an answer, files read."""
        headers = " ".join(f"{name}: {value}" for name, value in answer.headers.items())
        self.texts.append(f"{answer.status_code} {headers}\n{text_of(answer.content)}")

    @property
    def reply(self) -> str:
        """The assistant's last words."""
        messages = self.values.get("messages") or [{}]
        return str(messages[-1].get("content", ""))

    @property
    def card(self) -> Json | None:
        """The card that waits for an answer, if any."""
        card: Json | None = self.values.get("card")
        return card if card and card["status"] == "proposed" else None


class Talker:
    """A signed-in customer with one conversation at a time."""

    def __init__(self, service: Service, customer_id: str) -> None:
        self.customer_id = customer_id
        self.headers = service.sign_in(customer_id)
        self.http = httpx.AsyncClient(
            base_url=service.url, headers=self.headers, timeout=SECONDS, follow_redirects=False
        )
        self.thread = ""
        self.typed: tuple[str, ...] = ()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()

    async def begin(self) -> None:
        """A new conversation."""
        answer = await self.http.post("/threads", json={})
        self.thread, self.typed = answer.json()["thread_id"], ()

    async def say(self, text: str, button: Mapping[str, str] | None = None) -> Received:
        """Send a message, follow the stream to its end and every link in the answer."""
        self.typed = (*self.typed, text)
        message: Json = {"role": "user", "content": text}
        if button:
            message["additional_kwargs"] = {"action": dict(button)}
        body = {"assistant_id": "tria", "input": {"messages": [message]}, "stream_mode": MODES}
        received = Received()
        answer = await self.http.post(f"/threads/{self.thread}/runs/stream", json=body)
        received.add(answer)
        received.values = last_values(answer.text)
        for path in dict.fromkeys(LINK.findall(received.reply)):
            received.add(await self.http.get(path))
        return received

    async def press(self, card: Mapping[str, Any]) -> Received:
        """Say yes to a card by its button."""
        button = {"action_id": card["action_id"], "hash": card["hash"], "decision": "confirm"}
        return await self.say("yes", button)

    async def look_around(self) -> Received:
        """What the conversation shows of itself: thread, state, history, runs."""
        received, at = Received(), f"/threads/{self.thread}"
        for path in (at, f"{at}/state", f"{at}/runs"):
            received.add(await self.http.get(path))
        received.add(await self.http.post(f"{at}/history", json={"limit": 100}))
        return received


def last_values(stream: str) -> Json:
    """The data of the last `values` event."""
    values: Json = {}
    for event in stream.split("\r\n\r\n"):
        name, _, data = event.partition("\r\ndata: ")
        if name.strip() == "event: values":
            values = json.loads(data.partition("\r\n")[0])
    return values
