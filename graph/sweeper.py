"""Finishes what was left: cards whose process died, decisions that came, customers to be told."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog

from monitoring import metrics
from monitoring.logging import origin
from nodes.cards.recheck import recheck_with
from tools.actions.commit import Hands, carry_out
from tools.actions.desk import ApprovalDesk
from tools.actions.store import Actions
from tools.context import Caller, Context
from tools.ordering.delivery import business_deadline
from tools.rules import load_rules
from tools.tickets import NewTicket

log = structlog.get_logger()

SWEEP_SECONDS = 1.0
Work = Callable[[], Awaitable[object]]


@dataclass
class _Regular:
    """Work that is done now and then."""

    work: Work
    every_seconds: float
    done: float = -math.inf

    def is_due(self) -> bool:
        """Whether it is time again; then the time counts from now."""
        now = time.monotonic()
        if now < self.done + self.every_seconds:
            return False
        self.done = now
        return True


class Sweeper:
    """Background work of one process. Every step may be done by any replica, and by one only."""

    def __init__(
        self,
        desk: ApprovalDesk,
        actions: Actions,
        context_for: Callable[[Caller], Context],
        now: Callable[[], datetime],
    ) -> None:
        self._desk = desk
        self._actions = actions
        self._context_for = context_for
        self._now = now
        self._more: list[_Regular] = []
        self._task: asyncio.Task[None] | None = None
        self._is_stopping = False

    def add(self, work: Work, every_seconds: float = 0) -> None:
        """Also do this in every sweep, or no more often than that."""
        self._more.append(_Regular(work, every_seconds))

    def start(self) -> None:
        """Begin to sweep."""
        self._task = asyncio.create_task(self._forever())

    async def stop(self) -> None:
        """End at once; whatever was under way is found by the next sweep of any replica."""
        # A cancelled query may end as a database error instead: then the flag ends the loop.
        self._is_stopping = True
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _forever(self) -> None:
        while not self._is_stopping:
            due = [regular.work for regular in self._more if regular.is_due()]
            for work in (self._finish, self._chase, self._tell, *due):
                if not self._is_stopping:
                    await self._attempt(work)
            if not self._is_stopping:
                await asyncio.sleep(SWEEP_SECONDS)

    async def _attempt(self, work: Work) -> None:
        try:
            await work()
        except Exception as error:  # noqa: BLE001 (whatever one sweep meets, the next ones go on)
            name = getattr(work, "__name__", "one card")
            log.warning("sweep failed", work=name, **origin(error))

    async def _finish(self) -> None:
        """Carry out confirmed cards that no turn works on, and wake turns that wait no longer."""
        await self._desk.expire(self._now())
        await self._desk.resume_decided()
        for action in await self._desk.unfinished():
            await self._attempt(partial(self._carry_out, action))

    async def _carry_out(self, action: dict[str, Any]) -> None:
        context = self._context_for(Caller.of(action["scope"]))
        hands = Hands(
            actions=self._actions,
            books=context.books,
            recheck=recheck_with(context),
            is_told=False,
        )
        carried = await carry_out(action["action_id"], hands)
        metrics.CARDS_SWEPT.labels(carried.status).inc()
        log.info(
            "card swept",
            action_id=str(action["action_id"]),
            outcome=carried.status,
            reason=carried.reason,
        )

    async def _chase(self) -> None:
        """An unusual order that stays unanswered goes to a person (O8)."""
        hours = load_rules().ordering.silence_hours
        for action in await self._desk.silent_unusual(self._now() - timedelta(hours=hours)):
            await self._open_ticket(action)
            await self._desk.chased(action["action_id"])

    async def _open_ticket(self, action: dict[str, Any]) -> None:
        caller = Caller.of(action["scope"])
        first_reply = load_rules().escalation.levels[2].first_reply_minutes
        await self._context_for(caller).tickets.open(
            NewTicket(
                task_key=f"{action['action_id']}:unusual",
                thread_id=action["thread_id"],
                customer_id=caller.customer_id,
                reason="unusual_order",
                levels=(2,),
                packet={"customer": caller.company, "card": action["card"]},
                deadline=business_deadline(self._now(), first_reply),
            )
        )

    async def _tell(self) -> None:
        while await self._desk.tell_next():
            pass
