"""`make bench-faults`: strike replicas, Postgres, Redis and connections while customers talk.

Three replicas behind the proxy answer conversations of the protocol's own client. Faults follow
each other as a seed has it, each must have fired, and afterwards what the clients saw is held
against what is stored. With `--faults 20 --conversations 4` a quick one.
"""

import argparse
import asyncio
import json
import random
import shutil
import sys
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evals.bench.fault.cluster import Cluster, standing_cluster
from evals.bench.fault.judge import Verdict, judge, quantile, quiet, takeovers
from evals.bench.fault.load import Conversation
from evals.bench.fault.strikes import SHARES, Strikes, plan

SEED = 20261128
PAUSE_SECONDS = (0.2, 1.2)
READY_SECONDS = 90.0


@dataclass(frozen=True)
class Outcome:
    """A campaign that is over."""

    strikes: Strikes
    verdict: Verdict
    takeover_s: list[float]
    is_quiet: bool

    @property
    def is_whole(self) -> bool:
        """Whether every promise was kept and every fault fired."""
        verdict, strikes = self.verdict, self.strikes
        broken = [*verdict.lost, *verdict.doubled, *verdict.gaps]
        return self.is_quiet and not (broken or strikes.unfired or strikes.overdue)


async def campaign(
    cluster: Cluster, kinds: Sequence[str], conversations: int, minutes: float, seed: int
) -> Outcome:
    """Talk and strike until the faults, or the minutes, are used up; then judge."""
    await ready(cluster)
    chance, enough = random.Random(seed), asyncio.Event()
    talks = [Conversation(cluster, n, seed) for n in range(conversations)]
    strikes = Strikes(cluster, chance)
    talking = [asyncio.create_task(talk.go_on(enough)) for talk in talks]
    end = time.monotonic() + minutes * 60
    for number, kind in enumerate(kinds, 1):
        if time.monotonic() > end:
            break
        await asyncio.sleep(chance.uniform(*PAUSE_SECONDS))
        await strikes.strike(kind)
        _tell(number, kinds, strikes, talks)
    await strikes.healed()
    enough.set()
    await asyncio.gather(*talking)
    is_quiet = await quiet(cluster)
    verdict = await judge(cluster, talks)
    strikes.close()
    turns = {turn.run_id: turn for talk in talks for turn in talk.turns}
    return Outcome(strikes, verdict, takeovers(strikes.blows, turns), is_quiet)


async def ready(cluster: Cluster) -> None:
    """Wait until every replica takes messages."""
    end = time.monotonic() + READY_SECONDS
    for replica in cluster.replicas:
        while not await asyncio.to_thread(cluster.is_ready, replica):
            if time.monotonic() > end:
                sys.exit(f"replica {replica.number} was not ready, see {cluster.folder}")
            await asyncio.sleep(0.05)


def _tell(
    number: int, kinds: Sequence[str], strikes: Strikes, talks: Sequence[Conversation]
) -> None:
    if number % 25 == 0 or number == len(kinds):
        asked = sum(len(talk.turns) for talk in talks)
        print(f"{number} faults, {asked} messages, {dict(strikes.fired)}", flush=True)


def report(outcome: Outcome) -> None:
    """What happened, the last line for machines."""
    strikes, verdict = outcome.strikes, outcome.verdict
    for kind in SHARES:
        print(f"  {kind:<18} {strikes.fired[kind]}")
    for name in ("lost", "doubled", "gaps"):
        for line in getattr(verdict, name)[:20]:
            print(f"  {name}: {line}")
    for line in [*(f"did not fire: {kind}" for kind in strikes.unfired), *strikes.overdue]:
        print(f"  {line}")
    if not outcome.is_quiet:
        print("  runs were still waiting at the end")
    figures = {
        "faults": strikes.fired.total(),
        "acknowledged": verdict.acknowledged,
        **{name: len(getattr(verdict, name)) for name in ("lost", "doubled", "gaps")},
        "takeover_s_p50": quantile(outcome.takeover_s, 0.5),
        "takeover_s_p99": quantile(outcome.takeover_s, 0.99),
    }
    print(json.dumps(figures))


def keep_logs(cluster: Cluster, folder: Path) -> None:
    """Leave the logs where they stay."""
    folder.mkdir(parents=True, exist_ok=True)
    for log in [*cluster.folder.glob("*.log"), *cluster.folder.glob("*/*.log")]:
        shutil.copy(log, folder / log.name)


def main() -> int:
    """Run the campaign; 1 when a promise was broken or a fault did not fire."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--faults", type=int, default=1000)
    options.add_argument("--minutes", type=float, default=60)
    options.add_argument("--conversations", type=int, default=12)
    options.add_argument("--kinds", default="", help="only these, with commas")
    options.add_argument("--seed", type=int, default=SEED)
    options.add_argument("--logs", type=Path, help="where to leave the services' logs")
    chosen = options.parse_args()
    warnings.filterwarnings("ignore", "Reconnecting without a Last-Event-ID")
    print(f"seed {chosen.seed}", flush=True)
    kinds = plan(chosen.faults, random.Random(chosen.seed))
    if chosen.kinds:
        few = chosen.kinds.split(",")
        kinds = [few[n % len(few)] for n in range(chosen.faults)]
    with standing_cluster() as cluster:
        outcome = asyncio.run(
            campaign(cluster, kinds, chosen.conversations, chosen.minutes, chosen.seed)
        )
        report(outcome)
        if chosen.logs:
            keep_logs(cluster, chosen.logs)
    return 0 if outcome.is_whole else 1


if __name__ == "__main__":
    sys.exit(main())
