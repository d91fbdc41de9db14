"""A whole order, from its first message to the invoice, struck at every one of its steps."""

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID, uuid4

from evals.bench.crash.cases import CASES, ORDER, Desk, propose
from evals.bench.crash.forked import How, Replicas
from evals.bench.crash.lives import Lives
from evals.bench.fault.history import Turn
from graph.execution import config_of
from graph.public import answer_of
from tools.database import fetch_all, fetch_one
from tools.events import END, make_redis, run_key

Stage = Literal["order", "yes"]
STAGES: tuple[Stage, ...] = ("order", "yes")
# What the two turns of an order must pass, or nothing was struck there.
PASSED = (
    *("GroupCommitSaver.aput", "GroupCommitSaver.aput_writes"),
    *("AsyncHTTPTransport.handle_async_request", "Runs.claim", "Runs.answer"),
    *("Actions.propose", "Actions.confirm", "Actions.settle", "Ledger.key_for", "Ledger.done"),
)
TOO_SLOW = "NodeTimeoutError"
RUN = "select * from runs where run_id = %s"
OPEN = "select 1 from runs where thread_id = %s and status in ('queued', 'running')"
SAID = "select content, extra from messages where run_id = %s and role = 'ai'"
CARDS = "select action_id, status, document_number from actions where thread_id = %s"
TRAIL = "select event from audit where subject = %s order by audit_id"
STEPS_OF_A_WRITE = ("action.confirmed", "action.written", "action.committed")


@dataclass
class Sweep:
    """Strikes one step after the other; `broken` names the invariant and what is wrong.

    A turn that failed and says so is no broken promise: on a busy machine a step may take too long.
    """

    desk: Desk
    replicas: Replicas
    seed: int
    broken: list[str] = field(default_factory=list)
    orders: int = 0
    failed: int = 0
    lives: Lives = field(init=False)

    def __post_init__(self) -> None:
        self.lives = Lives(self.desk, self.replicas, random.Random(self.seed))

    async def run(self, stage: Stage, how: How, first: int = 1, every: int = 1) -> None:
        """Every so manieth step of a turn, until one life is over before it is struck."""
        step = first
        while await self.once(stage, step, how):
            step += every
        print(f"{stage} {how}: up to step {step}, struck {self.lives.kills} times", flush=True)

    async def once(self, stage: Stage, step: int, how: How) -> bool:
        """One turn, struck at one step and finished; whether it was struck."""
        thread_id = await self._begun(stage)
        run_id = await self.lives.say(thread_id, ORDER if stage == "order" else "yes")
        is_struck = self.lives.live(thread_id, step, how)
        where = f"{stage} {how} {step}"
        if how == "cut" and await fetch_one(self.desk.clients.pool, OPEN, [thread_id]):
            self.broken.append(f"I10 {where}: it did not go on by itself")
        if is_struck:
            await self.lives.take_over(thread_id)
        self.orders += 1
        wrong = [f"{each} ({where})" for each in await self._wrong(stage, thread_id, run_id)]
        print("".join(f"  {each}\n" for each in wrong), end="", flush=True)
        self.broken += wrong
        return is_struck

    def missed(self) -> set[str]:
        """What should have been passed and was not."""
        wanted = {f"{name} {when}" for name in PASSED for when in ("begins", "is done")}
        return wanted - set(self.lives.steps)

    async def _begun(self, stage: Stage) -> UUID:
        if stage == "yes":
            return (await propose(CASES[0], self.desk))[0]
        thread_id = uuid4()
        await self.desk.clients.conversations.create(thread_id, self.desk.caller.customer_id, {})
        return thread_id

    async def _wrong(self, stage: Stage, thread_id: UUID, run_id: UUID) -> list[str]:
        pool = self.desk.clients.pool
        run = await fetch_one(pool, RUN, [run_id])
        said = await fetch_all(pool, SAID, [run_id])
        assert run is not None
        if run["status"] == "failed" and run["error"] == TOO_SLOW:
            self.failed += 1
            return []
        if run["status"] != "succeeded" or not said:
            return [f"I2 {run['status']} {run['error']}, {len(said)} answers"]
        if len(said) > 1:
            return [f"I3 {len(said)} answers"]
        return [
            *await self._money(stage, thread_id),
            *await self._checkpoint(run, said[0]["content"]),
            *await self._stream(run, said[0]["content"]),
        ]

    async def _money(self, stage: Stage, thread_id: UUID) -> list[str]:
        """One card, one invoice after the yes and none before it, and a trail that says so."""
        cards = await fetch_all(self.desk.clients.pool, CARDS, [thread_id])
        if len(cards) != 1:
            return [f"I1 {len(cards)} cards"]
        [card], invoices = cards, await self.desk.documents("invoice")
        stand = sum(i["InvoiceNumber"] == card["document_number"] for i in invoices)
        wanted = ("proposed", 0) if stage == "order" else ("committed", 1)
        if (card["status"], stand) != wanted:
            return [f"I1 {card['status']}, {stand} invoices"]
        rows = await fetch_all(self.desk.clients.pool, TRAIL, [str(card["action_id"])])
        steps = [row["event"] for row in rows if row["event"] in STEPS_OF_A_WRITE]
        if stage == "yes" and steps != list(STEPS_OF_A_WRITE):
            return [f"I9 {steps}"]
        return []

    async def _checkpoint(self, run: Mapping[str, Any], content: str) -> list[str]:
        snapshot = await self.desk.clients.graph.aget_state(config_of(run))
        kept = answer_of(snapshot.values)["content"]
        return [] if kept == content else ["I3 the checkpoint holds another answer"]

    async def _stream(self, run: Mapping[str, Any], content: str) -> list[str]:
        """What a client is shown that reads the log to its end."""
        turn = Turn(str(run["thread_id"]), str(run["run_id"]), "")
        names: list[str] = []
        url = self.desk.clients.settings.redis_url.get_secret_value()
        async with make_redis(url) as redis:
            found: Any = await redis.xrange(run_key(run["run_id"]))
            for event_id, fields in found:
                turn.see(fields["event"], json.loads(fields["data"]), event_id)
                names.append(fields["event"])
        # Without an end the service shows what is stored instead.
        if END in names and content not in (turn.spoken, turn.answer):
            return ["I4 the stream tells another answer"]
        return []
