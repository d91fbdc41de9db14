"""`make bench-telemetry`: what metrics and traces cost a turn, and a look at the metrics.

The same turns are played in one process with both, without traces, and with silent metrics in the
place of the others, in turns, so that the machine's load is not one side's alone. Traces are kept
with the runs and go to a collector in a process of its own. Where the difference is lost in the
noise, what a turn notes times what one note costs is what to go by.
"""

import argparse
import asyncio
import json
import logging
import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from multiprocessing import get_context
from typing import Any
from uuid import uuid4

import structlog
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from prometheus_client import Counter, Gauge, Histogram, generate_latest
from scipy import stats
from typing_extensions import override

from evals.service import prepared_parts
from graph import execution
from graph.clients import Clients, open_clients
from graph.sampling import sampling
from graph.settings import Settings
from graph.studio import demo_caller
from graph.tracing import note_call, tool_span, tracing
from monitoring import genai, metrics
from monitoring.lag import measuring_lag
from monitoring.otlp import Exporter
from monitoring.spans import Trace
from tools.database import fetch_all, make_pool
from tools.embedded.process import free_port
from tools.intake import NewRun
from tools.sandbox.company import demo_customers

QUESTIONS = ("what do I owe?", "which days do you deliver?", "how much is the 12 inch pizza box?")
ROUNDS, TURNS = 12, 9
SIDES = ("with", "untraced", "without")
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
    with prepared_parts() as parts, _collector() as collector:
        stand_in = parts.sandbox_url
        own = {
            "OPENAI_API_KEY": "any-key",
            "OPENAI_BASE_URL": f"{stand_in}/openai/v1",
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector,
        }
        values = {k.lower(): v for k, v in (parts.environment | own).items() if v}
        asyncio.run(_measured(Settings.model_validate(values), options.rounds))


async def _measured(settings: Settings, rounds: int) -> None:
    sides = {name: Side() for name in SIDES}
    notes = [0]
    played_as: dict[str, Callable[[], AbstractContextManager[None]]] = {
        "with": nullcontext,
        "untraced": _untraced,
        "without": lambda: _silenced(notes),
    }
    async with open_clients(settings) as clients, sampling(clients), measuring_lag():
        await _turns(clients, Side())  # warm up
        for number in range(rounds):
            for name in SIDES[:: 1 if number % 2 else -1]:
                with played_as[name]():
                    await _turns(clients, sides[name])
        scrape_ms, series = _scrape()
    turns = rounds * TURNS
    cpu = {name: statistics.median(side.cpu_ms) for name, side in sides.items()}
    span_ms, spans = _span_ms(), statistics.mean(await _spans_of(settings))
    by_notes = notes[0] / turns * _note_ms() / cpu["without"]
    figures = {
        "cpu_ms_with": round(cpu["with"], 2),
        "cpu_ms_without": round(cpu["without"], 2),
        "ms_with": round(statistics.median(sides["with"].ms), 1),
        "ms_without": round(statistics.median(sides["without"].ms), 1),
        "overhead_percent": _more(sides["with"], sides["without"]),
        "overhead_percent_of_metrics": _more(sides["untraced"], sides["without"]),
        "overhead_percent_of_traces": _more(sides["with"], sides["untraced"]),
        "spans_per_turn": round(spans, 1),
        "span_us": round(1000 * span_ms, 1),
        "overhead_percent_by_spans": round(100 * spans * span_ms / cpu["without"], 2),
        "notes_per_turn": round(notes[0] / turns),
        "overhead_percent_by_notes": round(100 * by_notes, 2),
        "load": [round(at_once, 1) for at_once in os.getloadavg()],
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
def _untraced() -> Iterator[None]:
    """Turns of which no trace is made; tools are wrapped as ever."""

    @contextmanager
    def nothing(*_: object) -> Iterator[None]:
        yield

    vars(execution)["tracing"] = nothing
    try:
        yield
    finally:
        vars(execution)["tracing"] = tracing


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
        with _untraced():
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


async def _spans_of(settings: Settings) -> list[int]:
    """How many spans the traces of the last turns have."""
    async with make_pool(settings.database_url.get_secret_value()) as pool:
        rows = await fetch_all(
            pool,
            "select jsonb_array_length(trace->0->'spans') as spans from runs"
            " where trace is not null order by created_at desc limit 100",
        )
    return [row["spans"] for row in rows]


def _span_ms() -> float:
    """What a span costs on its way into the row and to a collector: noted, made JSON, encoded."""
    exporter = Exporter("http://127.0.0.1:9", {}, 0, "bench")  # sends nothing
    run: Mapping[str, Any] = {
        "run_id": uuid4(),
        "thread_id": uuid4(),
        "request": {},
        "metadata": {},
        "resume": None,
        "attempts": 1,
        "turn": 1,
    }
    count = 0

    def told(trace: Trace) -> None:
        nonlocal count
        json.dumps(trace.as_json())
        encode_spans([*exporter._readable(trace)]).SerializeToString()
        count += len(trace.spans)

    started = time.process_time()
    for _ in range(NOTES // 40):
        with tracing(run, told):
            for _ in range(20):
                with tool_span("accounts.invoices"):
                    note_call("GET /Invoices", 0.01, "", {"http.response.status_code": 200})
    return (time.process_time() - started) * 1000 / count


def _more(one: Side, other: Side) -> dict[str, float]:
    """By how many percent one side's turns cost more than the other's: median, 95 % interval."""
    pairs = zip(one.cpu_ms, other.cpu_ms, strict=True)
    more = sorted(round(100 * (a / b - 1), 2) for a, b in pairs)
    low, high = stats.binom.interval(0.95, len(more), 0.5)
    ends = {"low": more[int(low)], "high": more[min(int(high), len(more) - 1)]}
    return {"median": round(statistics.median(more), 2)} | ends


class _Taking(BaseHTTPRequestHandler):
    """Takes whatever comes."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    @override
    def log_message(self, format: str, *args: object) -> None:
        pass


def _collect(port: int) -> None:
    HTTPServer(("127.0.0.1", port), _Taking).serve_forever()


@contextmanager
def _collector() -> Iterator[str]:
    """A collector in a process of its own, so that its work is not counted as ours."""
    port = free_port()
    process = get_context("spawn").Process(target=_collect, args=(port,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()


def _scrape() -> tuple[float, int]:
    """How long a look takes, and how much there is to be seen."""
    started = time.perf_counter()
    text = generate_latest().decode()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return (time.perf_counter() - started) * 1000, len(lines)


if __name__ == "__main__":
    main()
