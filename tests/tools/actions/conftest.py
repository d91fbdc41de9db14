"""A customer's books in the sandbox, and cards whose writes go into them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.conftest import customer
from tests.tools.conftest import a_thread
from tests.tools.xero.conftest import client, http, parts, redis
from tools.actions.store import Actions, Kind, Proposal, card_hash
from tools.database import Pool
from tools.xero.books import Books
from tools.xero.client import XeroClient
from tools.xero.scope import scope_of
from tools.xero.writes import Write, new_invoice

__all__ = ["client", "http", "parts", "redis"]

TOTAL = "49.05"  # 100 boxes at 0.45 and 9% on it


@pytest.fixture
def actions(pool: Pool) -> Actions:
    return Actions(pool)


@pytest.fixture
def books(client: XeroClient) -> Books:
    who = customer()
    return Books(client, scope_of(who.customer_id, who.contact_ids, who.roles))


def an_invoice(number: str, contact_id: str | None = None, **changes: Any) -> Write:
    """A draft of 100 boxes over TOTAL."""
    line = {"ItemCode": "CNP-014-FB-01", "Description": "box", "Quantity": 100, "UnitAmount": 0.45}
    day = datetime.now(UTC).date()
    document = {
        "Contact": {"ContactID": contact_id or customer().contact_ids[0]},
        "Date": day.isoformat(),
        "DueDate": (day + timedelta(days=30)).isoformat(),
        "LineItems": [line | {"AccountCode": "200", "TaxType": "OUTPUTY24"}],
    }
    return new_invoice(number, document | changes)


def a_number() -> str:
    """A number that no other database has given out in the same sandbox."""
    return f"TRIA-7{uuid4().int % 10**8:08}"


async def a_confirmed(
    actions: Actions,
    pool: Pool,
    writes: Sequence[Write],
    number: str,
    *,
    kind: Kind = "order",
    card: dict[str, Any] | None = None,
    level: int | None = None,
) -> dict[str, Any]:
    """A card to which the customer has said yes."""
    who, now = customer(), datetime.now(UTC)
    shown = {"title": "A card", "total": TOTAL} | (card or {})
    proposal = Proposal(
        action_id=uuid4(),
        thread_id=await a_thread(pool, who.customer_id),
        customer_id=who.customer_id,
        kind=kind,
        card=shown,
        writes=writes,
        document_number=number,
        expires_at=now + timedelta(hours=1),
        scope={"customer_id": who.customer_id},
        approval_level=level,
    )
    await actions.propose(proposal)
    digest = card_hash(shown, writes)
    row = await actions.confirm(proposal.action_id, who.customer_id, digest, now)
    assert row is not None
    return row


async def status_of(actions: Actions, action_id: UUID) -> str:
    row = await actions.get(action_id, customer().customer_id)
    assert row is not None
    return str(row["status"])
