"""What the transactions of a take-over leave in the tables; no service works on them."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from tests.tools.conftest import a_run
from tests.tools.test_tickets import a_ticket
from tools.conversations import Conversations
from tools.database import Pool, fetch_all, fetch_one
from tools.deferred import Deferred
from tools.errors import OperationRefused
from tools.intake import Place, ThreadMissing, queue_notice
from tools.operators.notes import Notes
from tools.operators.person_turns import Person
from tools.operators.replies import Replies
from tools.operators.takeover import Takeovers
from tools.operators.tickets import ThreadTickets
from tools.runs import Answer, Runs
from tools.threads import Threads
from tools.tickets import Tickets
from tools.turns import Turns

MEI, ALI = Person("mei", "Mei"), Person("ali", "Ali")
FARAH = Person("farah", "Farah", leads=True)
FOCUS = {"language": "zh", "documents": ["INV-1"], "order": {"lines": []}, "misunderstood": 2}
REPLY = {"content": "You owe nothing.", "extra": {"citations": []}}


@pytest.fixture
def runs(pool: Pool) -> Runs:
    return Runs(pool, f"worker {uuid4()}")


@pytest.fixture
def desk(pool: Pool) -> Takeovers:
    return Takeovers(pool)


async def an_answer(runs: Runs, thread_id: UUID) -> DictRow:
    run = await runs.create(a_run(thread_id, starts=True))
    answer = Answer(str(uuid4()), REPLY, FOCUS)
    assert await runs.answer(run["run_id"], answer, "succeeded")
    return run


async def state(pool: Pool, run_id: UUID) -> DictRow:
    row = await fetch_one(pool, "select * from runs where run_id = %s", [run_id])
    assert row
    return row


async def said(pool: Pool, thread_id: UUID) -> list[tuple[str, str]]:
    return [(m["role"], m["content"]) for m in await Conversations(pool).window(thread_id)]


async def trail(pool: Pool, thread_id: UUID) -> list[str]:
    rows = await fetch_all(
        pool, "select event from audit where subject = %s order by audit_id", [str(thread_id)]
    )
    return [row["event"] for row in rows]


async def news(pool: Pool, run: DictRow) -> UUID:
    run_id = uuid4()
    async with pool.connection() as connection, connection.transaction():
        await queue_notice(connection, run_id, run, {"kind": "payment"})
    return run_id


async def of_news(pool: Pool, thread_id: UUID) -> list[tuple[str, bool]]:
    rows = await fetch_all(
        pool,
        "select status, due_at is not null as waits from runs"
        " where thread_id = %s and notice is not null order by created_at, turn",
        [thread_id],
    )
    return [(row["status"], row["waits"]) for row in rows]


async def test_a_turn_under_way_stores_nothing_any_more(
    runs: Runs, desk: Takeovers, pool: Pool, thread_id: UUID
) -> None:
    run = await runs.create(a_run(thread_id, starts=True))
    change = await desk.take_over(thread_id, MEI)
    assert [ended["run_id"] for ended in change.ended] == [run["run_id"]]
    assert await runs.answer(run["run_id"], Answer(str(uuid4()), REPLY, {}), "succeeded") is None
    assert await runs.renew([run["run_id"]]) == {}
    assert [role for role, _ in await said(pool, thread_id)] == ["human", "ai"]
    assert "Mei" in (await said(pool, thread_id))[-1][1]


async def test_what_waits_and_what_comes_is_claimed_by_nobody(
    runs: Runs, desk: Takeovers, pool: Pool, thread_id: UUID
) -> None:
    waits = await runs.create(a_run(thread_id))
    await desk.take_over(thread_id, MEI)
    comes = await runs.create(a_run(thread_id, starts=True, strategy="reject"))
    assert await runs.claim(thread_id) == []
    assert (await state(pool, waits["run_id"]))["status"] == "cancelled"
    assert (comes["status"], comes["for_person"]) == ("succeeded", True)


async def test_what_was_brought_back_to_life_waits_for_the_hand_back(
    runs: Runs, desk: Takeovers, pool: Pool, thread_id: UUID
) -> None:
    run = await an_answer(runs, thread_id)
    await desk.take_over(thread_id, MEI)
    await fetch_one(
        pool, "update runs set status = 'queued' where run_id = %s returning 1", [run["run_id"]]
    )
    assert await runs.claim(thread_id) == []
    await desk.hand_back(thread_id, MEI, uuid4())
    assert [claimed["run_id"] for claimed in await runs.claim(thread_id)] == [run["run_id"]]


async def test_a_decided_card_goes_on_in_silence(
    runs: Runs, desk: Takeovers, pool: Pool, thread_id: UUID
) -> None:
    run = await an_answer(runs, thread_id)
    await fetch_one(
        pool,
        "update runs set status = 'queued', resume = %s where run_id = %s returning 1",
        [Jsonb({"approved": True}), run["run_id"]],
    )
    await desk.take_over(thread_id, MEI)
    assert [claimed["run_id"] for claimed in await runs.claim(thread_id)] == [run["run_id"]]


async def test_a_message_follows_what_the_person_said_wherever_the_client_goes_back_to(
    runs: Runs, desk: Takeovers, pool: Pool, thread_id: UUID
) -> None:
    first = await an_answer(runs, thread_id)
    await desk.take_over(thread_id, MEI)
    again = await runs.create(a_run(thread_id, content="no: what do I owe?", place=Place(None)))
    retried = await runs.create(
        a_run(thread_id, content=None, place=Place(None, asked_in=first["run_id"]))
    )
    assert (again["after_turn"], retried["after_turn"]) == (2, 3)
    assert retried["asked_in"] is None
    assert (await said(pool, thread_id))[-1] == ("human", "no: what do I owe?")


@pytest.mark.parametrize("is_running", [True, False])
async def test_news_is_told_once_after_the_hand_back(
    runs: Runs, desk: Takeovers, pool: Pool, thread_id: UUID, *, is_running: bool
) -> None:
    run = await an_answer(runs, thread_id)
    before = await news(pool, run)
    if is_running:
        assert [claimed["run_id"] for claimed in await runs.claim(thread_id)] == [before]
    await desk.take_over(thread_id, MEI)
    await news(pool, run)
    await Deferred(pool).ripen()
    assert await of_news(pool, thread_id) == [
        ("cancelled", False),
        ("queued", True),
        ("queued", True),
    ]
    shown = await desk.state(thread_id)
    assert shown
    assert shown["waiting_news"] == 2
    await desk.hand_back(thread_id, MEI, uuid4())
    await Deferred(pool).ripen()
    assert [waits for _, waits in await of_news(pool, thread_id)] == [False, False, False]
    [claimed] = await runs.claim(thread_id)
    assert claimed["after_turn"] == claimed["turn"] - 1
    assert claimed["notice"] == {"kind": "payment"}


async def test_a_message_that_was_put_off_is_the_persons_to_answer(
    runs: Runs, desk: Takeovers, pool: Pool, thread_id: UUID
) -> None:
    await an_answer(runs, thread_id)
    later = await runs.create(a_run(thread_id, content="later", after_seconds=0.0))
    await desk.take_over(thread_id, MEI)
    await Deferred(pool).ripen()
    ripe = await state(pool, later["run_id"])
    assert (ripe["status"], ripe["for_person"], ripe["due_at"]) == ("succeeded", True, None)
    assert (await said(pool, thread_id))[-1] == ("human", "later")


async def test_the_assistant_goes_on_without_what_the_person_has_settled(
    runs: Runs, desk: Takeovers, pool: Pool, thread_id: UUID
) -> None:
    await an_answer(runs, thread_id)
    change = await desk.take_over(thread_id, MEI)
    assert change.turn
    assert "加入" in (await said(pool, thread_id))[-1][1]
    await desk.hand_back(thread_id, MEI, uuid4())
    run = await runs.create(a_run(thread_id, starts=True))
    focus = (await Turns(pool).opening(run)).focus
    assert focus == {"language": "zh", "documents": ["INV-1"], "misunderstood": 0}


async def test_a_card_that_was_open_can_be_confirmed_no_more(
    runs: Runs, pool: Pool, thread_id: UUID
) -> None:
    told: list[tuple[str, str]] = []
    desk = Takeovers(pool, lambda kind, end: told.append((kind, end)))
    await an_answer(runs, thread_id)
    await a_card(pool, thread_id)
    await desk.take_over(thread_id, MEI)
    assert told == [("order", "cancelled")]
    late = await a_card(pool, thread_id)
    await desk.hand_back(thread_id, MEI, uuid4())
    assert told == [("order", "cancelled")] * 2
    rows = await fetch_all(pool, "select status from actions where thread_id = %s", [thread_id])
    assert [row["status"] for row in rows] == ["cancelled", "cancelled"]
    events = await fetch_all(pool, "select event from audit where subject = %s", [str(late)])
    assert [row["event"] for row in events] == ["action.cancelled"]


async def a_card(pool: Pool, thread_id: UUID) -> UUID:
    action_id = uuid4()
    await fetch_one(
        pool,
        "insert into actions (action_id, thread_id, customer_id, kind, card, hash,"
        " document_number, expires_at) values (%s, %s, 'c', 'order', '{}', 'h', %s,"
        " now() + interval '1 hour') returning 1",
        [action_id, thread_id, f"TRIA-{action_id}"],
    )
    return action_id


# ---------------------------------------------------------------- who may


async def test_one_person_at_a_time_and_no_timer_takes_it_away(
    runs: Runs, desk: Takeovers, pool: Pool, thread_id: UUID
) -> None:
    await an_answer(runs, thread_id)
    await desk.take_over(thread_id, MEI)
    assert (await desk.take_over(thread_id, MEI)).turn is None
    with pytest.raises(OperationRefused, match="Mei has this conversation"):
        await desk.take_over(thread_id, ALI)
    with pytest.raises(OperationRefused, match="Mei has this conversation"):
        await Replies(pool).reply(thread_id, "hello", ALI, uuid4())
    with pytest.raises(OperationRefused, match="Mei has this conversation"):
        await desk.hand_back(thread_id, ALI, uuid4())
    await desk.take_over(thread_id, FARAH)
    with pytest.raises(OperationRefused, match="Farah has this conversation"):
        await Replies(pool).reply(thread_id, "hello", MEI, uuid4())
    await Replies(pool).reply(thread_id, "hello", FARAH, uuid4())
    assert not await Conversations(pool).delete(thread_id, None)
    assert await trail(pool, thread_id) == [
        *("conversation.taken_over", "conversation.taken_over", "conversation.replied")
    ]


async def test_without_a_take_over_nobody_writes(
    runs: Runs, desk: Takeovers, pool: Pool, thread_id: UUID
) -> None:
    await an_answer(runs, thread_id)
    with pytest.raises(OperationRefused, match="Take it over first"):
        await Replies(pool).reply(thread_id, "hello", MEI, uuid4())
    with pytest.raises(OperationRefused, match="Take it over first"):
        await desk.hand_back(thread_id, FARAH, uuid4())


async def test_what_does_not_exist_is_missing(desk: Takeovers, pool: Pool, thread_id: UUID) -> None:
    with pytest.raises(ThreadMissing):
        await desk.take_over(uuid4(), MEI)
    with pytest.raises(ThreadMissing):
        await Notes(pool).add(uuid4(), "a note", MEI, uuid4())
    with pytest.raises(OperationRefused, match="Nothing was said"):
        await desk.take_over(thread_id, MEI)


async def test_pressed_twice_is_done_once(
    runs: Runs, desk: Takeovers, pool: Pool, thread_id: UUID
) -> None:
    await an_answer(runs, thread_id)
    await desk.take_over(thread_id, MEI)
    once, back = uuid4(), uuid4()
    for _ in range(2):
        await Replies(pool).reply(thread_id, " It is paid. ", MEI, once)
        await Notes(pool).add(thread_id, "calls at nine", MEI, once)
    for _ in range(2):
        await desk.hand_back(thread_id, MEI, back)
    assert [content for _, content in await said(pool, thread_id)].count("It is paid.") == 1
    [note] = await Notes(pool).of_thread(thread_id)
    assert (note["content"], note["name"]) == ("calls at nine", "Mei")
    assert len(await trail(pool, thread_id)) == 4


async def test_nothing_that_a_person_had_a_part_in_is_forgotten(
    runs: Runs, desk: Takeovers, thread_id: UUID
) -> None:
    await an_answer(runs, thread_id)
    change = await desk.take_over(thread_id, MEI)
    asked = await runs.create(a_run(thread_id))
    assert change.turn
    assert not await runs.forget(change.turn["run_id"])
    assert not await runs.forget(asked["run_id"])


async def test_in_a_copy_nobody_is_there(
    runs: Runs, desk: Takeovers, pool: Pool, thread_id: UUID
) -> None:
    await an_answer(runs, thread_id)
    await desk.take_over(thread_id, MEI)
    copy = uuid4()
    await Threads(pool).copy(thread_id, copy, None)
    shown = await desk.state(copy)
    assert shown
    assert shown["person"] is None
    persons = [m["extra"].get("person") for m in await Conversations(pool).window(copy)]
    assert persons == [None, None, {"name": "Mei"}]


# ---------------------------------------------------------------- tickets


async def ticket_of(pool: Pool, thread_id: UUID) -> dict[str, Any]:
    [ticket] = await ThreadTickets(pool).of_thread(thread_id)
    return ticket


async def test_the_first_reply_stops_the_clock_and_the_hand_back_closes(
    runs: Runs, desk: Takeovers, pool: Pool, thread_id: UUID
) -> None:
    await an_answer(runs, thread_id)
    await Tickets(pool).open(a_ticket(thread_id))
    await desk.take_over(thread_id, MEI)
    taken = await ticket_of(pool, thread_id)
    assert (taken["assigned_to"], taken["answered_at"]) == ("mei", None)
    await Replies(pool).reply(thread_id, "We collect them.", MEI, uuid4())
    first = (await ticket_of(pool, thread_id))["answered_at"]
    await Replies(pool).reply(thread_id, "Tomorrow.", MEI, uuid4())
    assert first is not None
    assert (await ticket_of(pool, thread_id))["answered_at"] == first
    change = await desk.hand_back(thread_id, MEI, uuid4(), "collected")
    closed = await ticket_of(pool, thread_id)
    assert change.closed == 1
    assert (closed["status"], closed["closed_by"], closed["resolution"]) == (
        *("closed", "mei", "collected"),
    )
    assert closed["closed_at"] is not None


async def test_a_ticket_stays_open_without_a_resolution(
    runs: Runs, desk: Takeovers, pool: Pool, thread_id: UUID
) -> None:
    await an_answer(runs, thread_id)
    await Tickets(pool).open(a_ticket(thread_id))
    await desk.take_over(thread_id, MEI)
    await desk.hand_back(thread_id, MEI, uuid4())
    assert (await ticket_of(pool, thread_id))["status"] == "open"
    assert await ThreadTickets(pool).close(thread_id, "sorted by telephone", ALI) == 1
    with pytest.raises(OperationRefused):
        await ThreadTickets(pool).close(thread_id, "again", ALI)


async def test_agents_assign_themselves_and_supervisors_anybody(
    runs: Runs, pool: Pool, thread_id: UUID
) -> None:
    await an_answer(runs, thread_id)
    await Tickets(pool).open(a_ticket(thread_id))
    tickets = ThreadTickets(pool)
    await tickets.assign(thread_id, "mei", MEI)
    assert (await ticket_of(pool, thread_id))["assigned_to"] == "mei"
    for to in ("ali", None):
        with pytest.raises(OperationRefused, match="supervisor"):
            await tickets.assign(thread_id, to, ALI)
    with pytest.raises(OperationRefused, match="supervisor"):
        await tickets.assign(thread_id, "ali", MEI)
    await tickets.assign(thread_id, "ali", FARAH)
    await tickets.assign(thread_id, None, ALI)
    assert (await ticket_of(pool, thread_id))["assigned_to"] is None
