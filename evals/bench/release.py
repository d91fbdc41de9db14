"""`make bench-release`: versions change behind the proxy while customers write; does one notice?

A real service, Postgres, Redis and production's nginx on one machine. First a good version takes
over; then one that is never ready, which nobody must meet; then one that answers with errors once
the proxy knows it, which must be taken back by itself. Needs nginx: sh deploy/validators.sh.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from evals.bench.release_load import MODEL, Asked, Load, under_load
from evals.bench.release_site import Site, standing_site
from evals.service import prepared_parts
from tools.embedded.process import wait_until

WATCH_SECONDS = 30.0


@dataclass(frozen=True)
class Played:
    """A release that is over: how, its log, and what customers asked meanwhile."""

    code: int
    log: str
    asked: Sequence[Asked]

    @property
    def failed(self) -> list[Asked]:
        """What came to anything but an answer."""
        return [each for each in self.asked if each.trouble]

    @property
    def bad_seconds(self) -> float:
        """From the first failure to the last."""
        if not self.failed:
            return 0.0
        return max(a.ended for a in self.failed) - min(a.began for a in self.failed)


def play(site: Site, load: Load, changes: Mapping[str, str], bars: Mapping[str, float]) -> Played:
    """Release a version with these settings."""
    site.prepare(site.idle, **changes)
    began = time.monotonic()
    released = site.release(**bars)
    time.sleep(1)  # what was under way is over
    return Played(released.code, released.log, load.between(began, time.monotonic()))


def main() -> int:
    """Release three times, and print what it cost; 1 where a customer noticed a good one."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--watch", type=float, default=WATCH_SECONDS, help="seconds")
    chosen = options.parse_args()
    bars = {"watch_seconds": chosen.watch}
    with tempfile.TemporaryDirectory(prefix="tria-release-") as name, prepared_parts() as parts:
        stand_in = parts.sandbox_url
        httpx.post(f"{stand_in}/control/model", json=MODEL).raise_for_status()
        model = {"OPENAI_API_KEY": "any-key", "OPENAI_BASE_URL": f"{stand_in}/openai/v1"}
        with standing_site(Path(name), parts.environment | model) as site:
            figures = _played(site, bars)
    print(json.dumps(figures))
    is_unnoticed = figures["failed"] == figures["broken"] == figures["unready_failed"] == 0
    ends = [figures[f"{name}_code"] for name in ("good", "unready", "bad")]
    return 0 if is_unnoticed and ends == [0, 1, 2] else 1


def _played(site: Site, bars: Mapping[str, float]) -> dict[str, Any]:
    with under_load(site) as load:
        began = time.monotonic()
        wait_until(lambda: len(load.asked) > 100, 120, "Nobody asks anything")
        before = load.between(began, time.monotonic())
        good = _told("a good version", play(site, load, {}, bars))
        hurried = {**bars, "ready_seconds": 30}
        never = play(site, load, {"TRIA_BAD": "unready"}, hurried)
        _told("one that is never ready", never)
        bad = _told(
            "one that fails behind the proxy", play(site, load, {"TRIA_BAD": "errors"}, bars)
        )
        time.sleep(2)
        after = load.between(time.monotonic() - 1, time.monotonic())
    streams = [each for each in good.asked if each.is_stream]
    return {
        "good_code": good.code,
        "requests": len(good.asked),
        "failed": len(good.failed),
        "streams": len(streams),
        "broken": sum(bool(each.trouble) for each in streams),
        "first_event_ratio": round(_first(good.asked) / _first(before), 2),
        "unready_code": never.code,
        "unready_failed": len(never.failed),
        "bad_code": bad.code,
        "bad_requests": len(bad.asked),
        "bad_failed": len(bad.failed),
        "bad_seconds": round(bad.bad_seconds, 1),
        "failing_after": sum(bool(each.trouble) for each in after),
    }


def _told(what: str, played: Played) -> Played:
    print(f"--- {what}\n{played.log}", end="")
    for each in played.failed[:5]:
        print(f"    {'stream' if each.is_stream else 'request'}: {each.trouble}")
    print(f"    {len(played.failed)} of {len(played.asked)} requests failed", flush=True)
    return played


def _first(asked: Sequence[Asked]) -> float:
    """Seconds to the first event, in the median."""
    return statistics.median(a.first_event for a in asked if a.is_stream and not a.trouble)


if __name__ == "__main__":
    sys.exit(main())
