"""`make bench-chaos`: kill at every step of an order, then strike everything around the service.

First a whole order is struck at each of its steps (`--every 1`), then, for `--minutes`, replicas,
Postgres, Redis, Chroma, the model, Xero, connections and processors are struck one or two at a
time as `--seed` has it, while customers ask and order. Each fault must have fired. At the end what
clients saw, what is stored and what stands in the books are held against each other.
"""

import argparse
import asyncio
import json
import random
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from evals.bench.crash.cases import Desk
from evals.bench.crash.forked import How, replicas_of
from evals.bench.crash.sweep import STAGES, Sweep
from evals.bench.fault.cluster import Cluster, standing_cluster
from evals.bench.fault.invariants import broken, settled
from evals.bench.fault.judge import Verdict, judge, quiet
from evals.bench.fault.load import Conversation
from evals.bench.fault.shocks import Shocks
from evals.bench.fault.strikes import Strikes
from evals.bench.faults import keep_logs, ready
from evals.service import Service, prepared_parts
from graph.clients import open_clients
from graph.settings import Settings

SEED = 20261128
# Replicas that die and start all the time share no folder of Chroma; an order needs no policy.
NO_CHROMA = "http://127.0.0.1:9"
# Which row of the plan each kind of fault is; what stands before the first underscore is struck.
ROWS = {
    "kill": "T01",
    "clients_cut": "T02",
    "postgres_restart": "T04",
    "postgres_crash": "T04",
    "postgres_cut": "T04",
    "postgres_pause": "T05",
    "postgres_crowded": "T06",
    "postgres_deadlock": "T08",
    "postgres_mute": "T09",
    "redis_restart": "T10",
    "redis_cut": "T10",
    "redis_slow": "T10",
    "redis_hold": "T10",
    "redis_refuse": "T10",
    "redis_flush": "T11",
    "redis_full": "T12",
    "chroma_refuse": "T13",
    "chroma_hold": "T13",
    "model_fails": "T17",
    "xero_fails": "T20",
    "xero_loses": "T21",
    "deaf_readers": "T23",
    "slow_headers": "T25",
    "odd_bodies": "T27",
    "drain": "T29",
    "stop": "T33",
    "stop_long": "T33",
    "cpu_busy": "T37",
}
IN_PAIRS = 0.4  # of the strikes, another part is struck at the same time
PAUSE_SECONDS = (0.5, 1.5)
ORDERING = 3  # of so many conversations one orders


@dataclass
class Findings:
    """What the campaign has seen; each line of `broken` begins with an invariant."""

    faults: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    kill_points: int = 0
    orders: int = 0
    failed: int = 0
    acknowledged: int = 0
    pairs: int = 0

    @property
    def rows(self) -> set[str]:
        """The rows of the plan that were seen to fire."""
        return {ROWS[kind] for kind in self.faults} | ({"T38"} if self.pairs else set())


async def sweep(service: Service, findings: Findings, every: int, seed: int) -> None:
    """Strike an order at its steps: by a kill at each, by cut connections at some."""
    values = {name.lower(): value for name, value in service.environment.items()}
    async with open_clients(Settings.model_validate(values)) as clients:
        await clients.executor.stop()
        await clients.sweeper.stop()
        with replicas_of(service) as replicas:
            sweeping = Sweep(Desk.of(clients, service), replicas, seed)
            hows: tuple[tuple[How, int], ...] = (("kill", every), ("cut", every * 4))
            for stage in STAGES:
                for how, each in hows:
                    await sweeping.run(stage, how, 1 + seed % each, each)
    findings.broken += sweeping.broken
    findings.broken += [f"I0 never reached: {step}" for step in sorted(sweeping.missed())]
    findings.kill_points, findings.orders = sweeping.lives.kills, sweeping.orders
    findings.failed = sweeping.failed


async def campaign(
    cluster: Cluster, rounds: Iterable[Sequence[str]], conversations: int, seed: int
) -> Findings:
    """Strike as the rounds say while customers talk; then judge."""
    await ready(cluster)
    chance, enough = random.Random(seed), asyncio.Event()
    talks = [
        Conversation(cluster, n, seed, is_ordering=n % ORDERING == 0) for n in range(conversations)
    ]
    shocks = Shocks(cluster, chance)
    strikes = Strikes(cluster, chance, more=shocks.kinds)
    findings = Findings(strikes.fired, shocks.broken)
    talking = [asyncio.create_task(talk.go_on(enough)) for talk in talks]
    for kinds in rounds:
        findings.pairs += len(kinds) > 1
        await asyncio.sleep(chance.uniform(*PAUSE_SECONDS))
        await asyncio.gather(*(strikes.strike(kind) for kind in kinds))
        print(f"{' and '.join(kinds)}, {sum(len(t.turns) for t in talks)} messages", flush=True)
    await strikes.healed()
    enough.set()
    await asyncio.gather(*talking)
    if not (await quiet(cluster) and await settled(cluster)):
        findings.broken.append("I10 runs or cards were still waiting at the end")
    verdict = await judge(cluster, talks)
    findings.acknowledged = verdict.acknowledged
    findings.broken += [*_broken(verdict, talks), *broken(cluster, talks)]
    findings.broken += [f"I10 {line}" for line in strikes.overdue]
    findings.broken += [f"I0 did not fire: {kind}" for kind in strikes.unfired]
    strikes.close()
    return findings


def _broken(verdict: Verdict, talks: Sequence[Conversation]) -> list[str]:
    late = [turn for talk in talks for turn in talk.turns if not turn.is_over]
    return [
        *(f"I2 {line}" for line in verdict.lost),
        *(f"I3 {line}" for line in verdict.doubled),
        *(f"I4 {line}" for line in verdict.gaps),
        *(f"I7 {turn.message_id} was not over in time" for turn in late),
    ]


def drawn(seed: int, minutes: float) -> Iterable[Sequence[str]]:
    """Every kind once, in some order, then as chance has it, until the minutes are over."""
    chance, end, first = random.Random(seed), time.monotonic() + minutes * 60, list(ROWS)
    chance.shuffle(first)
    while first or time.monotonic() < end:
        kind = first.pop() if first else chance.choice(list(ROWS))
        others = [other for other in ROWS if part_of(other) != part_of(kind)]
        yield [kind, chance.choice(others)] if chance.random() < IN_PAIRS else [kind]


def part_of(kind: str) -> str:
    """What is struck: no two faults of one part at once."""
    return kind.partition("_")[0]


def report(findings: Findings, seed: int) -> None:
    """What happened, the last line for machines."""
    for line in findings.broken[:40]:
        print(f"  {line}")
    by_invariant = Counter(line.split()[0] for line in findings.broken)
    figures = {
        "rows": len(findings.rows),
        "faults": findings.faults.total(),
        "pairs": findings.pairs,
        "by_kind": dict(sorted(findings.faults.items())),
        "kill_points": findings.kill_points,
        "orders": findings.orders,
        "failed_visibly": findings.failed,
        "acknowledged": findings.acknowledged,
        "violations": dict(sorted(by_invariant.items())),
        "seed": seed,
    }
    print(json.dumps(figures))


def main() -> int:
    """Run both parts; 1 when an invariant was broken or a fault did not fire."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--minutes", type=float, default=20, help="0: no campaign")
    options.add_argument("--every", type=int, default=1, help="0: no kill at each step")
    options.add_argument("--conversations", type=int, default=12)
    options.add_argument("--seed", type=int, default=SEED)
    options.add_argument("--logs", type=Path, help="where to leave the services' logs")
    chosen = options.parse_args()
    warnings.filterwarnings("ignore", "Reconnecting without a Last-Event-ID")
    print(f"seed {chosen.seed}", flush=True)
    swept = Findings()
    if chosen.every:
        with prepared_parts(CHROMA_URL=NO_CHROMA) as service:
            asyncio.run(sweep(service, swept, chosen.every, chosen.seed))
    findings = _struck(chosen) if chosen.minutes else Findings()
    findings.kill_points, findings.orders = swept.kill_points, swept.orders
    findings.failed = swept.failed
    findings.broken += swept.broken
    report(findings, chosen.seed)
    return 1 if findings.broken else 0


def _struck(chosen: argparse.Namespace) -> Findings:
    rounds = drawn(chosen.seed, chosen.minutes)
    with standing_cluster(with_model=True) as cluster:
        findings = asyncio.run(campaign(cluster, rounds, chosen.conversations, chosen.seed))
        if chosen.logs:
            keep_logs(cluster, chosen.logs)
    return findings


if __name__ == "__main__":
    sys.exit(main())
