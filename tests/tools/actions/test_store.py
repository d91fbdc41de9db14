import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tools.conftest import CUSTOMER
from tools.actions.store import Actions, End, Proposal, card_hash
from tools.database import Pool, fetch_all
from tools.xero.writes import Write

NOW = datetime(2026, 11, 23, 2, 30, tzinfo=UTC)
CARD = {"total": "806.60", "lines": [{"code": "CNP-014-FB-01", "pieces": 600}]}
WRITES = (Write("create_invoice", "TRIA-000001", b'{"Invoices":[]}'),)
STRANGER = "somebody else"


@pytest.fixture
def actions(pool: Pool) -> Actions:
    return Actions(pool)


async def a_proposal(actions: Actions, thread_id: UUID, **changes: Any) -> Proposal:
    fields: dict[str, Any] = {
        "action_id": uuid4(),
        "thread_id": thread_id,
        "customer_id": CUSTOMER,
        "kind": "order",
        "card": CARD,
        "writes": WRITES,
        "document_number": await actions.next_number(),
        "expires_at": NOW + timedelta(hours=24),
    }
    proposal = Proposal(**(fields | changes))
    await actions.propose(proposal)
    return proposal


async def status_of(actions: Actions, action_id: UUID) -> str:
    row = await actions.get(action_id, CUSTOMER)
    assert row is not None
    return str(row["status"])


async def trail(pool: Pool, action_id: UUID) -> list[tuple[str, str]]:
    rows = await fetch_all(
        pool,
        "select actor, event from audit where subject = %s order by audit_id",
        [str(action_id)],
    )
    return [(row["actor"], row["event"]) for row in rows]


DIGEST = card_hash(CARD, WRITES)


def test_the_hash_does_not_depend_on_the_order_of_keys() -> None:
    assert card_hash(dict(reversed(CARD.items())), WRITES) == DIGEST


# 5.4 case 41
@given(st.binary(max_size=20), st.text(max_size=10))
def test_any_change_of_card_or_bytes_changes_the_hash(body: bytes, total: str) -> None:
    changed = card_hash(CARD | {"total": total}, [replace(WRITES[0], body=body)])
    assert (changed == DIGEST) == (body == WRITES[0].body and total == CARD["total"])


@pytest.mark.parametrize("writes", [(), WRITES * 2, (replace(WRITES[0], target="TRIA-000002"),)])
def test_another_set_of_writes_changes_the_hash(writes: tuple[Write, ...]) -> None:
    assert card_hash(CARD, writes) != DIGEST


async def test_numbers_of_our_series_are_never_repeated(actions: Actions) -> None:
    numbers = await asyncio.gather(*(actions.next_number() for _ in range(12)))
    assert len(set(numbers)) == 12
    assert all(n.startswith("TRIA-") and len(n) == 11 for n in numbers)


async def test_a_card_waits_with_the_bytes_that_will_be_sent(
    actions: Actions, thread_id: UUID
) -> None:
    proposal = await a_proposal(actions, thread_id)
    row = await actions.open_of(thread_id, CUSTOMER)
    assert row is not None
    assert (row["status"], row["card"], row["hash"]) == ("proposed", CARD, DIGEST)
    assert row["document_number"] == proposal.document_number
    async with actions.held(proposal.action_id) as ledger:
        assert ledger
        assert [w.write for w in await ledger.writes()] == list(WRITES)


# 5.4 case 42
async def test_the_cards_of_somebody_else_do_not_exist(actions: Actions, thread_id: UUID) -> None:
    proposal = await a_proposal(actions, thread_id)
    assert await actions.open_of(thread_id, STRANGER) is None
    assert await actions.get(proposal.action_id, STRANGER) is None
    assert await actions.confirm(proposal.action_id, STRANGER, DIGEST, NOW) is None
    assert await status_of(actions, proposal.action_id) == "proposed"


async def test_a_turn_that_runs_again_finds_the_card_it_stored(
    actions: Actions, pool: Pool, thread_id: UUID
) -> None:
    first = await a_proposal(actions, thread_id)
    await a_proposal(actions, thread_id, action_id=first.action_id, card={"total": "1.00"})
    row = await actions.get(first.action_id, CUSTOMER)
    assert row is not None
    assert (row["card"], row["document_number"]) == (CARD, first.document_number)
    assert await trail(pool, first.action_id) == [("assistant", "action.proposed")]


async def test_the_next_card_of_a_thread_expires_the_one_before(
    actions: Actions, thread_id: UUID
) -> None:
    first = await a_proposal(actions, thread_id)
    second = await a_proposal(actions, thread_id)
    assert await status_of(actions, first.action_id) == "expired"
    assert await actions.confirm(first.action_id, CUSTOMER, DIGEST, NOW) is None
    row = await actions.open_of(thread_id, CUSTOMER)
    assert row is not None
    assert row["action_id"] == second.action_id


async def test_a_yes_confirms_exactly_what_was_shown(
    actions: Actions, pool: Pool, thread_id: UUID
) -> None:
    proposal = await a_proposal(actions, thread_id)
    row = await actions.confirm(proposal.action_id, CUSTOMER, DIGEST, NOW)
    assert row is not None
    assert row["status"] == "confirmed"
    assert await trail(pool, proposal.action_id) == [
        ("assistant", "action.proposed"),
        (CUSTOMER, "action.confirmed"),
    ]


# 5.4 case 41
async def test_a_yes_to_another_hash_confirms_nothing(actions: Actions, thread_id: UUID) -> None:
    proposal = await a_proposal(actions, thread_id)
    other = card_hash(CARD | {"total": "1.00"}, WRITES)
    assert await actions.confirm(proposal.action_id, CUSTOMER, other, NOW) is None
    assert await status_of(actions, proposal.action_id) == "proposed"


async def test_a_card_that_has_run_out_cannot_be_confirmed(
    actions: Actions, thread_id: UUID
) -> None:
    proposal = await a_proposal(actions, thread_id, expires_at=NOW)
    assert await actions.confirm(proposal.action_id, CUSTOMER, DIGEST, NOW) is None


async def test_a_confirmed_card_stays_confirmed_after_its_time(
    actions: Actions, thread_id: UUID
) -> None:
    proposal = await a_proposal(actions, thread_id)
    await actions.confirm(proposal.action_id, CUSTOMER, DIGEST, NOW)
    late = NOW + timedelta(days=3)
    row = await actions.confirm(proposal.action_id, CUSTOMER, DIGEST, late)
    assert row is not None
    assert row["status"] == "confirmed"


async def test_a_no_lets_the_customers_own_card_go(
    actions: Actions, pool: Pool, thread_id: UUID
) -> None:
    proposal = await a_proposal(actions, thread_id)
    assert await actions.decline(proposal.action_id, CUSTOMER, DIGEST)
    assert await status_of(actions, proposal.action_id) == "declined"
    assert (await trail(pool, proposal.action_id))[-1] == (CUSTOMER, "action.declined")


# 5.4 cases 41 and 42
@pytest.mark.parametrize(("who", "digest"), [(STRANGER, DIGEST), (CUSTOMER, "another hash")])
async def test_nobody_else_and_no_other_hash_declines_a_card(
    actions: Actions, thread_id: UUID, who: str, digest: str
) -> None:
    proposal = await a_proposal(actions, thread_id)
    assert not await actions.decline(proposal.action_id, who, digest)
    assert await status_of(actions, proposal.action_id) == "proposed"


async def test_a_confirmed_card_cannot_be_declined(actions: Actions, thread_id: UUID) -> None:
    proposal = await a_proposal(actions, thread_id)
    await actions.confirm(proposal.action_id, CUSTOMER, DIGEST, NOW)
    assert not await actions.decline(proposal.action_id, CUSTOMER, DIGEST)
    assert await status_of(actions, proposal.action_id) == "confirmed"


@pytest.mark.parametrize("status", ["committed", "declined", "expired", "failed"])
async def test_a_card_ends_once(actions: Actions, pool: Pool, thread_id: UUID, status: End) -> None:
    proposal = await a_proposal(actions, thread_id)
    assert await actions.settle(proposal.action_id, status)
    assert not await actions.settle(proposal.action_id, "declined")
    assert await status_of(actions, proposal.action_id) == status
    assert await actions.open_of(thread_id, CUSTOMER) is None
    assert await actions.confirm(proposal.action_id, CUSTOMER, DIGEST, NOW) is None
    assert await trail(pool, proposal.action_id) == [
        ("assistant", "action.proposed"),
        ("assistant", f"action.{status}"),
    ]
