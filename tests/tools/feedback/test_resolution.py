"""Open, confirmed, assumed or reopened: what was said, what is open and how quiet it has been."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg.types.json import Jsonb

from tests.tools.conftest import CUSTOMER, a_run
from tools.database import Pool, fetch_one
from tools.feedback.records import FeedbackRecords
from tools.feedback.resolution import Resolutions, settle
from tools.feedback.store import Feedback, Opinion
from tools.rules import load_rules
from tools.runs import Runs

QUIET = load_rules().feedback.quiet_hours
DAYS = load_rules().feedback.reopened_days
GOOD = Opinion(None, None, is_solved=True, comment="")
BAD = Opinion(None, 2, is_solved=False, comment="still crushed")


async def an_answered_turn(pool: Pool, thread_id: UUID, **focus: Any) -> str:
    """A turn that has its answer; the answer's id."""
    run = await Runs(pool, "a worker").create(a_run(thread_id))
    message_id = str(uuid4())
    await fetch_one(
        pool,
        "with ended as (update runs set status = 'succeeded', focus = %s where run_id = %s"
        " returning thread_id, run_id), touched as (update threads set"
        " updated_at = clock_timestamp() where thread_id = %s)"
        " insert into messages (message_id, thread_id, run_id, role, content, created_at)"
        " select %s, thread_id, run_id, 'ai', 'SGD 12.00', clock_timestamp() from ended"
        " returning 1",
        [Jsonb(focus), run["run_id"], thread_id, message_id],
    )
    return message_id


async def aged(pool: Pool, thread_id: UUID, hours: float) -> None:
    """All of it so many hours ago."""
    for table, columns in (
        ("messages", ("created_at",)),
        ("runs", ("created_at", "updated_at")),
        ("feedback", ("updated_at",)),
        ("threads", ("resolved_at",)),
    ):
        earlier = ", ".join(f"{c} = {c} - interval '{hours} hours'" for c in columns)
        query = f"update {table} set {earlier} where thread_id = %s returning 1"  # noqa: S608
        await fetch_one(pool, query, [thread_id])


async def judged(pool: Pool, thread_id: UUID) -> str:
    async with pool.connection() as connection:
        await settle(connection, thread_id)
    row = await fetch_one(pool, "select resolution from threads where thread_id = %s", [thread_id])
    assert row
    return str(row["resolution"])


async def test_an_answer_alone_settles_nothing(pool: Pool, thread_id: UUID) -> None:
    assert await judged(pool, thread_id) == "open"
    await an_answered_turn(pool, thread_id)
    assert await judged(pool, thread_id) == "open"


async def test_a_day_of_quiet_settles_by_itself(pool: Pool, thread_id: UUID) -> None:
    await an_answered_turn(pool, thread_id)
    await aged(pool, thread_id, QUIET - 1)
    assert await judged(pool, thread_id) == "open"
    await aged(pool, thread_id, 2)
    assert await judged(pool, thread_id) == "assumed"


@pytest.mark.parametrize(
    "open_thing",
    [
        "insert into tickets (task_key, thread_id, customer_id, reason, levels, packet, deadline)"
        " values (gen_random_uuid()::text, %s, 'a customer', 'person', '{2}', '{}', now())"
        " returning 1",
        "insert into actions (action_id, thread_id, customer_id, kind, status, card, hash,"
        " document_number, expires_at) values (gen_random_uuid(), %s, 'a customer', 'order',"
        " 'confirmed', '{}', '', gen_random_uuid()::text, now()) returning 1",
        "update runs set status = 'failed' where thread_id = %s returning 1",
        "delete from messages where thread_id = %s and role = 'ai' returning 1",
    ],
    ids=["ticket", "card", "failed run", "no answer"],
)
async def test_quiet_settles_nothing_that_is_open(
    pool: Pool, thread_id: UUID, open_thing: str
) -> None:
    await an_answered_turn(pool, thread_id)
    await aged(pool, thread_id, QUIET + 1)
    await fetch_one(pool, open_thing, [thread_id])
    assert await judged(pool, thread_id) == "open"


async def test_the_customers_word_counts_at_once(pool: Pool, thread_id: UUID) -> None:
    answer, feedback = await an_answered_turn(pool, thread_id), Feedback(pool)
    for opinion, resolution in [
        (Opinion(answer, 1, None, ""), "confirmed"),
        (Opinion(answer, -1, None, ""), "open"),
        (GOOD, "confirmed"),
        (BAD, "open"),
    ]:
        assert await feedback.give(thread_id, CUSTOMER, opinion)
        row = await fetch_one(
            pool, "select resolution from threads where thread_id = %s", [thread_id]
        )
        assert row == {"resolution": resolution}, opinion
    rows = await FeedbackRecords(pool).of_thread(thread_id)
    assert [(r["message_id"], r["score"], r["comment"]) for r in rows] == [
        (answer, -1, ""),
        (None, 2, "still crushed"),
    ]


async def test_who_is_unhappy_is_not_taken_for_content(pool: Pool, thread_id: UUID) -> None:
    await an_answered_turn(pool, thread_id)
    assert await Feedback(pool).give(thread_id, CUSTOMER, BAD)
    await aged(pool, thread_id, QUIET + 1)
    assert await judged(pool, thread_id) == "open"


async def test_thanks_confirm(pool: Pool, thread_id: UUID) -> None:
    await an_answered_turn(pool, thread_id, intents=["balance"])
    await an_answered_turn(pool, thread_id, intents=["balance"], ending="thanks")
    assert await judged(pool, thread_id) == "confirmed"


@pytest.mark.parametrize(
    ("after_hours", "intents", "resolution"),
    [
        (1, ["balance"], "reopened"),
        (1, ["order"], "open"),
        (24 * DAYS + 1, ["balance"], "open"),
    ],
)
async def test_coming_back_about_the_same_reopens(
    pool: Pool, thread_id: UUID, after_hours: float, intents: list[str], resolution: str
) -> None:
    await an_answered_turn(pool, thread_id, intents=["balance"])
    assert await Feedback(pool).give(thread_id, CUSTOMER, GOOD)
    await aged(pool, thread_id, after_hours)
    await an_answered_turn(pool, thread_id, intents=intents)
    assert await judged(pool, thread_id) == resolution
    assert await judged(pool, thread_id) == resolution
    await aged(pool, thread_id, QUIET + 1)
    assert await judged(pool, thread_id) == "assumed"


async def test_a_thumb_on_an_earlier_answer_settles_nothing(pool: Pool, thread_id: UUID) -> None:
    first = await an_answered_turn(pool, thread_id)
    await an_answered_turn(pool, thread_id)
    assert await Feedback(pool).give(thread_id, CUSTOMER, Opinion(first, 1, None, ""))
    assert await judged(pool, thread_id) == "open"


async def test_nobody_rates_what_is_not_theirs(pool: Pool, thread_id: UUID) -> None:
    answer = await an_answered_turn(pool, thread_id)
    row = await fetch_one(
        pool, "select message_id from messages where thread_id = %s and role = 'human'", [thread_id]
    )
    assert row
    feedback = Feedback(pool)
    for who, message in (
        ("somebody else", answer),
        (CUSTOMER, row["message_id"]),
        (CUSTOMER, "no message"),
    ):
        assert await feedback.give(thread_id, who, Opinion(message, 1, None, "")) is None
    assert await feedback.of_customer(thread_id, CUSTOMER) == []


async def test_a_sweep_judges_what_changed_and_what_has_become_quiet(
    pool: Pool, thread_id: UUID
) -> None:
    told: list[str] = []
    resolutions = Resolutions(pool, told.append)
    query = "select settle_after, resolution from threads where thread_id = %s"
    await an_answered_turn(pool, thread_id)
    for _ in range(20):
        await resolutions.settle_due()
    row = await fetch_one(pool, query, [thread_id])
    assert row
    assert row["settle_after"]
    told.clear()
    await aged(pool, thread_id, QUIET + 1)
    early = "update threads set settle_after = now() - interval '1 s' where thread_id = %s"
    await fetch_one(pool, f"{early} returning 1", [thread_id])
    await resolutions.settle_due()
    assert await fetch_one(pool, query, [thread_id]) == {
        "settle_after": None,
        "resolution": "assumed",
    }
    assert told == ["assumed"]
    await resolutions.settle_due()
    assert told == ["assumed"]


async def test_what_the_survey_settles_is_told_of_once(pool: Pool, thread_id: UUID) -> None:
    told: list[str] = []
    feedback = Feedback(pool, told.append)
    await an_answered_turn(pool, thread_id)
    for opinion in (BAD, GOOD, GOOD):
        await feedback.give(thread_id, CUSTOMER, opinion)
    assert told == ["confirmed"]
