"""Conversations that each say the next thing when the last answer has ended."""

import asyncio
import json
import sys
import time
from collections.abc import Sequence

from evals.bench.serve.load import TOKEN, Connection
from evals.service import Service
from tools.sandbox.company import demo_customers

# One conversation of an ordinary day: every kind of turn, with a write that is confirmed.
SCRIPT = (
    "hello",
    "what do I owe?",
    "which days do you deliver?",
    "how much is the 12 inch pizza box?",
    "5 cartons of 12 inch pizza boxes for next Friday please",
    "yes",
    "how much is the fee if I cancel the day before delivery?",
    "is my last order delivered already?",
    "my boxes came damaged",
)


class Talks:
    """So many conversations at once, of different customers, that can be gone on with."""

    def __init__(self, service: Service, at_once: int, script: Sequence[str] = SCRIPT) -> None:
        self._script = script
        customers = demo_customers()
        self._jobs = [
            {
                "url": service.url,
                "headers": service.sign_in(customers[n % len(customers)].customer_id),
            }
            for n in range(at_once)
        ]
        self._threads: list[str] = [""] * at_once
        # Each begins elsewhere, so that there is always every kind of turn under way.
        self._said = [n * len(script) // at_once for n in range(at_once)]

    async def say(self, turns: int) -> list[float]:
        """Say so many things in all; the seconds that each answer took."""
        left, seconds = iter(range(turns)), list[float]()

        async def go_on(place: int) -> None:
            connection = await Connection.open(self._jobs[place])
            for _ in left:
                began = time.perf_counter()
                await self._next(connection, place)
                seconds.append(time.perf_counter() - began)
            connection.writer.close()

        await asyncio.gather(*(go_on(place) for place in range(len(self._jobs))))
        return seconds

    async def _next(self, connection: Connection, place: int) -> None:
        line = self._said[place] % len(self._script)
        if line == 0 or not self._threads[place]:
            connection.send("/threads", {})
            self._threads[place] = (await connection.answer())["thread_id"]
        self._said[place] += 1
        text = self._script[line]
        body = {
            "assistant_id": "tria",
            "input": {"messages": [{"role": "user", "content": text}]},
            "stream_mode": ["messages-tuple", "values"],
        }
        connection.send(f"/threads/{self._threads[place]}/runs/stream", body)
        _, heard = await connection.stream()
        if TOKEN not in heard or b"event: error" in heard:
            sys.exit(f"No answer to {json.dumps(text)}: {heard[-2000:]!r}")
