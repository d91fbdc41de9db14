"""`make bench-memory`: how much the service's memory grows with the turns that it has answered.

After a warm-up that fills every cache and the allocator's own stores the memory is read every so
many turns. The slope is Theil and Sen's, with its 95 % interval: one reading does not move it.
"""

import argparse
import asyncio
import json
import time
from typing import Any

from scipy import stats

from evals.bench.turn.served import STAND_IN, Side, memory_kib, running_side
from evals.bench.turn.talks import Talks
from evals.lanes.tree import ROOT, Tree

AT_ONCE = 10
WARM_UP, TURNS, EVERY = 900, 3_600, 90
MOST_SECONDS = 1_800.0


def main() -> None:
    """Talk, read, and print the figures; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description="How memory grows with turns.")
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--warm-up", type=int, default=WARM_UP)
    parser.add_argument("--model", action="store_true", help="with the stand-in for the model")
    options = parser.parse_args()
    with running_side("here", Tree(ROOT), STAND_IN if options.model else {}) as side:
        figures = asyncio.run(_grown(side, options.warm_up, options.turns))
    print(json.dumps(figures))


async def _grown(side: Side, warm_up: int, turns: int) -> dict[str, Any]:
    talks, end = Talks(side.service, AT_ONCE), time.monotonic() + MOST_SECONDS
    await talks.say(warm_up)
    seen, kib = [0], [memory_kib(side.pid)]
    while seen[-1] < turns and time.monotonic() < end:
        await talks.say(EVERY)
        seen.append(seen[-1] + EVERY)
        kib.append(memory_kib(side.pid))
        print(f"{seen[-1]} turns: {kib[-1]} KiB", flush=True)
    return {
        "turns": seen[-1],
        "mib_before": round(kib[0] / 1024, 1),
        "mib_after": round(kib[-1] / 1024, 1),
        "kib_per_1000_turns": slope([each / 1000 for each in seen], kib),
    }


def slope(x: list[float], y: list[int]) -> list[float]:
    """How much `y` rises for one of `x`, and where that lies with 95 % certainty."""
    found = stats.theilslopes(y, x)
    return [round(float(each), 1) for each in (found.slope, found.low_slope, found.high_slope)]


if __name__ == "__main__":
    main()
