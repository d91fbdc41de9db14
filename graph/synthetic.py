"""Now and then one process talks to the service as a customer would: do orders really work?

It orders, looks at the card, declines it, asks for the balance and for a rule, all over the way
that customers' messages take. Nothing is ever ordered.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import structlog
from psycopg.rows import DictRow

from graph.clients import Clients
from graph.execution import DATABASE_ERRORS
from graph.synthetic_order import StepFailed, check_card, wish_of
from graph.worker import config_of
from monitoring import metrics
from monitoring.logging import origin
from tools.context import Caller, Context
from tools.errors import TriaError
from tools.intake import NewRun
from tools.synthetic import CONTACT, CUSTOMER, MARK, SyntheticRecord

log = structlog.get_logger()

LOOK_SECONDS = 5.0  # between looks at whether one is due
POLL_SECONDS = 0.05
TURN_SECONDS = 65.0  # a node has 60
THREAD_MINUTES = 60.0  # after which one that was left behind goes by itself
DAY_SHARE = 5  # of Xero's calls of a day this part is left to customers
ENDED = frozenset({"succeeded", "interrupted", "failed", "cancelled"})
STEPS = ("order", "decline", "balance", "rule")
BALANCE = "what do I owe?"
RULE = "which days do you deliver?"
CALLER = Caller(
    customer_id=CUSTOMER,
    name="Synthetic Customer",
    company="Synthetic Customer",
    contact_ids=(str(CONTACT),),
    roles=frozenset(("accounts", "buyer")),
)
OUTLET = {
    "outlet_id": CUSTOMER,
    "bill_to": str(CONTACT),
    "name": "Test Counter",
    "address": "1 Test Street",
    "postal_code": "018956",
    "area": "central",
    "contact_person": "Nobody",
    "mobile": "8000 0000",
    "usual_days": [],
}
REQUEST = {"stream_mode": ["values"], "stream_resumable": True}


@dataclass(frozen=True)
class Answered:
    """A turn that has ended: the last message, and what the turn knew."""

    text: str
    extra: Mapping[str, Any]
    state: Mapping[str, Any]


@asynccontextmanager
async def conversing(clients: Clients) -> AsyncIterator[None]:
    """Have synthetic conversations while the service runs, if the settings ask for them."""
    every = clients.settings.tria_synthetic_seconds
    task = asyncio.create_task(SyntheticCustomer(clients).forever(every)) if every else None
    try:
        yield
    finally:
        if task:
            task.cancel()
            await asyncio.wait({task}, timeout=1)


class SyntheticCustomer:
    """Holds one conversation after the other."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._record = SyntheticRecord(clients.pool)

    async def forever(self, every_seconds: float) -> None:
        """One each time that it is due in all the replicas together, if this one is first."""
        while True:
            await asyncio.sleep(min(LOOK_SECONDS, every_seconds))
            try:
                if self._clients.executor.has_room and await self._record.claim(every_seconds):
                    await self.lead()
            except Exception as error:  # noqa: BLE001 (whatever one meets, the next are held)
                log.warning("synthetic conversation not held", **origin(error))

    async def lead(self) -> None:
        """Hold one, unless what it costs is better kept for customers."""
        if await self._is_scarce():
            log.warning("synthetic conversation put off", why="few calls of Xero are left today")
            return
        await self.converse()

    async def converse(self) -> list[dict[str, Any]]:
        """Hold one, keep and count how it went; its steps."""
        try:
            steps = await self._steps()
            is_working = all(step["ok"] for step in steps)
            await self._record.note(steps, is_working=is_working)
        except BaseException:
            # This process leaves, or the database does: that says nothing about orders.
            await asyncio.shield(_quietly(self._record.let_go()))
            raise
        finally:
            await asyncio.shield(_quietly(self._record.clean()))
        _tell(steps, is_working=is_working)
        return steps

    async def _steps(self) -> list[dict[str, Any]]:
        """Every step in order; after one that failed the next still tells what it finds."""
        await self._clients.outlets.store([OUTLET])
        await self._clients.xero.forget(str(CONTACT))
        talk = Talk(self._clients, uuid4())
        await self._clients.conversations.create(
            talk.thread_id, CUSTOMER, MARK, ttl_minutes=THREAD_MINUTES
        )
        todo = (talk.order, talk.decline, talk.balance, talk.rule)
        return [await _timed(name, step) for name, step in zip(STEPS, todo, strict=True)]

    async def _is_scarce(self) -> bool:
        """Whether Xero's calls of this day are better kept for customers."""
        limits = (await self._clients.xero_parts.status.read()).limits
        limit = self._clients.settings.xero_day_limit
        return limits.day_left is not None and limits.day_left < limit / DAY_SHARE


def _tell(steps: Sequence[Mapping[str, Any]], *, is_working: bool) -> None:
    """Count it, and log it with the first step that failed."""
    ms = sum(step["ms"] for step in steps)
    metrics.CANARIES.labels("passed" if is_working else "failed").inc()
    metrics.CANARY_SECONDS.observe(ms / 1000)
    for step in steps:
        if not step["ok"]:
            log.error("synthetic conversation failed", step=step["step"], why=step["why"], ms=ms)
            return
    log.info("synthetic conversation", ms=ms)


async def _quietly(work: Awaitable[Any]) -> None:
    try:
        await work
    except Exception as error:  # noqa: BLE001 (tidying up; the next conversation tries again)
        log.warning("synthetic conversation not cleaned up", **origin(error))


async def _timed(name: str, step: Callable[[], Awaitable[None]]) -> dict[str, Any]:
    started, why = time.monotonic(), ""
    try:
        await step()
    except StepFailed as failure:
        why = str(failure)
    except DATABASE_ERRORS:
        raise
    except Exception as error:  # noqa: BLE001 (whatever it is, customers would meet it too)
        why = error.code if isinstance(error, TriaError) else type(error).__name__
    ms = round((time.monotonic() - started) * 1000)
    return {"step": name, "ok": not why, "ms": ms, "why": why}


class Talk:
    """One conversation, step by step."""

    def __init__(self, clients: Clients, thread_id: UUID) -> None:
        self.thread_id = thread_id
        self._clients = clients
        self._context: Context = clients.context_for(CALLER)
        self._card: Mapping[str, Any] | None = None

    async def order(self) -> None:
        """An order becomes a card whose figures are those of the price list."""
        prices = await self._context.accounts.price_list()
        wish = wish_of(self._context.catalogue.products, prices)
        answer = await self.say(f"{wish.packs} {wish.product.pack}s of {wish.product.name} please")
        self._card = answer.extra.get("card")
        if not self._card or self._card.get("kind") != "order":
            raise StepFailed("no card was shown")
        check_card(self._card, wish, self._context.now().date())

    async def decline(self) -> None:
        """The card is let go, and nothing was written."""
        if not self._card:
            raise StepFailed("there is no card to decline")
        button = {"action_id": self._card["action_id"], "hash": self._card["hash"]}
        await self.say("No", {"action": button | {"decision": "decline"}})
        action_id = UUID(self._card["action_id"])
        row = await self._clients.actions.get(action_id, CUSTOMER)
        if row is None or row["status"] != "declined":
            raise StepFailed("the card was not declined")

    async def balance(self) -> None:
        """What is owed was read in Xero."""
        answer = await self.say(BALANCE)
        if "balance" not in {fact["kind"] for fact in answer.state.get("facts", [])}:
            raise StepFailed("the balance was not read")

    async def rule(self) -> None:
        """A rule is answered out of the policies."""
        answer = await self.say(RULE)
        if not answer.state.get("passages"):
            raise StepFailed("no rule was found")

    async def say(self, text: str, extra: Mapping[str, Any] | None = None) -> Answered:
        """A message, and its turn's answer; raises StepFailed where none comes."""
        run = await self._clients.runs.create(self._run(text, extra or {}))
        if run["status"] == "running":
            self._clients.executor.work_on(run)
        ended = await self._ended(run)
        if ended["status"] != "succeeded":
            raise StepFailed(f"the turn {ended['status']}")
        [last] = await self._clients.conversations.window(self.thread_id, 1)
        snapshot = await self._clients.graph.aget_state(config_of(ended))
        answer = Answered(last["content"], last["extra"], snapshot.values)
        if answer.state.get("handoff"):
            raise StepFailed("a person was asked")
        return answer

    def _run(self, text: str, extra: Mapping[str, Any]) -> NewRun:
        return NewRun(
            run_id=uuid4(),
            thread_id=self.thread_id,
            customer_id=CUSTOMER,
            message_id=str(uuid4()),
            content=text,
            extra=extra,
            strategy="enqueue",
            request=REQUEST,
            scope=CALLER.scope,
            metadata=MARK,
            starts=self._clients.executor.has_room,
        )

    async def _ended(self, run: DictRow) -> DictRow:
        end = time.monotonic() + TURN_SECONDS
        while time.monotonic() < end:
            found = await self._clients.runs.get(run["run_id"], self.thread_id)
            if found is None or found["status"] in ENDED:
                return found or run | {"status": "vanished"}
            await asyncio.sleep(POLL_SECONDS)
        raise StepFailed("no answer came in time")
