"""A turn's context in which nothing is sent and nothing written: it notes what would have been.

Twofold: each client that writes has a stand-in here, and all of them read through a pool in whose
sessions Postgres itself refuses to write. A client that is forgotten here fails; it never writes.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from psycopg.conninfo import make_conninfo
from psycopg.rows import DictRow
from redis.asyncio import Redis
from typing_extensions import override

from graph.clients import Clients
from tools.actions.claims import Claims
from tools.actions.ledger import Ledger
from tools.actions.store import Actions, Proposal, card_hash
from tools.answers import Answers
from tools.context import Caller, Context, LanguageModel
from tools.database import Pool, make_pool
from tools.documents.links import Links, NewLink
from tools.errors import WriteImpossible
from tools.outlets import Outlets
from tools.tickets import NewTicket, Ticket, Tickets
from tools.watches import Watches
from tools.xero.books import Books
from tools.xero.client import XeroClient
from tools.xero.guesses import Guesses
from tools.xero.scope import Scope, scope_of
from tools.xero.writes import Write, Written

# Recognisable, and nobody's: no ticket, document or link bears these.
TICKET, NUMBER, TOKEN = "T-000000", "TRIA-000000", "trial-link-that-opens-nothing"
POOL_SIZE = 2
Would = list[dict[str, str]]


@dataclass
class Noted:
    """What a trial would have done, in order, each with its kind and what it was about."""

    would: Would = field(default_factory=list)

    def note(self, what: str, about: str = "") -> None:
        """Something was held back."""
        self.would.append({"what": what, "about": about})


class DryActions(Actions):
    """Cards that are kept for this trial alone, over those that there are."""

    def __init__(self, pool: Pool, noted: Noted) -> None:
        super().__init__(pool)
        self._noted = noted
        self._kept: dict[UUID, DictRow] = {}

    @override
    async def next_number(self) -> str:
        return NUMBER

    @override
    async def propose(self, proposal: Proposal) -> None:
        self._noted.note("show a card", str(proposal.card.get("title", proposal.kind)))
        self._kept[proposal.action_id] = {
            **dict.fromkeys(("run_id", "confirmed_at", "decided_by", "decided_at")),
            **dict.fromkeys(("document_id", "error", "agreed_by", "agreed_level", "replaces")),
            "action_id": proposal.action_id,
            "thread_id": proposal.thread_id,
            "customer_id": proposal.customer_id,
            "kind": proposal.kind,
            "status": "proposed",
            "card": dict(proposal.card),
            "hash": card_hash(proposal.card, proposal.writes),
            "document_number": proposal.document_number,
            "expires_at": proposal.expires_at,
            "scope": dict(proposal.scope),
            "approval_level": proposal.approval_level,
        }

    @override
    async def get(self, action_id: UUID, customer_id: str) -> DictRow | None:
        return self._kept.get(action_id) or await super().get(action_id, customer_id)

    @override
    async def present(self, action_id: UUID, customer_id: str) -> DictRow | None:
        self._noted.note("show a changed card")
        return await self._as(action_id, customer_id, "proposed")

    @override
    async def confirm(
        self,
        action_id: UUID,
        customer_id: str,
        digest: str,
        now: datetime,
        run_id: UUID | None = None,
    ) -> DictRow | None:
        row = await self.get(action_id, customer_id)
        if row is None or row["hash"] != digest:
            return None
        self._noted.note("keep the customer's yes", str(row["card"].get("title", row["kind"])))
        return await self._as(action_id, customer_id, "confirmed")

    @override
    async def wait_for_person(self, action_id: UUID, run_id: UUID) -> None:
        self._noted.note("ask a person to agree")

    @override
    async def decline(self, action_id: UUID, customer_id: str, digest: str) -> bool:
        self._noted.note("let a card go")
        row = await self.get(action_id, customer_id)
        return bool(row and row["hash"] == digest)

    @override
    async def withdraw(self, action_id: UUID, customer_id: str) -> bool:
        self._noted.note("withdraw a card")
        return await self.get(action_id, customer_id) is not None

    @override
    @asynccontextmanager
    async def held(self, action_id: UUID) -> AsyncIterator[Ledger | None]:
        """Somebody else holds it, as far as the trial is concerned: so nothing is carried out."""
        self._noted.note("write to Xero")
        yield None

    async def _as(self, action_id: UUID, customer_id: str, status: str) -> DictRow | None:
        if row := await self.get(action_id, customer_id):
            self._kept[action_id] = {**row, "status": status}
        return self._kept.get(action_id)


class DryBooks(Books):
    """Reads in the caller's books; a write is noted and refused."""

    def __init__(self, client: XeroClient, scope: Scope, noted: Noted) -> None:
        super().__init__(client, scope)
        self._noted = noted

    @override
    async def send(self, write: Write, key: str) -> Written:
        self._noted.note("write to Xero", write.operation)
        raise WriteImpossible("a trial writes nothing")


class DryLinks(Links):
    """Issues a link that opens nothing."""

    def __init__(self, pool: Pool, noted: Noted) -> None:
        super().__init__(pool)
        self._noted = noted

    @override
    async def issue(self, link: NewLink) -> str:
        self._noted.note("make a link", link.kind)
        return TOKEN


class DryTickets(Tickets):
    """Opens no ticket."""

    def __init__(self, pool: Pool, noted: Noted) -> None:
        super().__init__(pool)
        self._noted = noted

    @override
    async def open(self, ticket: NewTicket) -> Ticket:
        self._noted.note("open a ticket", ticket.reason)
        return Ticket(TICKET, ticket.deadline)


class DryWatches(Watches):
    """Waits for no payment."""

    def __init__(self, pool: Pool, noted: Noted) -> None:
        super().__init__(pool)
        self._noted = noted

    @override
    async def watch(
        self, thread_id: UUID, scope: Mapping[str, Any], invoice_number: str | None = None
    ) -> None:
        self._noted.note("wait for a payment", invoice_number or "any invoice")


class DryAnswers(Answers):
    """Nothing kept is given again, and nothing is kept: a trial is about what is said now."""

    def __init__(self) -> None:
        super().__init__(cast("Redis", None))

    @override
    async def get(self, key: str) -> str | None:
        return None

    @override
    async def keep(self, key: str, text: str) -> None:
        return None


@asynccontextmanager
async def dry_context(
    clients: Clients, caller: Caller, model: LanguageModel | None, noted: Noted
) -> AsyncIterator[Context]:
    """The caller's context for one trial. What it reads is real, and theirs alone."""
    scope = scope_of(caller.customer_id, caller.contact_ids, caller.roles)
    async with make_pool(_reading(clients.pool), max_size=POOL_SIZE) as pool:
        yield replace(
            clients.context_for(caller),
            actions=DryActions(pool, noted),
            answers=DryAnswers(),
            books=DryBooks(clients.xero, scope, noted),
            claims=Claims(pool),
            guesses=Guesses(None),  # counts in this process alone: nobody is refused for it later
            links=DryLinks(pool, noted),
            model=model,
            outlets=Outlets(pool),
            tickets=DryTickets(pool, noted),
            watches=DryWatches(pool, noted),
        )


def _reading(pool: Pool) -> str:
    """The same database, in sessions that cannot write."""
    return make_conninfo(str(pool.conninfo), options="-c default_transaction_read_only=on")
