"""Life after life on one conversation, and the time that passes between them."""

import random
import signal
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import httpx

from evals.bench.crash.cases import Desk
from evals.bench.crash.forked import How, Replicas
from tools.database import fetch_all, fetch_one
from tools.events import make_redis
from tools.intake import NewRun
from tools.xero.shared import Shared

MOST = 8  # more than this a conversation should never need
FORGOTTEN_SECONDS = 7 * 60


@dataclass
class Lives:
    """Kills replicas and lets others take over; counts the kills and the steps they reached."""

    desk: Desk
    replicas: Replicas
    random: random.Random
    kills: int = 0
    steps: Counter[str] = field(default_factory=Counter)

    async def say(self, thread_id: UUID, text: str, extra: Mapping[str, Any] | None = None) -> UUID:
        """A message of the customer, which waits for a replica; its id, which is its run's too."""
        run_id = uuid4()
        await self.desk.clients.runs.create(
            NewRun(
                run_id=run_id,
                thread_id=thread_id,
                customer_id=self.desk.caller.customer_id,
                message_id=str(run_id),
                content=text,
                extra=extra or {},
                strategy="enqueue",
                request={"stream_mode": ["values", "messages-tuple"], "stream_resumable": True},
                scope=self.desk.caller.scope,
                metadata={},
            )
        )
        return run_id

    def live(self, thread_id: UUID, kill_at: int = 0, how: How = "kill") -> bool:
        """Whether this life was struck at that step; False when it was over before."""
        status, reached = self.replicas.live(thread_id, kill_at, how)
        self.steps.update(reached)
        is_struck = 0 < kill_at <= len(reached) if how == "cut" else status == -signal.SIGKILL
        self.kills += is_struck
        return is_struck

    async def take_over(self, thread_id: UUID) -> None:
        """Other processes go on, some of which die as well, until one has nothing left to do."""
        for _ in range(MOST):
            await self._time_passes(thread_id)
            again = self.random.randint(1, 40) if self.random.random() < 1 / 3 else 0
            if not self.live(thread_id, again):
                return

    async def _time_passes(self, thread_id: UUID) -> None:
        """What a dead process held is free again; half of the time Xero forgot its keys too."""
        pool = self.desk.clients.pool
        await self._free_slots()
        await fetch_one(
            pool,
            "update runs set lease_until = now() - interval '1 second', attempts = 1"
            " where thread_id = %s and status = 'running' returning 1",
            [thread_id],
        )
        await fetch_all(
            pool,
            "update actions set try_after = now() - interval '1 second',"
            " updated_at = updated_at - interval '1 hour' where thread_id = %s returning 1",
            [thread_id],
        )
        if self.random.random() < 0.5:
            await fetch_all(
                pool,
                "update action_writes w set sent_at = sent_at - %(s)s * interval '1 second',"
                " failed_at = failed_at - %(s)s * interval '1 second' from actions a"
                " where a.action_id = w.action_id and a.thread_id = %(t)s returning 1",
                {"s": FORGOTTEN_SECONDS, "t": thread_id},
            )
            await self._forget_keys()

    async def _free_slots(self) -> None:
        settings = self.desk.clients.settings
        async with make_redis(settings.redis_url.get_secret_value()) as redis:
            await redis.delete(Shared(redis).key("limits", settings.xero_tenant_id or "", "slots"))

    async def _forget_keys(self) -> None:
        """The sandbox's clock goes on; to the service its tokens are as old as to the sandbox."""
        await fetch_all(
            self.desk.clients.pool, "update xero_tokens set expires_at = now() returning 1"
        )
        async with httpx.AsyncClient(base_url=self.desk.service.sandbox_url) as http:
            clock = {"advance_seconds": FORGOTTEN_SECONDS}
            (await http.post("/control/clock", json=clock)).raise_for_status()
