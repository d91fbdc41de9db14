"""`make bench-turns`: what a turn costs, with a model and without, in the service and behind it.

A real service answers conversations of an ordinary day, ten at once. With `--against COMMIT` that
version is measured beside this one, round by round in turns, so that the machine's load is not one
side's alone; what the table gives then is this one's share of the other's costs. The stand-in for
the model takes no time: what is measured is us. `--statements` shows what Postgres worked on.
"""

import argparse
import asyncio
import json
import math
import os
import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from scipy import stats

from evals.bench.turn.served import STAND_IN, Side, Spent, running_side
from evals.bench.turn.talks import Talks
from evals.lanes.tree import Wanted, served_tree

AT_ONCE = 10
TURNS = 90  # of a round: each line of the script as often as the others
ROUNDS = 6
IDLE_SECONDS = 5.0
MODES: dict[str, dict[str, str]] = {"offline": {}, "model": STAND_IN}
SURE = 0.95
STATEMENTS = 25


def main() -> None:
    """Measure and print the figures; the last line is one JSON object."""
    options = _options()
    figures: dict[str, Any] = {"load_before": round(os.getloadavg()[0], 1)}
    for mode in options.modes:
        with ExitStack() as stack:
            wanted = {"here": None} | ({"there": options.against} if options.against else {})
            trees = {k: stack.enter_context(served_tree(Wanted(v))) for k, v in wanted.items()}
            sides = [
                stack.enter_context(running_side(name, tree, MODES[mode]))
                for name, tree in trees.items()
            ]
            figures[mode] = asyncio.run(_measured(sides, options.rounds))
            if options.statements:
                _show_statements(sides[0])
        print(f"{mode}: {json.dumps(figures[mode])}", flush=True)
    print(json.dumps(figures))


async def _measured(sides: Sequence[Side], rounds: int) -> dict[str, Any]:
    talks = {side.name: Talks(side.service, AT_ONCE) for side in sides}
    costs: dict[str, list[Spent]] = {side.name: [] for side in sides}
    for side in sides:
        await talks[side.name].say(TURNS)  # warm up
    idle = await _idle(sides[0])
    for number in range(rounds):
        for side in sides[:: 1 if number % 2 else -1]:
            costs[side.name].append(await a_round(side, talks[side.name]))
            print(f"{side.name}: {json.dumps(medians(costs[side.name][-1:]))}", flush=True)
    here = costs["here"]
    found: dict[str, Any] = {"idle_per_s": idle, "a_turn": medians(here)}
    if "there" in costs:
        found |= {"there": medians(costs["there"]), "ratios": ratios(here, costs["there"])}
    return found


async def a_round(side: Side, talks: Talks) -> Spent:
    """What one turn took, on average."""
    before, began = side.spent(), time.perf_counter()
    seconds = await talks.say(TURNS)
    passed = time.perf_counter() - began
    after = side.spent()
    spent = {name: (after[name] - before[name]) / TURNS for name in after}
    return spent | {"ms_p50": 1000 * statistics.median(seconds), "turns_per_s": TURNS / passed}


async def _idle(side: Side) -> Spent:
    """What is spent in a second in which nobody says anything."""
    before = side.spent()
    await asyncio.sleep(IDLE_SECONDS)
    after = side.spent()
    return {name: round((after[name] - before[name]) / IDLE_SECONDS, 1) for name in after}


def medians(rounds: Sequence[Spent]) -> Spent:
    """The middle of the rounds, cost by cost."""
    return {name: round(statistics.median(r[name] for r in rounds), 2) for name in rounds[0]}


def ratios(here: Sequence[Spent], there: Sequence[Spent]) -> dict[str, list[float]]:
    """Here to there, round by round: the mean ratio and its 95 % interval."""
    return {
        name: ratio([a[name] for a in here], [b[name] for b in there])
        for name in here[0]
        if all(r[name] > 0 for r in (*here, *there))
    }


def ratio(here: Sequence[float], there: Sequence[float]) -> list[float]:
    """The geometric mean of paired ratios, and where it lies with 95 % certainty."""
    logs = [math.log(a / b) for a, b in zip(here, there, strict=True)]
    mean = statistics.mean(logs)
    if len(logs) < 2:
        return [round(math.exp(mean), 3)]
    spread = stats.sem(logs) * stats.t.ppf((1 + SURE) / 2, len(logs) - 1)
    return [round(math.exp(each), 3) for each in (mean, mean - spread, mean + spread)]


def _show_statements(side: Side) -> None:
    for text, calls, ms in side.statements(STATEMENTS):
        print(f"{ms:9.1f} ms {calls:7} x {text[:150]}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What a turn costs.")
    parser.add_argument("--against", metavar="COMMIT", help="measure that version beside this one")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--modes", nargs="+", choices=MODES, default=[*MODES])
    parser.add_argument("--statements", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
