"""How the connection to Xero fares, the same for whoever asks: kept in Redis and Postgres."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from tools.breaker import Breaker
from tools.errors import TriaError
from tools.xero.exchange import Call
from tools.xero.limits import Limits, LimitsSeen
from tools.xero.oauth import Connection, Tokens
from tools.xero.shared import Shared

KEPT_ERRORS = 20
KEPT_SECONDS = 7 * 24 * 3600
NEWS_SECONDS = 600  # after which a process that left Xero alone may no longer be there


@dataclass(frozen=True)
class Status:
    """`connection` is None before Xero was ever connected; breaker and errors, latest first.

    `is_shared` is False while Redis is away: then this is what the one process knows.
    """

    connection: Connection | None
    limits: LimitsSeen
    breaker: str
    breaker_since: datetime
    errors: tuple[Mapping[str, Any], ...]
    is_shared: bool

    @property
    def is_connected(self) -> bool:
        """Whether calls have a prospect, as far as the sign-in goes."""
        found = self.connection
        return found is not None and found.broken_at is None and found.refreshed_at is not None


class XeroStatus:
    """Notes what becomes of calls; a part that is away costs neither a call nor a status."""

    def __init__(
        self, shared: Shared, tokens: Tokens, limits: Limits, now: Callable[[], datetime]
    ) -> None:
        self._shared = shared
        self._tokens = tokens
        self._limits = limits
        self._breaker = ("closed", now())
        self._errors: list[Mapping[str, Any]] = []

    async def note(self, call: Call) -> None:
        """Keep a call that failed: when, where and how, and nothing of its contents."""
        if call.problem is None:
            return
        entry = asdict(call) | {"at": call.at.isoformat()}
        self._errors = [entry, *self._errors][:KEPT_ERRORS]
        await self._shared.ask(lambda r: _kept(r, self._shared.key("errors"), json.dumps(entry)))

    async def note_state(self, breaker: Breaker) -> None:
        """Tell the others when this process begins, or ceases, to leave Xero alone."""
        found = (breaker.state, breaker.since)
        if found == self._breaker:
            return
        changed = found[0] != self._breaker[0]
        self._breaker = found
        if changed:
            told = {"state": found[0], "since": found[1].isoformat()}
            await self._shared.ask(lambda r: _told(r, self._shared.key("breaker"), told))

    async def read(self) -> Status:
        """What is known now."""
        connection = await self._tokens.connection()
        tenant = await self._tenant()
        seen = await self._limits.seen(tenant) if tenant else LimitsSeen()
        errors = await self._shared.ask(lambda r: _all(r, self._shared.key("errors")))
        told = await self._shared.ask(lambda r: _hash(r, self._shared.key("breaker"))) or {}
        state, since = self._breaker
        return Status(
            connection=connection,
            limits=seen,
            breaker=told.get("state", state),
            breaker_since=datetime.fromisoformat(told["since"]) if told else since,
            errors=tuple(self._errors if errors is None else errors),
            is_shared=errors is not None,
        )

    async def limits_of(self, tenant: str) -> LimitsSeen | None:
        """What all processes together know of the limits; None while Redis is away."""
        if await self._shared.ask(_answers) is None:
            return None
        return await self._limits.seen(tenant)

    async def _tenant(self) -> str | None:
        try:
            return await self._tokens.tenant()
        except TriaError:
            return None


async def _answers(redis: Any) -> bool:
    return bool(await redis.ping())


async def _kept(redis: Any, key: str, entry: str) -> None:
    async with redis.pipeline(transaction=True) as pipe:
        pipe.lpush(key, entry)
        pipe.ltrim(key, 0, KEPT_ERRORS - 1)
        pipe.expire(key, KEPT_SECONDS)
        await pipe.execute()


async def _told(redis: Any, key: str, told: Mapping[str, str]) -> None:
    async with redis.pipeline(transaction=True) as pipe:
        pipe.hset(key, mapping=told)
        pipe.expire(key, NEWS_SECONDS)
        await pipe.execute()


async def _all(redis: Any, key: str) -> list[dict[str, Any]]:
    return [json.loads(entry) for entry in await redis.lrange(key, 0, -1)]


async def _hash(redis: Any, key: str) -> dict[str, str]:
    found: dict[str, str] = await redis.hgetall(key)
    return found
