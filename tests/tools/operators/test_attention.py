"""What the inbox says after people have come and gone."""

from uuid import UUID, uuid4

import pytest
from psycopg.types.json import Jsonb

from tests.tools.operators.conversations import a_card, a_ticket, a_turn, execute
from tests.tools.operators.test_inbox import inbox, taken_over, thread, why
from tools.actions.desk import ApprovalDesk
from tools.database import Pool, fetch_all
from tools.errors import OperationRefused
from tools.operators.attention import LATER, NOW, SOON
from tools.operators.inbox import Inbox, Wish
from tools.operators.words import told

__all__ = ["inbox", "thread"]

JOINED = Jsonb({"person": {"name": "Mei", "event": "joined"}})


async def test_an_approval_that_was_passed_on_is_for_both_levels_and_now(
    inbox: Inbox, pool: Pool, thread: UUID
) -> None:
    run_id = uuid4()
    card = await a_card(pool, thread, run_id=run_id, approval_level=2)
    key = {"task_key": f"{run_id}:hand_off", "reason": "approval"}
    await a_ticket(pool, thread, left_s=600, levels=[3], **key)
    assert await why(inbox, thread) == [("approval", SOON)]
    await execute(
        pool, "update actions set escalated_at = now() where action_id = %(card)s", card=card
    )
    [row] = await inbox.of_thread(thread)
    assert (row["step"], row["levels"]) == (NOW, [2, 3])
    assert told(row)["text"] == "Forgotten order waits for levels 2, 3"
    page = await inbox.page(Wish(level=3, customer=f"customer-{thread}"))
    assert thread in [row["thread_id"] for row in page.rows]


async def test_that_somebody_has_joined_is_no_answer_to_what_was_asked(
    inbox: Inbox, pool: Pool, thread: UUID
) -> None:
    await a_turn(pool, thread, status="cancelled", for_person=True, ago_s=60)
    run_id = await a_turn(pool, thread, for_person=True)
    await execute(
        pool, "delete from messages where run_id = %(run)s and role = 'human'", run=run_id
    )
    await execute(
        pool,
        "update messages set extra = %(joined)s where run_id = %(run)s",
        joined=JOINED,
        run=run_id,
    )
    await taken_over(pool, thread)
    assert await why(inbox, thread) == [("person", SOON)]
    await execute(
        pool,
        "update messages set extra = extra #- '{person,event}' where run_id = %(run)s",
        run=run_id,
    )
    assert await why(inbox, thread) == [("person", LATER)]


async def test_a_complaint_is_over_when_a_colleague_has_come_since(
    inbox: Inbox, pool: Pool, thread: UUID
) -> None:
    await a_turn(pool, thread)
    await execute(
        pool,
        "insert into feedback (thread_id, customer_id, is_solved) values (%(t)s, 'c', false)",
        t=thread,
    )
    assert await why(inbox, thread) == [("unhappy", SOON)]
    await a_turn(pool, thread, for_person=True, ago_s=-1)
    assert await why(inbox, thread) == []


async def test_a_write_is_tried_again_at_once_and_only_while_it_is_under_way(
    pool: Pool, thread: UUID
) -> None:
    desk = ApprovalDesk(pool)
    card = await a_card(pool, thread, ago_s=60)
    await execute(
        pool,
        "update actions set try_after = now() + interval '5 minutes' where action_id = %(c)s",
        c=card,
    )
    assert card not in [row["action_id"] for row in await desk.unfinished()]
    await desk.look_again(card, "wei")
    assert card in [row["action_id"] for row in await desk.unfinished()]
    for columns in ({"status": "committed"}, {"approval_level": 2}):
        other = await a_card(pool, thread, **columns)
        with pytest.raises(OperationRefused):
            await desk.look_again(other, "wei")
    noted = await fetch_all(
        pool,
        "select actor, event from audit where event = 'action.tried_again' and subject = %s",
        [str(card)],
    )
    assert [row["actor"] for row in noted] == ["wei"]
