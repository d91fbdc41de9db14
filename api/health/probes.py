"""Asks each part now and then, each within a second, and remembers what it said."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog
from psycopg.rows import DictRow

from api.health.contract import CONTRACT, NEEDED, meaning
from api.health.parts import Check, Line, Watch, breakers_of, checks_of
from api.health.patience import Patience
from graph.clients import Clients
from monitoring import logging, metrics

log = structlog.get_logger()

ROUND_SECONDS = 1.0
STALE_SECONDS = 15.0
PARTS = CONTRACT.keys() - {"orders"}  # whether orders work has metrics of its own
BREAKER_STATES = {"closed": 0, "half-open": 1, "open": 2}


@dataclass
class Part:
    """The last finding about one part. `state` is None before the first probe."""

    name: str
    every_seconds: float
    state: str | None = None
    ms: float = 0
    checked: float = 0
    since: float = field(default_factory=time.monotonic)
    silent: int = 0  # probes in a row without an answer

    @property
    def is_well(self) -> bool:
        """Whether it was, when it was asked."""
        return self.state is not None and meaning(self.name, self.state).itself == "pass"

    def is_due(self, now: float) -> bool:
        """Whether to ask it: what is not well is asked in every round, to see it back soon."""
        return not self.is_well or now >= self.checked + self.every_seconds - ROUND_SECONDS / 2

    def seen(self, now: float) -> str:
        """Its state, which is unknown where that is old."""
        is_fresh = now - self.checked < STALE_SECONDS + self.every_seconds
        return self.state if self.state is not None and is_fresh else "unknown"


class Probes:
    """What is known of the parts. Reading it asks nothing, and so neither fails nor hangs."""

    def __init__(self, clients: Clients) -> None:
        self.line = Line(clients.settings.database_url.get_secret_value())
        self.watch = Watch(clients.settings)
        self.breakers = breakers_of(clients)
        self._checks = checks_of(clients, self.line, self.watch)
        self.parts = {n: Part(n, check.every_seconds) for n, check in self._checks.items()}
        self.has_model = clients.model is not None
        self.is_draining = False
        self.has_started = False
        self.ticked = time.monotonic()
        self._level: str | None = None
        self._task: asyncio.Task[None] | None = None
        self._patience = {name: Patience() for name in self._checks}

    def states(self, now: float | None = None) -> Mapping[str, str]:
        """The state of every part; with a time what was found too long before it is unknown."""
        return {
            name: self.parts[name].seen(now)
            if now is not None
            else self.parts[name].state or "unknown"
            for name in CONTRACT
        }

    async def start(self) -> None:
        """Probe everything once, what hangs on others after them; then go on in the background."""
        await self._attempt()
        await self._attempt()
        self._task = asyncio.create_task(self._forever())

    async def stop(self) -> None:
        """Stop probing."""
        if self._task:
            self._task.cancel()
        for patience in self._patience.values():
            patience.stop()
        await self.line.aclose()
        await self.watch.aclose()
        if self._level:
            logging.set_level(None)

    async def _forever(self) -> None:
        while True:
            await asyncio.sleep(ROUND_SECONDS)
            await self._attempt()

    async def _attempt(self) -> None:
        try:
            await self._round()
        except Exception as error:  # noqa: BLE001 (what one round meets must not end the probing)
            log.warning("probes failed", **logging.origin(error))
        self.ticked = time.monotonic()

    async def _round(self) -> None:
        now = time.monotonic()
        due = [name for name, part in self.parts.items() if part.is_due(now)]
        await asyncio.gather(*(self._probe(name, self._checks[name]) for name in due))
        self.apply_level()
        self.has_started = self.has_started or all(
            self.parts[name].state == good for name, good in NEEDED.items()
        )

    async def _probe(self, name: str, check: Check) -> None:
        part, started = self.parts[name], time.monotonic()
        is_asked = check.needs is None or self.parts[check.needs].is_well
        task = await self._patience[name].ask(check.ask) if is_asked else None
        # This process itself may have been too busy: only a second silence counts.
        part.silent = 0 if task else part.silent + 1
        if part.silent == 1 and part.is_well:
            return
        state = check.lost() if task is None or task.exception() else task.result()
        now = time.monotonic()
        if state != part.state:
            part.since = now
        part.state, part.checked = state, now
        part.ms = round((now - started) * 1000, 1)
        if name in PARTS:
            metrics.PART_SECONDS.labels(name).observe(now - started)

    def tell(self) -> None:
        """Tell the metrics how the parts are now."""
        for name in PARTS:
            metrics.PART_UP.labels(name).set(self.parts[name].is_well)
        for name, breaker in self.breakers.items():
            metrics.BREAKER_STATE.labels(name).set(BREAKER_STATES[breaker.state])
        metrics.CANARY_INTERVAL.set(self.watch.every_seconds)
        row = self.watch.synthetic
        if row and row["worked_at_epoch"]:
            metrics.CANARY_WORKED_AT.set(row["worked_at_epoch"])

    def take_level(self, row: DictRow | None) -> None:
        """The log level was set or ended here: do not wait for the next look."""
        self.watch.take_level(row)
        self.apply_level()

    def apply_level(self) -> None:
        """Log at the level that is set for a while, or as without it once that is over."""
        row = self.watch.level
        is_on = row is not None and time.monotonic() < self.watch.level_ends
        level = row["level"] if row and is_on else None
        if level != self._level:
            self._level = level
            logging.set_level(level)
