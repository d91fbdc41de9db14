"""Builds the process's clients from its settings. The one place that reads the clock."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4
from zoneinfo import ZoneInfo

import structlog
from redis.asyncio import Redis

from graph.builder import Graph, build_graph
from graph.checkpoints import GroupCommitSaver, make_saver
from graph.counting import begin_counts
from graph.execution import Executor
from graph.exporting import exporting
from graph.part_counts import count_doubled, count_ended, count_model_call, count_resolved
from graph.settings import Settings
from graph.sweeper import Sweeper
from graph.tracing import Export, in_spans
from graph.webhooks import WebhookWork
from graph.worker import Worker
from graph.xero import XeroParts, make_xero
from monitoring import metrics
from monitoring.logging import origin
from tools.actions.claims import Claims
from tools.actions.desk import ApprovalDesk
from tools.actions.forgotten import Forgotten
from tools.actions.store import Actions
from tools.answers import Answers
from tools.context import Caller, Context, LanguageModel
from tools.conversations import Conversations
from tools.database import Pool, make_pool
from tools.deferred import Deferred
from tools.documents.links import Links
from tools.errors import BackendUnavailable
from tools.events import EventLog, make_redis
from tools.feedback.resolution import Resolutions
from tools.model.budget import DailyBudget
from tools.ordering.catalogue import load_catalogue
from tools.outlets import Outlets
from tools.privacy.sweep import Keeping
from tools.privacy.trail import Trail
from tools.retention import Retention
from tools.rules import load_rules
from tools.runs import Runs
from tools.search.embedder import Embedder
from tools.store import Store
from tools.tickets import Tickets
from tools.turns import Turns
from tools.understanding.intents import IntentClassifier, load_weights
from tools.watches import Watches
from tools.xero.books import Books
from tools.xero.client import XeroClient
from tools.xero.exchange import make_http
from tools.xero.guesses import Guesses
from tools.xero.scope import scope_of
from tools.xero.scoped import Accounts

if TYPE_CHECKING:
    from tools.search.knowledge import Knowledge

Clock = Callable[[], datetime]

log = structlog.get_logger()
KEEP_ALIVE_SECONDS = 3600.0
DROP_SECONDS = 60.0
PRUNE_SECONDS = 10.0
SETTLE_SECONDS = 5.0
FORGOTTEN_SECONDS = 60.0
KEEPING_SECONDS = 600.0
SEAL_SECONDS = 60.0
REPAIRS = 4  # at once in one process
INDEX_LOCK = 7_384_116_022  # any fixed number of our own


@dataclass(frozen=True)
class Clients:
    """Everything one process shares between its turns."""

    settings: Settings
    pool: Pool
    events: EventLog
    conversations: Conversations
    actions: Actions
    desk: ApprovalDesk
    links: Links
    runs: Runs
    outlets: Outlets
    knowledge: "Knowledge"
    xero: XeroClient
    xero_parts: XeroParts
    model: LanguageModel | None
    graph: Graph
    saver: GroupCommitSaver
    store: Store
    executor: Executor
    sweeper: Sweeper
    context_for: Callable[[Caller], Context]
    # Each holds a connection while it reads checkpoints over others: they must never take them all.
    repairs: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(REPAIRS))

    async def keep_connected(self) -> None:
        """A refresh token that nobody uses ends: use it once a day."""
        await self.xero_parts.tokens.refresh_if_older_than()


def now() -> datetime:
    """The time in Singapore."""
    return datetime.now(ZoneInfo(load_rules().company.timezone))


@asynccontextmanager
async def open_clients(settings: Settings, clock: Clock = now) -> AsyncIterator[Clients]:
    """Open every connection and go to work. `clock` is what business goes by."""
    async with connect_clients(settings, clock) as clients, AsyncExitStack() as stack:
        await index_policies(clients)
        begin_counts()
        _add_work(clients, clock)
        clients.executor.start()
        stack.push_async_callback(clients.executor.stop)
        clients.sweeper.start()
        stack.push_async_callback(clients.sweeper.stop)
        yield clients


@asynccontextmanager
async def connect_clients(settings: Settings, clock: Clock = now) -> AsyncIterator[Clients]:
    """Open every connection, and close them all at the end. Nothing is worked on."""
    async with AsyncExitStack() as stack:
        pool = make_pool(settings.database_url.get_secret_value())
        await pool.open(wait=True, timeout=10)
        stack.push_async_callback(pool.close)
        redis = make_redis(settings.redis_url.get_secret_value())
        stack.push_async_callback(redis.aclose)
        http = make_http()
        stack.push_async_callback(http.aclose)
        xero = make_xero(settings, pool, redis, http, clock)
        embedder = await asyncio.to_thread(Embedder, settings.tria_data / "minilm")
        export = await stack.enter_async_context(exporting(settings, owner_name()))
        clients = _assemble(Parts(settings, pool, redis, xero, embedder, clock, export))
        stack.push_async_callback(clients.events.aclose)
        stack.push_async_callback(clients.saver.aclose)
        stack.push_async_callback(clients.store.aclose)
        if clients.model:
            stack.push_async_callback(clients.model.aclose)
        yield clients


def _add_work(clients: Clients, clock: Clock) -> None:
    """What the sweeper does beside cards."""
    events = WebhookWork(clients.xero_parts.events, Watches(clients.pool), clients.xero)
    days = clients.settings.tria_checkpoint_days
    clients.sweeper.add(events.work_on_events)
    clients.sweeper.add(clients.keep_connected, KEEP_ALIVE_SECONDS)
    clients.sweeper.add(Retention(clients.pool, days).prune, PRUNE_SECONDS)
    clients.sweeper.add(Keeping(clients.pool, days).drop, KEEPING_SECONDS)
    clients.sweeper.add(Trail(clients.pool).seal, SEAL_SECONDS)
    clients.sweeper.add(clients.store.drop_expired, PRUNE_SECONDS)
    clients.sweeper.add(Resolutions(clients.pool, count_resolved).settle_due, SETTLE_SECONDS)
    clients.sweeper.add(Forgotten(clients.pool, clock).escalate, FORGOTTEN_SECONDS)
    deferred = Deferred(clients.pool)
    clients.sweeper.add(deferred.ripen)
    clients.sweeper.add(deferred.drop_temporary, DROP_SECONDS)


async def index_policies(clients: Clients) -> None:
    """Bring the policy index up to date, one replica at a time. Start without Chroma too."""
    try:
        async with clients.pool.connection() as connection, connection.transaction():
            await connection.execute("select pg_advisory_xact_lock(%s)", [INDEX_LOCK])
            await clients.knowledge.index()
    except BackendUnavailable as error:
        log.warning("policies not indexed", **origin(error))


@dataclass(frozen=True)
class Parts:
    """What the clients are built on."""

    settings: Settings
    pool: Pool
    redis: Redis
    xero: XeroParts
    embedder: Embedder
    clock: Clock
    export: Export


def _assemble(parts: Parts) -> Clients:
    settings, pool, redis, embedder = parts.settings, parts.pool, parts.redis, parts.embedder
    actions, desk, links = Actions(pool, count_ended), ApprovalDesk(pool, count_ended), Links(pool)
    outlets, tickets, watches, claims = Outlets(pool), Tickets(pool), Watches(pool), Claims(pool)
    events, answers = EventLog(redis), Answers(redis)
    knowledge = make_knowledge(settings, embedder)
    classifier, catalogue = IntentClassifier(embedder, load_weights()), load_catalogue()
    model = make_model(settings, redis, parts.clock)
    xero, guesses, clock = parts.xero.client, Guesses(redis), parts.clock

    def context_for(caller: Caller) -> Context:
        scope = scope_of(caller.customer_id, caller.contact_ids, caller.roles)
        context = Context(
            caller=caller,
            accounts=Accounts(xero, scope, lambda: clock().date(), on_alarm=_alarm),
            books=Books(xero, scope, on_alarm=_alarm, on_doubled=count_doubled),
            guesses=guesses,
            outlets=outlets,
            catalogue=catalogue,
            knowledge=knowledge,
            classifier=classifier,
            actions=actions,
            claims=claims,
            links=links,
            answers=answers,
            tickets=tickets,
            watches=watches,
            model=model,
            sales_account=settings.xero_sales_account,
            public_url=settings.public_url,
            now=clock,
        )
        return in_spans(context)

    saver = make_saver(pool)
    graph = build_graph(saver)
    runs, conversations = Runs(pool, owner_name(), count_ended), Conversations(pool)
    worker = Worker(graph, runs, Turns(pool), events, context_for)
    return Clients(
        settings=settings,
        pool=pool,
        events=events,
        conversations=conversations,
        actions=actions,
        desk=desk,
        links=links,
        runs=runs,
        outlets=outlets,
        knowledge=knowledge,
        xero=xero,
        xero_parts=parts.xero,
        model=model,
        graph=graph,
        saver=saver,
        store=Store(pool),
        executor=Executor(pool, worker, parts.export),
        sweeper=Sweeper(desk, actions, context_for, clock),
        context_for=context_for,
    )


def _alarm(what: str) -> None:
    """Xero gave us somebody else's document. Nothing of it was used; a person must look why."""
    metrics.FOREIGN_DOCUMENTS.inc()
    log.error("foreign document", what=what)


def make_knowledge(settings: Settings, embedder: Embedder) -> "Knowledge":
    """The policies, in Chroma's server or in this process."""
    from tools.search.knowledge import (  # noqa: PLC0415 (see tools/context.py)
        Knowledge,
        load_policies,
        open_chroma,
    )

    store = open_chroma(settings.chroma_url, chroma_folder(settings.tria_data))
    return Knowledge(store, load_policies(), embedder)


def chroma_folder(data: Path) -> Path:
    """Where the embedded Chroma keeps its files."""
    return data / "chroma"


def make_model(settings: Settings, redis: Redis, clock: Clock = now) -> LanguageModel | None:
    """The model within its daily budget; None without a key: then replies come from templates."""
    if settings.openai_api_key is None:
        return None
    from tools.model.client import Bounds, Model  # noqa: PLC0415 (see tools/context.py)

    return Model(
        settings.openai_api_key.get_secret_value(),
        settings.openai_base_url,
        settings.openai_model,
        Bounds(
            budget=DailyBudget(settings.openai_daily_usd, clock, redis),
            now=clock,
            on_call=count_model_call,
        ),
    )


def owner_name() -> str:
    """Names this process in the runs it works on; never used twice."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"
