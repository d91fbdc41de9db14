"""Notices a customer who tries document numbers out, and stops asking Xero for them.

A number counts as a miss from when it is asked for until it is found, so that many questions at
once do not get around the limit: look numbers up one after the other. A foreign document and a
missing one are the same miss. Somebody who has guessed too often gets no look-up at all, also of
documents of their own, but for those that the assistant has listed to them in the conversation.
"""

import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, TypeVar

from tools.errors import BackendUnavailable
from tools.xero.scoped import number_of
from tools.xero.shared import Shared

if TYPE_CHECKING:
    from redis.asyncio import Redis

MISSES, MISSES_SECONDS = 5, 600
# Slow guessing: numbers of the same hundred within a day. What is tried in vain counts here too.
NEAR_MISSES, NEAR_SECONDS, NEAR = 10, 24 * 3600, 100
MOST_KEYS = 10_000  # that one process remembers while Redis is away

Found = TypeVar("Found")
Clock = Callable[[], float]


@dataclass(frozen=True)
class Guessing:
    """A customer has guessed too often. `series` are the numbers last tried, as `INV-10..`."""

    customer_id: str
    series: str
    misses: int


@dataclass(frozen=True)
class LookedUp(Generic[Found]):
    """What a look-up found. Throttled ones read like missing ones, and go to a person.

    `guessing` is there once in a window. The ticket that a throttled look-up or this one opens is
    the report of it.
    """

    document: Found | None
    is_throttled: bool = False
    guessing: Guessing | None = None


class _Window(NamedTuple):
    """Different numbers missed under a key within so many seconds, and how many are too many."""

    key: str
    limit: int
    seconds: int


class Looks(Protocol):
    """What may be asked for documents by their numbers."""

    async def look_up(
        self,
        customer_id: str,
        number: str,
        read: Callable[[str], Awaitable[Found | None]],
        listed: Collection[str] = (),
    ) -> LookedUp[Found]: ...


class Noticing:
    """The look-ups of one step, which remember whether somebody guessed."""

    def __init__(self, looks: Looks) -> None:
        self._looks = looks
        self.has_guessed = False

    async def look_up(
        self,
        customer_id: str,
        number: str,
        read: Callable[[str], Awaitable[Found | None]],
        listed: Collection[str] = (),
    ) -> LookedUp[Found]:
        """As Guesses does it."""
        found = await self._looks.look_up(customer_id, number, read, listed)
        self.has_guessed |= found.is_throttled or found.guessing is not None
        return found


class Guesses:
    """Counts misses for all processes together; where Redis is away each counts its own."""

    def __init__(self, redis: "Redis | None", clock: Clock = time.time) -> None:
        self._shared = Shared(redis, "guesses")
        self._local = _Local()
        self._clock = clock

    async def look_up(
        self,
        customer_id: str,
        number: str,
        read: Callable[[str], Awaitable[Found | None]],
        listed: Collection[str] = (),
    ) -> LookedUp[Found]:
        """Read a document by its number, unless the customer has guessed too often.

        `listed` are the numbers that the assistant itself has shown in this conversation.
        """
        printed = number_of(number)
        if printed is None:
            return LookedUp(None)
        if printed in {number_of(shown) for shown in listed}:
            return LookedUp(await read(printed))
        series = _series(printed)
        windows = (
            _Window(customer_id, MISSES, MISSES_SECONDS),
            _Window(f"{customer_id}:{series}", NEAR_MISSES, NEAR_SECONDS),
        )
        missed = [await self._suspect(window, printed) for window in windows]
        if any(count > window.limit for count, window in zip(missed, windows, strict=True)):
            return LookedUp(None, is_throttled=True)
        try:
            document = await read(printed)
        except BackendUnavailable:
            await self._acquit(windows, printed)
            raise
        if document is not None:
            await self._acquit(windows, printed)
            return LookedUp(document)
        reached = [w for count, w in zip(missed, windows, strict=True) if count == w.limit]
        if reached and await self._is_first(customer_id, reached[0].seconds):
            return LookedUp(None, guessing=Guessing(customer_id, series, reached[0].limit))
        return LookedUp(None)

    async def _suspect(self, window: _Window, number: str) -> int:
        """Count the number; how many there are with it. One that is too many is not kept."""
        now = self._clock()
        count = await self._shared.ask(
            lambda r: _added(r, self._key(window.key), window, number, now)
        )
        return self._local.add(window, number, now) if count is None else count

    async def _acquit(self, windows: Collection[_Window], number: str) -> None:
        keys = [window.key for window in windows]
        self._local.remove(keys, number)
        await self._shared.ask(lambda r: _removed(r, [self._key(k) for k in keys], number))

    async def _is_first(self, customer_id: str, seconds: int) -> bool:
        """Whether nobody has told of this customer in the window."""
        key = self._key(f"told:{customer_id}")
        told = await self._shared.ask(lambda r: _claimed(r, key, seconds))
        if told is None:
            return self._local.claim(f"told:{customer_id}", self._clock(), seconds)
        return told

    def _key(self, name: str) -> str:
        return self._shared.key(name)


class _Local:
    """The same counts in this process."""

    def __init__(self) -> None:
        self._missed: dict[str, dict[str, float]] = {}
        self._told: dict[str, float] = {}

    def add(self, window: _Window, number: str, now: float) -> int:
        if len(self._missed) >= MOST_KEYS:
            self._missed.pop(next(iter(self._missed)))
        earlier = self._missed.pop(window.key, {})
        kept = {n: at for n, at in earlier.items() if at > now - window.seconds}
        count = len({*kept, number})
        if count <= window.limit:
            kept[number] = now
        self._missed[window.key] = kept
        return count

    def remove(self, keys: Collection[str], number: str) -> None:
        for key in keys:
            self._missed.get(key, {}).pop(number, None)

    def claim(self, key: str, now: float, seconds: int) -> bool:
        if self._told.get(key, 0) > now - seconds:
            return False
        if len(self._told) >= MOST_KEYS:
            self._told.clear()
        self._told[key] = now
        return True


async def _added(redis: Any, key: str, window: _Window, number: str, now: float) -> int:
    async with redis.pipeline(transaction=True) as pipe:
        pipe.zremrangebyscore(key, 0, now - window.seconds)
        pipe.zadd(key, {number: now})
        pipe.zcard(key)
        pipe.expire(key, window.seconds)
        _, is_added, count, _ = await pipe.execute()
    if count > window.limit and is_added:
        await redis.zrem(key, number)
    return int(count)


async def _removed(redis: Any, keys: Collection[str], number: str) -> None:
    for key in keys:
        await redis.zrem(key, number)


async def _claimed(redis: Any, key: str, seconds: int) -> bool:
    return bool(await redis.set(key, "1", nx=True, ex=seconds))


def _series(number: str) -> str:
    """The hundred that a number belongs to: `INV-10..` of INV-1042."""
    letters = number.rstrip("0123456789")
    return f"{letters}{int(number.removeprefix(letters)) // NEAR}.."
