"""`make bench-serving`: what serving adds to a turn, for our service and for a bare baseline.

Same client, same graph, same parts and the same run, by turns: at 1, 10, 50 and 200 conversations
at once with a model that writes for 400 ms, and at 1, 10 and 50 with one that takes no time. Of
two rounds the quieter one counts. `--quick` has one short round.
"""

import argparse
import json
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from evals.bench.serve.graph import TOKENS
from evals.service import prepared_parts
from tools.embedded.process import free_port, last_lines, spawn, stop

PACE_MS = 10
MODEL_MS = PACE_MS * len(TOKENS)
# Seconds at so many conversations at once; the bare baseline takes some for a turn at 200.
PACED = {1: 6.0, 10: 6.0, 50: 8.0, 200: 14.0}
SATURATED = {1: 4.0, 10: 4.0, 50: 6.0}
QUICK = 0.5  # of the time, and one round
CUSTOMER = "forno-rosso"
START_SECONDS = 60
Json = dict[str, Any]


@dataclass(frozen=True)
class Served:
    """A server under load."""

    name: str
    url: str
    pid: int
    headers: Mapping[str, str]

    def load(self, conversations: int, pace_ms: int, seconds: float) -> Json:
        """Put it under load from a process of its own."""
        job = {
            "url": self.url,
            "pid": self.pid,
            "headers": dict(self.headers),
            "conversations": conversations,
            "pace_ms": pace_ms,
            "seconds": seconds,
        }
        client = [sys.executable, "-m", "evals.bench.serve.load"]
        done = subprocess.run(
            client, input=json.dumps(job), stdout=subprocess.PIPE, text=True, check=False
        )
        if done.returncode:
            sys.exit(f"{self.name} did not answer as it should.")
        seen: Json = json.loads(done.stdout)
        return seen


def main() -> None:
    """Measure both and print the figures; the last line is one JSON object."""
    options = _options()
    rounds, share = (1, QUICK) if options.quick else (2, 1.0)
    with _servers() as servers:
        for served in servers:
            served.load(10, 0, 2)  # warm up
        paced = {
            level: _compared(servers, level, PACE_MS, seconds * share, rounds)
            for level, seconds in PACED.items()
        }
        saturated = {
            level: _compared(servers, level, 0, seconds * share, rounds)
            for level, seconds in SATURATED.items()
        }
    print(json.dumps({"conversations": paced, "saturation": saturated}))


def _compared(
    servers: Sequence[Served], level: int, pace_ms: int, seconds: float, rounds: int
) -> Json:
    """Both servers by turns at one level."""
    seen: dict[str, list[Json]] = {served.name: [] for served in servers}
    for _ in range(rounds):
        for served in servers:
            seen[served.name].append(_figures(served.load(level, pace_ms, seconds), pace_ms))
    quieter = {
        name: min(figures, key=lambda f: f["overhead_ms_p50"]) for name, figures in seen.items()
    }
    bare, ours = quieter["bare"], quieter["ours"]
    ratios = {key: round(ours[key] / bare[key], 2) for key in ours if bare[key]}
    for name, figures in quieter.items():
        print(
            f"{level:4} at once, {pace_ms:2} ms a token, {name}: {json.dumps(figures)}", flush=True
        )
    return {"ours": ours, "bare": bare, "ratios": ratios}


def _figures(seen: Json, pace_ms: int) -> Json:
    model = MODEL_MS if pace_ms else 0
    over = [seconds * 1000 - model for seconds in seen["seconds"]]
    return {
        "overhead_ms_p50": round(statistics.median(over), 1),
        "overhead_ms_p95": round(_p95(over), 1),
        "ttft_ms_p50": round(statistics.median(seen["first"]) * 1000, 1),
        "turns_per_s": round(seen["turns_per_s"], 1),
        "cpu_s_per_turn": round(seen["cpu_s"] / seen["turns"], 4),
        "memory_mib": round(seen["memory_mib"]),
    }


def _p95(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=20, method="inclusive")[-1]


@contextmanager
def _servers() -> Iterator[Sequence[Served]]:
    """The baseline and our service on one Postgres and one Valkey."""
    with prepared_parts() as service:
        folder = Path(service.environment["TRIA_DATA"])
        port = str(free_port())
        bare = [sys.executable, "-m", "evals.bench.serve.bare", port]
        bare.append(service.environment["DATABASE_URL"])
        ours = [sys.executable, "-m", "evals.bench.serve.ours"]
        environment = service.environment
        with (
            _running(bare, f"http://127.0.0.1:{port}", folder / "bare.log", environment) as first,
            _running(ours, service.url, folder / "ours.log", environment) as second,
        ):
            yield (
                Served("bare", f"http://127.0.0.1:{port}", first, {}),
                Served("ours", service.url, second, service.sign_in(CUSTOMER)),
            )


@contextmanager
def _running(
    command: Sequence[str], url: str, log: Path, environment: Mapping[str, str]
) -> Iterator[int]:
    """A server from its readiness on, as its process id."""
    process = spawn(command, log, signal.SIGTERM, environment)
    end = time.monotonic() + START_SECONDS
    try:
        while not _is_ready(url):
            if process.poll() is not None or time.monotonic() > end:
                sys.exit(f"{command[-1]} did not start:\n{last_lines(log, 12)}")
            time.sleep(0.05)
        yield process.pid
    finally:
        stop(process, signal.SIGTERM)


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health/ready", timeout=2).is_success
    except httpx.HTTPError:
        return False


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What serving adds to a turn.")
    parser.add_argument("--quick", action="store_true", help="one short round")
    return parser.parse_args()


if __name__ == "__main__":
    main()
