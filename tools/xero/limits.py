"""Xero's limits, kept by all processes together: calls at a time, in a minute and in a day.

Where Redis is away each process keeps them for itself.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from typing import Any, Literal, NamedTuple
from uuid import uuid4

from tools.breaker import NotThePartsFault
from tools.xero.local_limits import LocalLimits
from tools.xero.shared import Shared

Lane = Literal["chat", "background"]
Reason = Literal["concurrent", "minute", "day"]

PATIENCE_SECONDS: dict[Lane, float] = {"chat": 10, "background": 120}
LONGEST_REST_SECONDS = 24 * 3600
LONGEST_PAUSE_SECONDS = 0.25
FOR_CHAT = 0.2  # the part of the day, and of the minute, that background work leaves alone


class Busy(NotThePartsFault):
    """All calls that Xero allows at present are taken; nothing was sent."""


class DaySpent(NotThePartsFault):
    """The calls that Xero allows in a day are used up, or what is left is kept for the chat."""


@dataclass(frozen=True)
class Allowance:
    """What Xero allows for one organisation; a few calls of each minute are left to others."""

    per_minute: int = 60
    per_day: int = 5000
    at_once: int = 4  # of Xero's five
    minute_seconds: float = 60  # shorter in tests
    slot_seconds: float = 30  # after which the slot of a killed process is free again

    @property
    def usable(self) -> int:
        """Calls a minute that we make: 55 of 60."""
        return max(self.per_minute * 55 // 60, 1)


class Heard(NamedTuple):
    """What one answer said about the limits."""

    minute_left: int | None = None
    day_left: int | None = None
    rest_seconds: float = 0
    rest_for: str = ""
    is_ok: bool = False


NOTHING_HEARD = Heard()


class Wait(NamedTuple):
    """Why there is no slot, and for how long; None when nobody can say."""

    reason: Reason
    seconds: float | None


@dataclass
class Slot:
    """A call in progress. The caller leaves here what the answer said."""

    token: str
    heard: Heard = NOTHING_HEARD


@dataclass(frozen=True)
class LimitsSeen:
    """What is known about the limits. `left` are Xero's own figures, None before any answer."""

    minute_left: int | None = None
    day_left: int | None = None
    day_left_at: datetime | None = None
    rests_until: datetime | None = None
    last_ok_at: datetime | None = None
    used_today: int = 0


class Limits:
    """Hands out slots: to the chat first, and to background work what the chat leaves."""

    def __init__(self, shared: Shared, allowance: Allowance) -> None:
        self._shared = shared
        self._allowance = allowance
        self._local = LocalLimits(allowance.at_once, allowance.usable, allowance.minute_seconds)
        self._take_script = _script("take")
        self._give_back_script = _script("give_back")
        # Each process lets its own callers ask one after the other, first come first served.
        self._lines: dict[Lane, asyncio.Semaphore] = {
            "chat": asyncio.Semaphore(allowance.at_once),
            "background": asyncio.Semaphore(max(allowance.at_once // 2, 1)),
        }

    @asynccontextmanager
    async def slot(self, tenant: str, lane: Lane) -> AsyncIterator[Slot]:
        """Around one call; raises Busy or DaySpent where none can be made soon."""
        end = time.monotonic() + PATIENCE_SECONDS[lane]
        try:
            async with asyncio.timeout(PATIENCE_SECONDS[lane]):
                await self._lines[lane].acquire()
        except TimeoutError as error:
            raise Busy("Xero is busy: others have waited longer") from error
        try:
            slot = Slot(uuid4().hex)
            try:
                await self._taken(slot, tenant, lane, end)
                yield slot
            finally:
                await self._give_back(slot, tenant)
        finally:
            self._lines[lane].release()

    async def seen(self, tenant: str) -> LimitsSeen:
        """What all processes know; what this one knows where Redis is away."""
        found = await self._shared.ask(lambda r: _state(r, self._keys(tenant)))
        if found is None:
            return LimitsSeen(self._local.minute_left, self._local.day_left)
        seen, hours = found
        return LimitsSeen(
            minute_left=_whole(seen.get("minute_left")),
            day_left=_whole(seen.get("day_left")),
            day_left_at=_instant(seen.get("day_at")),
            rests_until=_instant(seen.get("rests_until")),
            last_ok_at=_instant(seen.get("ok_at")),
            used_today=sum(int(count) for count in hours.values()),
        )

    async def _taken(self, slot: Slot, tenant: str, lane: Lane, end: float) -> None:
        while wait := await self._take(slot, tenant, lane):
            left = end - time.monotonic()
            if wait.reason == "day":
                raise DaySpent("the calls that Xero allows in a day are used up")
            if wait.seconds is None or wait.seconds > left:
                raise Busy(f"Xero is busy: {wait.reason} limit")
            # A little chance, or all who wait would come back at the same moment.
            pause = min(wait.seconds, LONGEST_PAUSE_SECONDS)
            await asyncio.sleep(pause + random.random() * 0.02)  # noqa: S311 (no secret)

    async def _take(self, slot: Slot, tenant: str, lane: Lane) -> Wait | None:
        allowance = self._allowance
        arguments = [
            *(slot.token, lane, allowance.at_once, allowance.usable, allowance.per_day),
            *(_ms(allowance.slot_seconds), _ms(allowance.minute_seconds), FOR_CHAT),
        ]
        answer = await self._run(self._take_script, self._keys(tenant), arguments)
        if answer is None:
            kept = 0 if lane == "chat" else allowance.per_day * FOR_CHAT
            refused = self._local.take(slot.token, is_chat=lane == "chat", kept_of_day=kept)
            return Wait(*refused) if refused else None
        if answer[0]:
            return None
        _, milliseconds, reason = answer
        return Wait(reason, milliseconds / 1000 if milliseconds >= 0 else None)

    async def _give_back(self, slot: Slot, tenant: str) -> None:
        heard = slot.heard
        self._local.give_back(slot.token, heard.minute_left, heard.day_left)
        self._local.rest(min(heard.rest_seconds, LONGEST_REST_SECONDS), heard.rest_for)
        slots, waiting, _, _, seen = self._keys(tenant)
        arguments = [
            *(slot.token, _text(heard.minute_left), _text(heard.day_left)),
            *(_ms(min(heard.rest_seconds, LONGEST_REST_SECONDS)), heard.rest_for),
            int(heard.is_ok),
        ]
        await self._run(self._give_back_script, [slots, waiting, seen], arguments)

    async def _run(self, script: str, keys: list[str], arguments: list[Any]) -> Any:
        """What the script answers; None while Redis is away."""
        return await self._shared.ask(lambda r: r.register_script(script)(keys, arguments))

    def _keys(self, tenant: str) -> list[str]:
        names = ("slots", "waiting", "minute", "hours", "seen")
        return [self._shared.key("limits", tenant, name) for name in names]


def heard(status: int, headers: Mapping[str, str]) -> Heard:
    """What an answer says about the limits. A 429 of the day closes Xero to all processes."""
    problem = headers.get("X-Rate-Limit-Problem", "").lower()
    rest, rest_for = 0.0, ""
    if status == 429 and problem != "concurrent":
        rest_for = "day" if problem == "day" else "minute"
        rest = retry_after(headers, 3600 if problem == "day" else 5)
    # Where Xero says for how long to rest, that is worth more than that nothing is left.
    minute_left = None if rest_for == "minute" else headers.get("X-MinLimit-Remaining")
    day_left = None if rest_for == "day" else headers.get("X-DayLimit-Remaining")
    return Heard(
        minute_left=_whole(minute_left),
        day_left=_whole(day_left),
        rest_seconds=rest,
        rest_for=rest_for,
        is_ok=200 <= status < 300,
    )


def retry_after(headers: Mapping[str, str], default: float) -> float:
    """Seconds that Xero asks us to wait, or the default where it does not say."""
    try:
        return max(float(headers.get("Retry-After", default)), 0)
    except ValueError:
        return default


async def _state(redis: Any, keys: list[str]) -> tuple[dict[str, str], dict[str, str]]:
    return await redis.hgetall(keys[4]), await redis.hgetall(keys[3])


def _script(name: str) -> str:
    return resources.files("tools.xero").joinpath(f"{name}.lua").read_text()


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _text(value: int | None) -> str:
    return "" if value is None else str(value)


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.lstrip("-").isdigit() else None


def _instant(text: str | None) -> datetime | None:
    return datetime.fromtimestamp(int(text) / 1000, UTC) if text else None
