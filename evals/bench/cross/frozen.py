"""Cards with a victim's document in them: confirmed, frozen, and carried out for somebody else."""

import json
import random
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from evals.bench.cross.attempts import ATTACKERS, victims
from evals.bench.cross.layers import Bench, outcome
from evals.bench.cross.ledger import Json, Ledger
from evals.bench.cross.tally import Outcome
from graph.clients import now
from tools.actions.commit import Hands, carry_out
from tools.actions.store import Actions, Proposal, card_hash
from tools.conversations import Conversations
from tools.xero.books import Books
from tools.xero.writes import (
    Write,
    accepted_quote,
    allocation,
    changed_invoice,
    deleted_invoice,
    emailed_invoice,
    new_credit_note,
    new_invoice,
    new_quote,
    note_on_invoice,
)

LINE = {"ItemCode": "BAG-M", "Description": "bag", "Quantity": 100, "UnitAmount": 0.5}
LINES = {"LineItems": [LINE | {"AccountCode": "200", "TaxType": "OUTPUTY24"}]}
TOTAL, CENT = "54.50", Decimal("0.01")
Documents = Mapping[str, Sequence[Json]]


async def by_writes(bench: Bench, ledger: Ledger, rng: random.Random) -> AsyncIterator[Outcome]:
    """Each kind of write of each attacker at two victims. The victims' rows tell what happened."""
    for who in ATTACKERS:
        for victim in rng.sample(victims(), 2):
            theirs = ledger.documents[victim.contact_id]
            own = ledger.documents[bench.callers[who].contact_ids[0]]
            writes = [
                *_new(victim.contact_id, rng),
                *_on_invoices(theirs, rng),
                *_on_others(victim.contact_id, theirs, own, rng),
            ]
            for write in writes:
                status = await _carried(bench, who, write)
                typed = (write.operation, write.target, write.body.decode())
                yield outcome(f"writes:{write.operation}", who, typed, status)


def _new(victim: str, rng: random.Random) -> Iterator[Write]:
    """Documents that the victim would have to pay."""
    number, today = f"TRIA-9{rng.randrange(10**8):08}", now().date().isoformat()
    document = {"Contact": {"ContactID": victim}, "Date": today} | LINES
    yield new_invoice(number, document | {"DueDate": today})
    yield new_quote(f"{number}1", document)
    yield new_credit_note(f"{number}2", document)


def _on_invoices(theirs: Documents, rng: random.Random) -> Iterator[Write]:
    drafts = [i for i in theirs["invoice"] if i["Status"] == "DRAFT"]
    unpaid = [i for i in theirs["invoice"] if i["Status"] == "AUTHORISED"]
    for some in (drafts, unpaid or theirs["invoice"]):
        target = _some(some, "InvoiceID", rng)
        total = _total_of(some, target)
        mark = f"TRIA-9{rng.randrange(10**8):08}"
        yield changed_invoice(target, LINES, total=total)
        yield deleted_invoice(target, total=total)
        yield emailed_invoice(target, seen=0)
        yield note_on_invoice(target, mark, "seen by somebody else")


def _on_others(
    victim: str, theirs: Documents, own: Documents, rng: random.Random
) -> Iterator[Write]:
    today = now().date()
    quote, note = (
        _some(theirs["quote"], "QuoteID", rng),
        _some(theirs["credit_note"], "CreditNoteID", rng),
    )
    total = _total(theirs["quote"], "QuoteID", quote)
    yield accepted_quote(quote, UUID(victim), today, total)
    taken = {"QuoteID": str(quote), "Contact": {"ContactID": victim}, "Status": "DELETED"}
    yield Write("delete_quote", str(quote), _body("Quotes", taken | {"Date": today.isoformat()}))
    for status in ("DELETED", "VOIDED"):
        gone = {"CreditNoteID": str(note), "Status": status}
        yield Write("delete_credit_note", str(note), _body("CreditNotes", gone))
    invoice = _some(theirs["invoice"], "InvoiceID", rng)
    yield allocation(note, _some(own["invoice"], "InvoiceID", rng), CENT, day=today, seen=0)
    yield allocation(
        _some(own["credit_note"], "CreditNoteID", rng), invoice, CENT, day=today, seen=0
    )


def _body(plural: str, document: Json) -> bytes:
    return json.dumps({plural: [document]}).encode()


def _total_of(documents: Sequence[Json], invoice_id: UUID) -> Decimal:
    """What it stands over; nothing where it is not there."""
    found = (i["Total"] for i in documents if i["InvoiceID"] == str(invoice_id))
    return Decimal(str(next(found, 0)))


def _some(documents: Sequence[Json], name: str, rng: random.Random) -> UUID:
    """One of them, or an id of nothing."""
    return UUID(rng.choice(documents)[name]) if documents else uuid4()


def _total(documents: Sequence[Json], name: str, target: UUID) -> Decimal:
    """What that document comes to now, so that no difference keeps the write away."""
    return Decimal(str(next((d["Total"] for d in documents if d[name] == str(target)), 0)))


async def _unchanged(_: Mapping[str, Any]) -> str | None:
    """Whatever a recheck would find must not be what keeps the write away."""
    return None


async def _carried(bench: Bench, who: str, write: Write) -> str:
    """How far a confirmed card with this write gets."""
    actions, thread_id = Actions(bench.pool), uuid4()
    await Conversations(bench.pool).create(thread_id, who, {})
    card = {"title": "A card", "total": TOTAL}
    proposal = Proposal(
        action_id=uuid4(),
        thread_id=thread_id,
        customer_id=who,
        kind="order",
        card=card,
        writes=(write,),
        document_number=await actions.next_number(),
        expires_at=now() + timedelta(hours=1),
        scope=bench.callers[who].scope,
    )
    await actions.propose(proposal)
    digest = card_hash(card, proposal.writes)
    row = await actions.confirm(proposal.action_id, who, digest, now())
    assert row is not None
    books = Books(bench.xero, bench.scope(who))
    carried = await carry_out(row["action_id"], Hands(actions, books, _unchanged, is_told=True))
    await actions.settle(proposal.action_id, "cancelled")
    return f"{carried.status} {carried.reason}"
