"""`make bench-crash-writes`: kill -9 at every step of every kind of write, then read the books.

For orders, life after life: the process is killed at its first step, at its second, and so on
until one survives; for the other kinds at every second step (`--every`), by turns the odd and the
even ones. Another process takes over. Every third time that one is killed too, and every second
time Xero has forgotten the idempotency key by then. With `--kinds order,email` only those.
"""

import argparse
import asyncio
import json
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from evals.bench.crash.cases import CASES, Case, Desk, Prepared, propose
from evals.bench.crash.forked import Replicas, replicas_of
from evals.bench.crash.lives import Lives
from evals.bench.crash.replica import all_steps
from evals.service import Service, prepared_parts
from graph.clients import open_clients
from graph.execution import Executor
from graph.settings import Settings
from graph.worker import Worker
from tools.actions.records import ActionRecords
from tools.database import fetch_all, fetch_one
from tools.turns import Turns

SEED = 20261127
# Replicas that die and start all the time share no folder of Chroma; a yes needs no policy.
NO_CHROMA = "http://127.0.0.1:9"
RUNNING = "select 1 from runs where thread_id = %s and status in ('queued', 'running')"
ENDS = ("committed", "failed", "declined", "expired", "cancelled")


@dataclass
class Tally:
    """What the campaign has seen."""

    cards: int = 0
    documents: int = 0
    duplicates: int = 0
    without_yes: int = 0
    unfinished: int = 0
    untold: int = 0


class Campaign:
    """Kills, takes over, and counts."""

    def __init__(self, desk: Desk, replicas: Replicas) -> None:
        self._desk = desk
        self.lives = Lives(desk, replicas, random.Random(SEED))
        clients = desk.clients
        self._records = ActionRecords(clients.pool)
        turns = Turns(clients.pool)
        self._executor = Executor(
            clients.pool,
            Worker(clients.graph, clients.runs, turns, clients.events, clients.context_for),
        )
        self.tally = Tally()

    async def run(self, case: Case, first: int, every: int) -> None:
        """The steps of one kind of action: of the turn with the yes, then of the approved one."""
        for stage in ("yes", "approval"):
            step = first
            while await self._once(case, step, stage):
                step += every
        print(f"{case.kind:<16} kills so far {self.lives.kills}", flush=True)

    async def unanswered(self, case: Case) -> None:
        """A card that nobody said yes to, with replicas at work around it."""
        thread_id, _, _, prepared = await propose(case, self._desk)
        self.lives.live(thread_id)
        self.tally.without_yes += await case.count(self._desk, prepared)

    async def _once(self, case: Case, step: int, stage: str) -> bool:
        """Whether the kill at that step happened; False when the life was over before."""
        thread_id, action_id, digest, prepared = await propose(case, self._desk)
        if stage == "approval" and prepared.level is None:
            return False
        await self._say_yes(thread_id, action_id, digest)
        killed = stage == "yes" and self.lives.live(thread_id, step)
        if stage == "approval":
            await self._answer_here(thread_id)
        if killed:
            await self.lives.take_over(thread_id)
        if await self._decided(thread_id, action_id, prepared, step, stage):
            await self.lives.take_over(thread_id)
            killed = True
        await self._count(case, prepared, action_id, thread_id)
        return killed

    async def _decided(
        self, thread_id: UUID, action_id: UUID, prepared: Prepared, step: int, stage: str
    ) -> bool:
        """A person approves, and the run goes on, to be killed in its turn."""
        row = await self._records.card(action_id)
        if prepared.level is None or row is None or row["status"] != "confirmed":
            return False
        await self._desk.clients.desk.decide(action_id, "campaign", approved=True, reason="")
        return self.lives.live(thread_id, step if stage == "approval" else 0)

    async def _answer_here(self, thread_id: UUID) -> None:
        """The turn with the yes is not what this stage is about."""
        await self._executor.take(thread_id)
        for _ in range(600):
            if not await fetch_one(self._desk.clients.pool, RUNNING, [thread_id]):
                return
            await asyncio.sleep(0.05)

    async def _say_yes(self, thread_id: UUID, action_id: UUID, digest: str) -> None:
        button = {"action_id": str(action_id), "hash": digest, "decision": "confirm"}
        await self.lives.say(thread_id, "yes", {"action": button})

    async def _count(
        self, case: Case, prepared: Prepared, action_id: UUID, thread_id: UUID
    ) -> None:
        tally = self.tally
        found = await case.count(self._desk, prepared)
        row: Any = await self._records.card(action_id)
        tally.cards += 1
        tally.documents += min(found, 1)
        tally.duplicates += max(found - 1, 0)
        is_over = row["status"] == "committed" and found == 1
        tally.unfinished += not is_over
        answers = await fetch_all(
            self._desk.clients.pool,
            "select 1 from runs r where thread_id = %s and not exists (select 1 from messages m"
            " where m.run_id = r.run_id and m.role = 'ai')",
            [thread_id],
        )
        tally.untold += len(answers)
        if not is_over or found > 1 or answers:
            print(f"  {case.kind} {row['status']} {row['error']} documents {found}", flush=True)


async def campaign(service: Service, kinds: Sequence[str], every: int) -> Campaign:
    """All chosen kinds; the desk itself does no background work."""
    values = {name.lower(): value for name, value in service.environment.items()}
    async with open_clients(Settings.model_validate(values)) as clients:
        await clients.executor.stop()
        await clients.sweeper.stop()
        desk = Desk.of(clients, service)
        with replicas_of(service) as replicas:
            running = Campaign(desk, replicas)
            for case in CASES:
                if not kinds or case.kind in kinds:
                    await running.run(case, *_steps(case, every))
                    await running.unanswered(case)
    return running


def _steps(case: Case, every: int) -> tuple[int, int]:
    """Where to begin, and how far to go from one kill to the next."""
    place = CASES.index(case)
    return (1 + place % every, every) if place else (1, 1)


def main() -> int:
    """Run the campaign; 1 when an invariant is broken."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--kinds", default="")
    options.add_argument("--every", type=int, default=2)
    chosen = options.parse_args()
    with prepared_parts(CHROMA_URL=NO_CHROMA) as service:
        done = asyncio.run(
            campaign(service, [k for k in chosen.kinds.split(",") if k], chosen.every)
        )
    tally = done.tally
    missed = sorted(all_steps() - set(done.lives.steps))
    print("steps never reached:", ", ".join(missed) or "none")
    figures = {
        name: getattr(tally, name)
        for name in ("cards", "documents", "duplicates", "without_yes", "unfinished")
    }
    told = {"kills": done.lives.kills} | figures | {"unanswered_turns": tally.untold}
    print(json.dumps(told))
    broken = tally.duplicates or tally.without_yes or tally.unfinished or tally.untold
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
