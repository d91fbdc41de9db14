"""`make bench-drills`: break seven things for real, see each alert, do what the runbook says.

A service with every part and everything of `make monitor` run on this machine while customers
write. The rules are those that are committed, with their windows and patience shortened to
seconds, so that a drill takes less than a minute; what is timed is therefore the alert's way
through the service, the scrape and the rule, not the patience that it has in production.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import httpx

from evals.bench.drill.breaking import DRILLS, Drill
from evals.bench.drill.stand import Stand, standing

PATIENCE_SECONDS = 90.0
QUIET_SECONDS = 120.0  # the windows must have forgotten the drill before


@dataclass(frozen=True)
class Held:
    """How one drill went, in seconds; None: that never came.

    `restored_s` and `ended_s` count from the last step: until a customer is told what it owes
    again, and until the alert is silent after that.
    """

    drill: Drill
    fired_s: float | None
    steps_s: float
    restored_s: float | None
    ended_s: float | None

    @property
    def is_good(self) -> bool:
        """Whether the alert came, customers were answered after the steps, and the alert went."""
        return None not in (self.fired_s, self.restored_s, self.ended_s)


def hold(stand: Stand, drill: Drill) -> Held:
    """Break it, wait for the alert, do the steps, wait for answers and for the alert's end."""
    since(lambda: not stand.is_firing(drill.alert), QUIET_SECONDS)
    undo = drill.inject(stand)
    fired = since(lambda: stand.is_firing(drill.alert), PATIENCE_SECONDS)
    began = time.monotonic()
    undo()
    steps = round(time.monotonic() - began, 1)
    restored = since(stand.answers, PATIENCE_SECONDS)
    ended = since(lambda: not stand.is_firing(drill.alert), QUIET_SECONDS)
    print(f"{drill.section}: {'fired' if fired else 'silent'}", file=sys.stderr)
    return Held(drill, fired, steps, restored, ended)


def since(is_so: Callable[[], bool], patience: float) -> float | None:
    """Seconds until it is so; None when it does not become so."""
    began = time.monotonic()
    while time.monotonic() < began + patience:
        with suppress(httpx.HTTPError):
            if is_so():
                return round(time.monotonic() - began, 1)
        time.sleep(0.2)
    return None


def main(arguments: Sequence[str] | None = None) -> int:
    """Every drill, or those that are named; the exit code says whether all went well."""
    parser = argparse.ArgumentParser(description=__doc__)
    sections = [drill.section for drill in DRILLS]
    parser.add_argument("--only", action="append", choices=sections, default=[])
    asked = parser.parse_args(arguments)
    with standing() as stand:
        since(stand.answers, PATIENCE_SECONDS)
        held = [hold(stand, d) for d in DRILLS if not asked.only or d.section in asked.only]
    for each in held:
        told = {name: value for name, value in vars(each).items() if name != "drill"}
        what = {name: value for name, value in vars(each.drill).items() if name != "inject"}
        print(json.dumps(what | told))
    good = sum(each.is_good for each in held)
    print(json.dumps({"drills": len(held), "good": good}))
    return 0 if good == len(held) else 1


if __name__ == "__main__":
    sys.exit(main())
