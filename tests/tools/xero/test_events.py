import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.database import Pool, fetch_all, fetch_one
from tools.xero.events import AT_ONCE, MOST_TRIES, Event, XeroEvents, events_in, is_signed

KEY = "aGVsbG8gd29ybGQ="
BODY = b'{"events":[]}'
TENANT, INVOICE = uuid4(), uuid4()
AT = datetime(2026, 11, 27, 2, 30, tzinfo=UTC)
SENT = {
    "resourceUrl": f"https://api.xero.com/api.xro/2.0/Invoices/{INVOICE}",
    "resourceId": str(INVOICE),
    "eventDateUtc": "2026-11-27T02:30:00.000",
    "eventType": "UPDATE",
    "eventCategory": "INVOICE",
    "tenantId": str(TENANT),
    "tenantType": "ORGANISATION",
}


def signature(body: bytes, key: bytes) -> str:
    return base64.b64encode(hmac.new(key, body, hashlib.sha256).digest()).decode()


def body_of(*events: Any, **more: Any) -> bytes:
    return json.dumps({"events": list(events), "firstEventSequence": 0, **more}).encode()


def an_event(**changes: Any) -> Event:
    fields: dict[str, Any] = {
        "tenant_id": TENANT,
        "resource_id": uuid4(),
        "category": "INVOICE",
        "at": AT,
        "type": "UPDATE",
    }
    return Event(**(fields | changes))


# ---------------------------------------------------------------- case 45: signatures and forms


# 5.4 case 45
def test_the_signature_is_made_with_the_key_as_it_is_printed() -> None:
    assert is_signed(BODY, signature(BODY, KEY.encode()), KEY)
    assert is_signed(b"", signature(b"", KEY.encode()), KEY)


@pytest.mark.parametrize(
    "wrong",
    [
        signature(BODY, base64.b64decode(KEY)),
        signature(BODY + b" ", KEY.encode()),
        signature(BODY, b"another key"),
        "",
        "not base64 ü",
    ],
    ids=["key decoded", "another body", "another key", "missing", "nonsense"],
)
def test_any_other_signature_is_refused(wrong: str) -> None:
    assert not is_signed(BODY, wrong, KEY)


def test_an_event_is_read_with_its_moment_in_utc() -> None:
    assert events_in(body_of(SENT)) == [an_event(resource_id=INVOICE)]


@pytest.mark.parametrize(
    "written", ["2026-11-27T02:30:00", "2026-11-27T02:30:00.0000000", "2026-11-27T10:30:00+08:00"]
)
def test_moments_are_read_however_they_are_written(written: str) -> None:
    [event] = events_in(body_of(SENT | {"eventDateUtc": written}))
    assert event.at == AT


@pytest.mark.parametrize(
    "body",
    [
        body_of(),
        body_of(firstEventSequence=0, lastEventSequence=0, entropy="S0M3"),
        b"",
        b"{",
        b"[1]",
        b"null",
        b'{"events": 5}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_a_body_without_events_is_no_error(body: bytes) -> None:
    assert events_in(body) == []


@pytest.mark.parametrize(
    "changed",
    [
        {"eventCategory": "SUBSCRIPTION"},
        {"eventCategory": "SOMETHING_NEW"},
        {"tenantId": None},
        {"resourceId": "INV-1"},
        {"eventDateUtc": "yesterday"},
        {"eventType": "\x00"},
    ],
)
def test_an_event_that_is_not_understood_is_left_out_and_the_others_are_kept(
    changed: dict[str, Any],
) -> None:
    read = events_in(body_of("nonsense", SENT | changed, SENT | {"new field": {}}))
    assert [event.resource_id for event in read] == [INVOICE]


@given(st.binary(max_size=200) | st.recursive(st.text(), st.lists).map(json.dumps).map(str.encode))
def test_no_body_breaks_it(body: bytes) -> None:
    events_in(body)


# ---------------------------------------------------------------- what is stored


@pytest.fixture
async def events(pool: Pool) -> AsyncIterator[XeroEvents]:
    yield XeroEvents(pool)
    async with pool.connection() as connection:
        await connection.execute("delete from xero_events")


async def is_due(pool: Pool) -> None:
    async with pool.connection() as connection:
        await connection.execute("update xero_events set try_after = now()")


async def test_an_event_stands_once_however_often_it_is_sent(events: XeroEvents) -> None:
    first, second = an_event(), an_event(category="CONTACT")
    assert await events.store([first, first, second], TENANT) == 2
    assert await events.store([second, first], TENANT) == 0
    assert (await events.seen()).waiting == 2


async def test_another_moment_or_type_is_another_event(events: XeroEvents) -> None:
    one = {"resource_id": INVOICE}
    same = [an_event(**one), an_event(**one, type="CREATE"), an_event(**one, at=datetime.now(UTC))]
    assert await events.store(same, TENANT) == 3


async def test_events_of_another_organisation_are_dropped(events: XeroEvents) -> None:
    assert await events.store([an_event(tenant_id=uuid4())], TENANT) == 0
    assert (await events.seen()).last_at is None


async def test_each_event_is_worked_on_by_one_process(events: XeroEvents) -> None:
    stored = [an_event() for _ in range(AT_ONCE + 20)]
    await events.store(stored, TENANT)
    found = await asyncio.gather(*(events.claim() for _ in range(6)))
    taken = [event for batch in found for event in batch]
    assert len(taken) == len(stored)
    assert set(taken) == set(stored)
    assert await events.claim() == []


async def test_what_failed_is_tried_again_later_and_what_is_done_is_not(
    events: XeroEvents, pool: Pool
) -> None:
    good, bad = an_event(), an_event()
    await events.store([good, bad], TENANT)
    await events.claim()
    await events.done([good])
    await events.failed([bad], "backend_unavailable: away")
    assert await events.claim() == []
    await is_due(pool)
    assert await events.claim() == [bad]


async def test_an_event_whose_process_died_is_taken_up_again(
    events: XeroEvents, pool: Pool
) -> None:
    await events.store([event := an_event()], TENANT)
    assert await events.claim() == [event]
    await is_due(pool)
    assert await events.claim() == [event]


async def test_an_event_is_given_up_in_the_end_until_somebody_retries_it(
    events: XeroEvents, pool: Pool
) -> None:
    await events.store([event := an_event()], TENANT)
    for _ in range(MOST_TRIES):
        await is_due(pool)
        assert await events.claim() == [event]
        await events.failed([event], "backend_unavailable: away")
    await is_due(pool)
    assert await events.claim() == []
    seen = await events.seen()
    assert seen.waiting == 0
    [parked] = seen.parked
    assert (parked["resource_id"], parked["error"]) == (
        event.resource_id,
        "backend_unavailable: away",
    )

    assert await events.retry_parked("an admin") == 1
    assert await events.claim() == [event]
    assert (await events.seen()).parked == ()
    rows = await fetch_all(pool, "select actor from audit where event = 'xero.events_retried'")
    assert [row["actor"] for row in rows] == ["an admin"]


async def test_what_was_done_long_ago_is_forgotten(events: XeroEvents, pool: Pool) -> None:
    old, fresh, waiting = an_event(), an_event(), an_event()
    await events.store([old, fresh, waiting], TENANT)
    await events.done([old, fresh])
    await fetch_one(
        pool,
        "update xero_events set done_at = now() - interval '31 days', received_at = now()"
        " - interval '31 days' where resource_id = %s returning 1",
        [old.resource_id],
    )
    await events.forget_done()
    rows = await fetch_all(pool, "select resource_id from xero_events")
    assert {UUID(str(row["resource_id"])) for row in rows} == {
        fresh.resource_id,
        waiting.resource_id,
    }
