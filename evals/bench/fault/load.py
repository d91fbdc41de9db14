"""Conversations through the proxy with the protocol's own client, which note what they see."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from typing import Any, cast
from uuid import uuid4

import httpx
from langgraph_sdk.client import LangGraphClient
from langgraph_sdk.errors import ConflictError, LangGraphError

from evals.bench.fault.cluster import Cluster
from evals.bench.fault.history import Turn
from evals.bench.fault.overheard import Overheard

ASSISTANT = "tria"
MODES: Any = ["messages-tuple", "values", "custom"]
QUESTIONS = (
    "what do I owe?",
    "which days do you deliver?",
    "which payments have you received from us?",
    "how much is the 12 inch pizza box?",
    "what is the minimum order?",
)
# What orders; each second message is the yes.
ORDERS = ("200 12 inch boxes for tampines pls", "yes")
TROUBLE = (httpx.HTTPError, LangGraphError)
AGAIN_SECONDS = 0.3
WAITING_SECONDS = 90.0
ENDED = ("success", "error", "interrupted", "timeout")


class Conversation:
    """One customer who asks, waits for the answer and asks again, whatever breaks meanwhile."""

    def __init__(
        self, cluster: Cluster, number: int, seed: int, *, is_ordering: bool = False
    ) -> None:
        self._random = random.Random(f"{seed} {number}")
        self._is_ordering = is_ordering
        self.headers = cluster.sign_in(number)
        self._url = cluster.url
        self.number = number
        self.thread_id = str(uuid4())
        self.turns: list[Turn] = []

    async def go_on(self, enough: asyncio.Event) -> None:
        """Ask until it is enough."""
        async with self.client() as client:
            await self._open(client)
            while not enough.is_set():
                turn = Turn(self.thread_id, str(uuid4()), self._next())
                self.turns.append(turn)
                await self._ask(client, turn)
                await self._follow(client, turn)

    def _next(self) -> str:
        if self._is_ordering:
            return ORDERS[len(self.turns) % len(ORDERS)]
        return self._random.choice(QUESTIONS)

    @contextlib.asynccontextmanager
    async def client(self) -> AsyncIterator[LangGraphClient]:
        """The protocol's own client, signed in as this customer."""
        http = httpx.AsyncClient(
            base_url=self._url,
            headers={**self.headers, "Accept-Encoding": "identity"},
            timeout=httpx.Timeout((2, 15, 5, 5)),
            transport=Overheard(self._see, self._come_late),
        )
        async with LangGraphClient(http) as client:
            yield client

    def _see(self, event: str, data: Any, event_id: str | None) -> None:
        """An event of the turn under way: a customer asks one thing after the other."""
        self.turns[-1].see(event, data, event_id)

    def _come_late(self) -> None:
        self.turns[-1].come_late()

    async def _open(self, client: LangGraphClient) -> None:
        while True:
            with contextlib.suppress(*TROUBLE):
                await client.threads.create(thread_id=self.thread_id, if_exists="do_nothing")
                return
            await asyncio.sleep(AGAIN_SECONDS)

    async def _ask(self, client: LangGraphClient, turn: Turn) -> None:
        """Send the message until it is acknowledged, under the same id every time."""
        send = self._random.choice([self._send, self._send_and_stream])
        while not turn.is_acknowledged:
            try:
                await send(client, turn)
            except ConflictError:  # it was stored, and only the acknowledgement was lost
                await self._find(client, turn)
            except TROUBLE:
                turn.cuts += 1
                await asyncio.sleep(AGAIN_SECONDS)

    async def _send(self, client: LangGraphClient, turn: Turn) -> None:
        run = await client.runs.create(
            self.thread_id,
            ASSISTANT,
            input=_input(turn),
            stream_mode=MODES,
            stream_resumable=True,
        )
        turn.run_id, turn.is_acknowledged = run["run_id"], True

    async def _send_and_stream(self, client: LangGraphClient, turn: Turn) -> None:
        def noted(created: Any) -> None:
            turn.run_id = created["run_id"]

        parts = client.runs.stream(
            self.thread_id,
            ASSISTANT,
            input=_input(turn),
            stream_mode=MODES,
            stream_resumable=True,
            on_disconnect="continue",
            on_run_created=noted,
        )
        try:
            async for _ in parts:
                turn.is_acknowledged = True
        finally:
            turn.is_acknowledged = bool(turn.run_id)

    async def _find(self, client: LangGraphClient, turn: Turn) -> None:
        """The run of a message whose acknowledgement was lost: nothing came after it."""
        with contextlib.suppress(*TROUBLE):
            runs = await client.runs.list(self.thread_id, limit=1)
            if runs:
                turn.run_id, turn.is_acknowledged = runs[0]["run_id"], True
                return
        await asyncio.sleep(AGAIN_SECONDS)

    async def _follow(self, client: LangGraphClient, turn: Turn) -> None:
        """Read on after the last event until the run has ended."""
        end = asyncio.get_running_loop().time() + WAITING_SECONDS
        while not turn.is_over and asyncio.get_running_loop().time() < end:
            try:
                turn.is_over = await self._read_on(client, turn)
            except TROUBLE:
                turn.cuts += 1
                await asyncio.sleep(AGAIN_SECONDS)

    async def _read_on(self, client: LangGraphClient, turn: Turn) -> bool:
        last = turn.last_id or "-1"
        parts = client.runs.join_stream(self.thread_id, turn.run_id, last_event_id=last)
        async for _ in parts:
            pass
        run = await client.runs.get(self.thread_id, turn.run_id)
        return run["status"] in ENDED


async def messages_of(conversation: Conversation) -> list[dict[str, Any]]:
    """The conversation as its client sees it afterwards."""
    async with conversation.client() as client:
        state = await client.threads.get_state(conversation.thread_id)
    return cast("list[dict[str, Any]]", cast("dict[str, Any]", state["values"])["messages"])


def _input(turn: Turn) -> dict[str, Any]:
    return {"messages": [{"type": "human", "id": turn.message_id, "content": turn.text}]}
