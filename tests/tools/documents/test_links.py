import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg.errors import CheckViolation

from tests.tools.conftest import CUSTOMER
from tools.conversations import Conversations
from tools.database import Pool, fetch_all, fetch_one
from tools.documents.links import Links, NewLink

SCOPE = {"customer_id": CUSTOMER, "contact_ids": [], "roles": ["buyer"]}


@pytest.fixture
def links(pool: Pool) -> Links:
    return Links(pool)


def a_link(**changes: Any) -> NewLink:
    fields: dict[str, Any] = {
        "kind": "invoice_pdf",
        "scope": SCOPE,
        "target": {"number": "INV-0042"},
    }
    return NewLink(**(fields | changes))


async def age(pool: Pool, minutes: int) -> None:
    """Let time pass for every link."""
    await fetch_all(
        pool,
        "update document_links set expires_at = expires_at - %s * interval '1 minute' returning 1",
        [minutes],
    )


async def test_a_link_holds_what_it_leads_to_and_for_whom(links: Links, thread_id: UUID) -> None:
    token = await links.issue(a_link(thread_id=thread_id))
    row = await links.redeem(token)
    assert row is not None
    assert (row["kind"], row["target"]) == ("invoice_pdf", {"number": "INV-0042"})
    assert (row["customer_id"], row["scope"], row["thread_id"]) == (CUSTOMER, SCOPE, thread_id)


# 5.4 case 18
async def test_a_link_works_once(links: Links) -> None:
    token = await links.issue(a_link())
    assert await links.redeem(token)
    assert await links.redeem(token) is None
    assert await links.find(token) is None


async def test_of_many_clicks_at_once_one_gets_it(links: Links) -> None:
    token = await links.issue(a_link())
    got = await asyncio.gather(*(links.redeem(token) for _ in range(12)))
    assert sum(row is not None for row in got) == 1


async def test_to_look_does_not_use_it_up(links: Links) -> None:
    token = await links.issue(a_link())
    assert await links.find(token)
    assert await links.find(token)
    assert await links.redeem(token)


# 5.4 case 18
async def test_a_link_ends_after_five_minutes(links: Links, pool: Pool) -> None:
    token = await links.issue(a_link())
    await age(pool, 4)
    assert await links.find(token)
    await age(pool, 1)
    assert await links.find(token) is None
    assert await links.redeem(token) is None


# 5.4 case 18
@pytest.mark.parametrize(
    "change", [str.swapcase, lambda t: t[:-1], lambda t: t + "A", lambda t: ""]
)
async def test_an_altered_token_opens_nothing(links: Links, change: Any) -> None:
    token = await links.issue(a_link())
    assert await links.redeem(change(token)) is None
    assert await links.redeem(token)


async def test_the_table_of_links_has_no_token(links: Links, pool: Pool) -> None:
    token = await links.issue(a_link())
    row = await fetch_one(pool, "select string_agg(l::text, ' ') as all from document_links l")
    assert row is not None
    assert token not in row["all"]
    assert token.encode().hex() not in row["all"]
    assert len(token) == 43


async def test_a_kind_that_is_not_known_is_refused(links: Links) -> None:
    with pytest.raises(CheckViolation):
        await links.issue(a_link(kind="payroll_pdf"))


async def test_long_ended_links_go_when_one_is_issued(links: Links, pool: Pool) -> None:
    await links.issue(a_link())
    await age(pool, 60 * 25)
    await links.issue(a_link())
    row = await fetch_one(pool, "select count(*) as n from document_links")
    assert row == {"n": 1}


async def test_the_links_of_an_hour_are_counted_by_customer_and_kind(
    links: Links, pool: Pool
) -> None:
    asker = f"a customer {uuid4()}"
    scope = SCOPE | {"customer_id": asker}
    for kind in ("invoices_zip", "invoice_pdf"):
        await links.issue(a_link(kind=kind, scope=scope))
    assert await links.redeem(await links.issue(a_link(kind="invoices_zip", scope=scope)))
    assert await links.issued_lately(asker, "invoices_zip") == 2
    assert await links.issued_lately(asker, "invoice_pdf") == 1
    assert await links.issued_lately("another", "invoices_zip") == 0
    await fetch_all(
        pool,
        "update document_links set created_at = created_at - interval '61 minutes'"
        " where customer_id = %s returning 1",
        [asker],
    )
    assert await links.issued_lately(asker, "invoices_zip") == 0


async def test_a_conversations_links_go_with_it(links: Links, pool: Pool, thread_id: UUID) -> None:
    token = await links.issue(a_link(thread_id=thread_id))
    assert await Conversations(pool).delete(thread_id, CUSTOMER)
    assert await links.find(token) is None
