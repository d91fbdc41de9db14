"""What needs a person, why, how urgently, and what does not."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg.types.json import Jsonb

from graph.inspection.masking import mask
from tests.tools.operators.conversations import (
    a_card,
    a_conversation,
    a_ticket,
    a_turn,
    execute,
)
from tools.database import Pool, fetch_all
from tools.operators.attention import LATER, NOW, SOON
from tools.operators.inbox import Inbox, Key, Wish
from tools.synthetic import CUSTOMER

HOUR, DAY = 3_600, 86_400


@pytest.fixture
def inbox(pool: Pool) -> Inbox:
    return Inbox(pool, mask)


@pytest.fixture
async def thread(pool: Pool) -> UUID:
    return await a_conversation(pool)


async def why(inbox: Inbox, thread: UUID) -> list[tuple[str, int]]:
    return [(row["reason"], row["step"]) for row in await inbox.of_thread(thread)]


async def test_an_answered_conversation_needs_nobody(
    inbox: Inbox, pool: Pool, thread: UUID
) -> None:
    await a_turn(pool, thread)
    await a_ticket(pool, thread, status="closed")
    await a_card(pool, thread, status="committed")
    assert await why(inbox, thread) == []


async def test_a_failed_message_needs_somebody_until_a_later_one_is_answered(
    inbox: Inbox, pool: Pool, thread: UUID
) -> None:
    await a_turn(pool, thread, status="failed", error="model_unavailable")
    [row] = await inbox.of_thread(thread)
    assert (row["reason"], row["step"], row["what"]) == ("failed", NOW, "model_unavailable")
    await a_turn(pool, thread, status="cancelled")
    assert await why(inbox, thread) == [("failed", NOW)]
    await a_turn(pool, thread)
    assert await why(inbox, thread) == []


@pytest.mark.parametrize(
    ("columns", "ago_s", "expected"),
    [
        ({"status": "queued"}, 20, None),
        ({"status": "queued"}, 90, "waiting"),
        ({"status": "queued", "due_at": datetime(2030, 1, 1, tzinfo=UTC)}, DAY, None),
        ({"status": "running", "lease_until": datetime(2040, 1, 1, tzinfo=UTC)}, 20, None),
        ({"status": "running", "lease_until": datetime(2040, 1, 1, tzinfo=UTC)}, 300, "slow"),
        ({"status": "running", "lease_until": datetime(2020, 1, 1, tzinfo=UTC)}, 20, "lost"),
        (
            {"status": "running", "strikes": 3, "lease_until": datetime(2040, 1, 1, tzinfo=UTC)},
            20,
            "dying",
        ),
    ],
)
async def test_a_turn_is_stuck_when_nobody_gets_on_with_it(
    inbox: Inbox,
    pool: Pool,
    thread: UUID,
    columns: dict[str, Any],
    ago_s: float,
    expected: str | None,
) -> None:
    await a_turn(pool, thread, ago_s=ago_s, **columns)
    assert [row["what"] for row in await inbox.of_thread(thread)] == (
        [expected] if expected else []
    )


async def test_a_message_that_a_colleague_is_to_answer_is_not_stuck(
    inbox: Inbox, pool: Pool, thread: UUID
) -> None:
    await a_turn(pool, thread, ago_s=90, status="queued")
    await taken_over(pool, thread)
    assert "stuck" not in dict(await why(inbox, thread))


async def taken_over(pool: Pool, thread: UUID, who: str = "mei") -> None:
    await execute(
        pool,
        "update threads set person = jsonb_build_object('staff_id', %(who)s::text, 'name', 'Mei',"
        " 'since', now()) where thread_id = %(id)s",
        id=thread,
        who=who,
    )


async def test_a_deadline_runs_then_is_late_then_only_the_ticket_is_left_to_close(
    inbox: Inbox, pool: Pool, thread: UUID
) -> None:
    await a_ticket(pool, thread, left_s=600)
    assert await why(inbox, thread) == [("handoff", SOON)]
    await execute(
        pool,
        "update tickets set deadline = now() - interval '1 s' where thread_id = %(t)s",
        t=thread,
    )
    assert await why(inbox, thread) == [("handoff", NOW)]
    await execute(pool, "update tickets set answered_at = now() where thread_id = %(t)s", t=thread)
    assert await why(inbox, thread) == [("handoff", LATER)]


async def test_an_emergency_does_not_wait_for_its_deadline(
    inbox: Inbox, pool: Pool, thread: UUID
) -> None:
    await a_ticket(pool, thread, reason="food_safety", levels=[2, 3, 4])
    assert await why(inbox, thread) == [("handoff", NOW)]


async def test_a_card_that_waits_for_a_person_has_its_tickets_deadline_and_level(
    inbox: Inbox, pool: Pool, thread: UUID
) -> None:
    run_id = uuid4()
    await a_card(pool, thread, run_id=run_id, approval_level=3)
    key = {"task_key": f"{run_id}:hand_off", "reason": "approval"}
    await a_ticket(pool, thread, left_s=-1, **key)
    [row] = await inbox.of_thread(thread)
    assert (row["reason"], row["step"], row["levels"]) == ("approval", NOW, [3])
    await execute(
        pool,
        "update tickets set deadline = now() + interval '1 h' where thread_id = %(t)s",
        t=thread,
    )
    assert await why(inbox, thread) == [("approval", SOON)]


async def test_a_write_without_an_answer_is_shown_and_one_under_way_is_not(
    inbox: Inbox, pool: Pool, thread: UUID
) -> None:
    card = await a_card(pool, thread, ago_s=10)
    await execute(
        pool,
        "insert into action_writes (action_id, position, operation, target, body, status, sent_at)"
        " values (%(card)s, 0, 'create_invoice', 'x', '', 'sent', now() - interval '5 minutes')",
        card=card,
    )
    assert await why(inbox, thread) == []
    await execute(
        pool,
        "update actions set updated_at = now() - interval '5 minutes' where action_id = %(card)s",
        card=card,
    )
    [row] = await inbox.of_thread(thread)
    assert (row["reason"], row["step"], row["what"]) == ("outcome", NOW, "unknown")


async def test_who_has_a_conversation_is_waited_for_when_the_customer_wrote(
    inbox: Inbox, pool: Pool, thread: UUID
) -> None:
    await a_turn(pool, thread, ago_s=HOUR)
    await taken_over(pool, thread)
    assert await why(inbox, thread) == [("person", LATER)]
    await a_turn(pool, thread, ago_s=60, status="cancelled", for_person=True)
    assert await why(inbox, thread) == [("person", SOON)]
    await execute(
        pool,
        "update messages set created_at = now() - interval '11 minutes' where thread_id = %(t)s",
        t=thread,
    )
    assert await why(inbox, thread) == [("person", NOW)]


@pytest.mark.parametrize(
    ("concern", "expected"),
    [
        ("angry", ("unhappy", SOON)),
        ("unhappy", ("unhappy", LATER)),
        ("unsure", ("unsure", LATER)),
        ("misunderstood", ("unsure", LATER)),
        ("withheld", ("unsure", LATER)),
    ],
)
async def test_moods_and_doubts_are_shown_and_pass(
    inbox: Inbox, pool: Pool, thread: UUID, concern: str, expected: tuple[str, int]
) -> None:
    await a_turn(pool, thread, signals=Jsonb({"concerns": [concern]}))
    assert await why(inbox, thread) == [expected]
    for _ in range(2):
        await a_turn(pool, thread, signals=Jsonb({"sentiment": "neutral"}))
    assert await why(inbox, thread) == [expected]
    await a_turn(pool, thread, signals=Jsonb({"sentiment": "neutral"}))
    assert await why(inbox, thread) == []


async def test_a_mood_of_last_week_is_nobodys_any_more(
    inbox: Inbox, pool: Pool, thread: UUID
) -> None:
    await a_turn(pool, thread, ago_s=7 * DAY, signals=Jsonb({"concerns": ["angry"]}))
    assert await why(inbox, thread) == []


async def test_what_was_seen_goes_once_with_its_audit_row_and_a_new_one_comes_back(
    inbox: Inbox, pool: Pool, thread: UUID
) -> None:
    await a_turn(pool, thread, ago_s=60, signals=Jsonb({"concerns": ["angry"]}))
    await a_ticket(pool, thread)
    through = max(
        row["since"] for row in await inbox.of_thread(thread) if row["reason"] == "unhappy"
    )
    for _ in range(2):
        assert await inbox.seen(thread, through, "wei")
    assert await why(inbox, thread) == [("handoff", SOON)]
    noted = await fetch_all(
        pool, "select actor, event from audit where subject = %s", [str(thread)]
    )
    assert noted == [{"actor": "wei", "event": "conversation.seen"}]
    await a_turn(pool, thread, signals=Jsonb({"concerns": ["angry"]}))
    assert "unhappy" in dict(await why(inbox, thread))
    assert not await inbox.seen(uuid4(), through, "wei")


async def test_a_customer_who_says_it_is_not_solved(inbox: Inbox, pool: Pool, thread: UUID) -> None:
    await execute(
        pool,
        "insert into feedback (thread_id, customer_id, is_solved) values (%(t)s, 'c', false)",
        t=thread,
    )
    assert await why(inbox, thread) == [("unhappy", SOON)]
    assert await inbox.seen(thread, datetime.now(UTC) + timedelta(seconds=1), "wei")
    assert await why(inbox, thread) == []


async def seven(pool: Pool, customer: str) -> list[UUID]:
    """Conversations in the order in which they are urgent."""
    threads = [await a_conversation(pool, customer) for _ in range(7)]
    late, emergency, failed, soon, sooner, angry, unsure = threads
    await a_ticket(pool, late, left_s=-HOUR)
    await a_turn(pool, failed, status="failed")
    await a_ticket(pool, emergency, left_s=60, reason="food_safety")
    await a_ticket(pool, sooner, left_s=600)
    await a_ticket(pool, soon, left_s=1_200, levels=[3])
    await a_turn(pool, angry, signals=Jsonb({"concerns": ["angry"]}))
    await a_turn(pool, unsure, signals=Jsonb({"concerns": ["unsure"]}))
    return [late, emergency, failed, sooner, soon, angry, unsure]


async def test_the_most_urgent_stands_first_and_pages_follow_each_other(
    inbox: Inbox, pool: Pool
) -> None:
    customer = str(uuid4())
    expected = await seven(pool, customer)
    page = await inbox.page(Wish(customer=customer), limit=2)
    found = [row["thread_id"] for row in page.rows]
    while page.following:
        after = Key.read(str(page.following))
        page = await inbox.page(Wish(customer=customer), after, limit=2)
        assert page.total == 7
        found += [row["thread_id"] for row in page.rows]
    assert found == expected
    assert page.counts["handoff"] == 4
    assert page.counts["failed"] == page.counts["unhappy"] == page.counts["unsure"] == 1


async def test_filters(inbox: Inbox, pool: Pool) -> None:
    customer = str(uuid4())
    late, _, failed, _, soon, *_ = await seven(pool, customer)
    await execute(pool, "update threads set assigned_to = 'wei' where thread_id = %(t)s", t=late)
    await taken_over(pool, soon)
    await execute(
        pool, 'update runs set focus = \'{"language": "ta"}\' where thread_id = %(t)s', t=failed
    )

    async def of(**wish: Any) -> set[UUID]:
        page = await inbox.page(Wish(customer=customer, **wish))
        return {row["thread_id"] for row in page.rows}

    assert await of(reason="failed") == {failed}
    assert await of(level=3) == {soon}
    assert await of(mine="wei") == {late}
    assert await of(mine="mei") == {soon}
    assert len(await of(is_unassigned=True)) == 5
    assert await of(language="ta") == {failed}
    assert await of(reason="failed", level=3) == set()


async def test_a_row_says_whose_it_is_and_hides_what_is_personal(inbox: Inbox, pool: Pool) -> None:
    customer = str(uuid4())
    thread = await a_conversation(pool, customer)
    said = "Aisyah Rahman here, call 9123 4567 about INV-0012"
    await a_turn(pool, thread, said, status="failed")
    [row] = (await inbox.page(Wish(customer=customer))).rows
    assert row["company"] == "Kopi Lane Pte Ltd"
    assert "INV-0012" in row["said"]
    assert row["said_by"] == "customer"
    for secret in ("Aisyah", "9123"):
        assert secret not in str(row)


async def test_the_services_own_conversation_needs_nobody(inbox: Inbox, pool: Pool) -> None:
    before = (await inbox.page()).total
    await a_turn(pool, await a_conversation(pool, CUSTOMER), status="failed")
    assert (await inbox.page()).total == before
    await a_turn(pool, await a_conversation(pool), status="failed")
    assert (await inbox.page()).total == before + 1
