"""`make bench-telemetry`: what metrics cost a turn, and a look at them.

The same turns are played in one process with metrics and with silent ones in their place, in
turns, so that the machine's load is not one side's alone. Where the difference is lost in the
noise, what a turn notes times what one note costs is what to go by.
"""

import argparse
import asyncio
import json
import logging
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import structlog
from prometheus_client import Counter, Gauge, Histogram, generate_latest

from evals.service import prepared_parts
from graph.clients import Clients, open_clients
from graph.sampling import sampling
from graph.settings import Settings
from graph.studio import demo_caller
from monitoring import genai, metrics
from monitoring.lag import measuring_lag
from tools.intake import NewRun
from tools.sandbox.company import demo_customers

QUESTIONS = ("what do I owe?", "which days do you deliver?", "how much is the 12 inch pizza box?")
ROUNDS, TURNS = 12, 9
NOTES = 20_000
MODULES = (metrics, genai)
Metric = Counter | Gauge | Histogram


@dataclass
class Silent:
    """Stands where a metric stood, and only counts how often it is told something."""

    notes: list[int]

    def labels(self, *_: object) -> "Silent":
        return self

    def inc(self, _: float = 1) -> None:
        self.notes[0] += 1

    set = observe = inc

    @contextmanager
    def track_inprogress(self) -> Iterator[None]:
        self.notes[0] += 2
        yield


@dataclass
class Side:
    """What turns cost with metrics, or without."""

    cpu_ms: list[float] = field(default_factory=list)
    ms: list[float] = field(default_factory=list)


def main() -> None:
    """Play, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with prepared_parts() as parts:
        stand_in = parts.sandbox_url
        model = {"OPENAI_API_KEY": "any-key", "OPENAI_BASE_URL": f"{stand_in}/openai/v1"}
        values = {k.lower(): v for k, v in (parts.environment | model).items() if v}
        asyncio.run(_measured(Settings.model_validate(values), options.rounds))


async def _measured(settings: Settings, rounds: int) -> None:
    sides: dict[str, Side] = {"with": Side(), "without": Side()}
    notes = [0]
    async with open_clients(settings) as clients, sampling(clients), measuring_lag():
        await _turns(clients, Side())  # warm up
        for number in range(rounds):
            for name in ("with", "without")[:: 1 if number % 2 else -1]:
                with _silenced(notes) if name == "without" else _as_it_is():
                    await _turns(clients, sides[name])
        scrape_ms, series = _scrape()
    turns = rounds * TURNS
    cpu = {name: statistics.median(side.cpu_ms) for name, side in sides.items()}
    pairs = zip(sides["with"].cpu_ms, sides["without"].cpu_ms, strict=True)
    measured = statistics.median(with_ / without - 1 for with_, without in pairs)
    by_notes = notes[0] / turns * _note_ms() / cpu["without"]
    figures = {
        "cpu_ms_with": round(cpu["with"], 2),
        "cpu_ms_without": round(cpu["without"], 2),
        "ms_with": round(statistics.median(sides["with"].ms), 1),
        "ms_without": round(statistics.median(sides["without"].ms), 1),
        "overhead_percent": round(100 * measured, 2),
        "notes_per_turn": round(notes[0] / turns),
        "overhead_percent_by_notes": round(100 * by_notes, 2),
        "scrape_ms": round(scrape_ms, 1),
        "series": series,
    }
    print(f"{turns} turns a side; aim: under 3 %")
    print(json.dumps(figures))


async def _turns(clients: Clients, side: Side) -> None:
    """A few conversations of all questions; the costs of one turn are added."""
    cpu, wall = time.process_time(), time.perf_counter()
    for number in range(TURNS):
        await _turn(clients, QUESTIONS[number % len(QUESTIONS)])
    side.cpu_ms.append((time.process_time() - cpu) * 1000 / TURNS)
    side.ms.append((time.perf_counter() - wall) * 1000 / TURNS)


async def _turn(clients: Clients, text: str) -> None:
    caller, thread_id = demo_caller(demo_customers()[0]), uuid4()
    await clients.conversations.create(thread_id, caller.customer_id, {})
    run = await clients.runs.create(
        NewRun(
            run_id=uuid4(),
            thread_id=thread_id,
            customer_id=caller.customer_id,
            message_id=str(uuid4()),
            content=text,
            extra={},
            strategy="enqueue",
            request={"stream_mode": ["messages-tuple"]},
            scope=caller.scope,
            metadata={},
            starts=True,
        )
    )
    clients.executor.work_on(run)
    await clients.executor._held[run["run_id"]].task


@contextmanager
def _as_it_is() -> Iterator[None]:
    yield


@contextmanager
def _silenced(notes: list[int]) -> Iterator[None]:
    kept: list[tuple[Any, str, Metric]] = [
        (module, name, value)
        for module in MODULES
        for name, value in vars(module).items()
        if isinstance(value, Metric)
    ]
    for module, name, _ in kept:
        setattr(module, name, Silent(notes))
    try:
        yield
    finally:
        for module, name, value in kept:
            setattr(module, name, value)


def _note_ms() -> float:
    """What one note costs, at the price of the dearest kind: a histogram with labels."""
    started = time.process_time()
    for _ in range(NOTES):
        metrics.NODE_SECONDS.labels("screen_message").observe(0.3)
    return (time.process_time() - started) * 1000 / NOTES


def _scrape() -> tuple[float, int]:
    """How long a look takes, and how much there is to be seen."""
    started = time.perf_counter()
    text = generate_latest().decode()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return (time.perf_counter() - started) * 1000, len(lines)


if __name__ == "__main__":
    main()
