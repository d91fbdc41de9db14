"""Takes a run's stream from whoever writes it, and ends it in another way."""

import json
from collections.abc import Sequence
from datetime import datetime
from uuid import uuid4

import redis.asyncio as redis
from redis.exceptions import RedisError

from tools.bounds import within
from tools.streams.event import END
from tools.streams.script import APPEND
from tools.streams.writer import KEEP_EVENTS, KEEP_SECONDS, WRITE_SECONDS

CLOSER = 250  # the attempt that its events seem to be of: after any other


class Closing:
    """The right to write one stream: whoever claimed it last has its lock."""

    def __init__(self, client: "redis.Redis", key: str, claimed_at: datetime) -> None:
        self._redis = client
        self._key = key
        self._writer = f"{CLOSER}.{round(claimed_at.timestamp() * 1_000_000)}.{uuid4().hex[:8]}"

    async def silence(self) -> bool:
        """Whoever wrote it adds nothing from now on. False while Redis is away."""
        return await self._write([])

    async def end(self, events: Sequence[tuple[str, str]]) -> bool:
        """Add the last events and END."""
        return await self._write([*events, (END, "{}")])

    async def _write(self, events: Sequence[tuple[str, str]]) -> bool:
        numbered = [(name, data, number) for number, (name, data) in enumerate(events, 1)]
        stream = [self._key, self._writer, False, numbered]
        text = json.dumps([stream], ensure_ascii=False).encode(errors="replace")
        try:
            async with within(WRITE_SECONDS):
                answer = await self._redis.eval(APPEND, 0, text, KEEP_EVENTS, KEEP_SECONDS)
        except (TimeoutError, RedisError, OSError):
            return False
        return str(answer).startswith("1")
