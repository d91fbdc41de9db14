"""What Redis holds of a customer: the events of their turns, counts of guesses, answers of Xero."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import RedisError

from tools.errors import OperationRefused
from tools.events import run_key, thread_key

GUESSES = "guesses"
XERO_ANSWERS = "xero:*:answer:*"
BATCH = 500
AWAY = "Redis does not answer, so nothing was erased: try again when it does (see /health)."


@dataclass(frozen=True)
class Traces:
    """Whose keys: everything by which one names somebody."""

    customer_id: str
    thread_ids: Sequence[UUID]
    run_ids: Sequence[UUID]
    contact_ids: Sequence[UUID]


class FastCopies:
    """Counting and deleting them. Each also ends by itself, within a day."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def delete(self, traces: Traces) -> int:
        """Delete what is there, and say how many keys; raises OperationRefused without Redis."""
        try:
            gone = 0
            async for names in self._batches(traces):
                gone += int(await self._redis.delete(*names))
        except (RedisError, OSError) as error:
            raise OperationRefused(AWAY) from error
        return gone

    async def count(self, traces: Traces) -> int:
        """How many there are; raises OperationRefused without Redis."""
        try:
            found = 0
            async for names in self._batches(traces):
                found += int(await self._redis.exists(*names))
        except (RedisError, OSError) as error:
            raise OperationRefused(
                AWAY.replace("so nothing was erased", "so nobody knows")
            ) from error
        return found

    async def _batches(self, traces: Traces) -> AsyncIterator[list[str]]:
        streams = [run_key(i) for i in traces.run_ids] + [thread_key(i) for i in traces.thread_ids]
        for start in range(0, len(streams), BATCH):
            yield streams[start : start + BATCH]
        if guesses := [name async for name in self._guesses(traces.customer_id)]:
            yield guesses
        async for names in self._answers([str(i) for i in traces.contact_ids]):
            yield names

    async def _guesses(self, customer_id: str) -> AsyncIterator[str]:
        yield f"{GUESSES}:{customer_id}"
        yield f"{GUESSES}:told:{customer_id}"
        series = f"{GUESSES}:{_literally(customer_id)}:*"
        async for name in self._redis.scan_iter(series, count=BATCH):
            yield name

    async def _answers(self, contact_ids: Sequence[str]) -> AsyncIterator[list[str]]:
        """Answers that name one of the contacts: each contact's are forgotten alone."""
        if not contact_ids:
            return
        names: list[str] = []
        async for name in self._redis.scan_iter(XERO_ANSWERS, count=BATCH):
            names.append(name)
            if len(names) == BATCH:
                yield await self._naming(names, contact_ids)
                names = []
        if names:
            yield await self._naming(names, contact_ids)

    async def _naming(self, names: Sequence[str], contact_ids: Sequence[str]) -> list[str]:
        found = zip(names, await self._redis.mget(*names), strict=True)
        # Nothing is named that nobody has: so that a batch is never empty.
        return [n for n, body in found if any(c in str(body) for c in contact_ids)] or [GUESSES]


def _literally(text: str) -> str:
    return "".join(f"\\{sign}" if sign in "*?[]\\^-" else sign for sign in text)
