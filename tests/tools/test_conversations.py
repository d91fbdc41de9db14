from uuid import UUID, uuid4

import pytest

from tests.tools.conftest import CUSTOMER, a_run, a_thread
from tools.actions.store import Actions, Proposal
from tools.conversations import LISTED, Conversations, Wanted
from tools.database import Pool, fetch_all, fetch_one
from tools.runs import Answer, Runs
from tools.threads import Threads

STRANGER = "somebody else"


@pytest.fixture
def conversations(pool: Pool) -> Conversations:
    return Conversations(pool)


@pytest.fixture
def runs(pool: Pool) -> Runs:
    return Runs(pool, "this worker")


async def asks(runs: Runs, thread_id: UUID, text: str) -> UUID:
    return UUID(str((await runs.create(a_run(thread_id, content=text)))["run_id"]))


async def answers(runs: Runs, thread_id: UUID, text: str) -> None:
    [run] = await runs.claim(thread_id)
    await runs.answer(
        run["run_id"], Answer(str(uuid4()), {"content": text, "extra": {}}, {}), "succeeded"
    )


async def status(conversations: Conversations, thread_id: UUID) -> str:
    thread = await conversations.get(thread_id, CUSTOMER)
    assert thread is not None
    return str(thread["status"])


async def test_a_thread_is_created_once(conversations: Conversations) -> None:
    thread_id = uuid4()
    created = await conversations.create(thread_id, CUSTOMER, {"channel": "web"})
    assert created is not None
    assert created == await conversations.get(thread_id, CUSTOMER)
    assert await conversations.create(thread_id, CUSTOMER, {}) is None


async def test_the_thread_of_somebody_else_does_not_exist(
    conversations: Conversations, pool: Pool, thread_id: UUID
) -> None:
    assert await conversations.get(thread_id, STRANGER) is None
    assert await conversations.update(thread_id, STRANGER, {"title": "mine"}) is None
    assert not await conversations.delete(thread_id, STRANGER)
    assert not await Threads(pool).keep_latest(thread_id, STRANGER)
    assert await Threads(pool).copy(thread_id, uuid4(), STRANGER) == (False, None)
    assert thread_id not in {
        t["thread_id"] for t in await conversations.search(STRANGER, Wanted(), 100, 0)
    }
    thread = await conversations.get(thread_id, CUSTOMER)
    assert thread is not None
    assert thread["metadata"] == {}


async def test_nobody_can_take_the_id_of_a_thread(
    conversations: Conversations, thread_id: UUID
) -> None:
    assert await conversations.create(thread_id, STRANGER, {}) is None
    assert await conversations.get(thread_id, STRANGER) is None


async def test_metadata_is_merged(conversations: Conversations, thread_id: UUID) -> None:
    await conversations.update(thread_id, CUSTOMER, {"a": 1, "b": 1})
    thread = await conversations.update(thread_id, CUSTOMER, {"b": 2})
    assert thread is not None
    assert thread["metadata"] == {"a": 1, "b": 2}


async def test_threads_are_found_by_metadata_latest_first(conversations: Conversations) -> None:
    mark = str(uuid4())
    ids = [uuid4() for _ in range(3)]
    for thread_id in ids:
        await conversations.create(thread_id, CUSTOMER, {"mark": mark, "n": 1})
    await conversations.update(ids[0], CUSTOMER, {"n": 2})
    wanted = Wanted({"mark": mark})
    found = await conversations.search(CUSTOMER, wanted, 2, 0)
    assert [t["thread_id"] for t in found] == [ids[0], ids[2]]
    rest = await conversations.search(CUSTOMER, wanted, 2, 2)
    assert [t["thread_id"] for t in rest] == [ids[1]]


async def test_the_status_follows_the_last_run(
    conversations: Conversations, runs: Runs, thread_id: UUID
) -> None:
    assert await status(conversations, thread_id) == "idle"
    await asks(runs, thread_id, "hello")
    assert await status(conversations, thread_id) == "busy"
    await answers(runs, thread_id, "Hello Mei")
    assert await status(conversations, thread_id) == "idle"
    await asks(runs, thread_id, "hello?")
    [run] = await runs.claim(thread_id)
    await runs.fail(run["run_id"], "internal")
    assert await status(conversations, thread_id) == "error"


async def test_messages_come_oldest_first_and_only_the_last_ones(
    conversations: Conversations, runs: Runs, thread_id: UUID
) -> None:
    for number in range(3):
        await asks(runs, thread_id, f"question {number}")
        await answers(runs, thread_id, f"answer {number}")
    window = await conversations.window(thread_id, 3)
    assert [m["content"] for m in window] == ["answer 1", "question 2", "answer 2"]


async def test_a_turn_sees_nothing_of_the_turns_after_it(
    conversations: Conversations, runs: Runs, thread_id: UUID
) -> None:
    await asks(runs, thread_id, "question 1")
    await answers(runs, thread_id, "answer 1")
    await asks(runs, thread_id, "question 2")
    window = await conversations.window(thread_id, through_turn=1)
    assert [m["content"] for m in window] == ["question 1", "answer 1"]
    several = await conversations.windows(thread_id, [1, 2])
    assert {turn: [s.message["content"] for s in said] for turn, said in several.items()} == {
        1: ["question 1", "answer 1"],
        2: ["question 1", "answer 1", "question 2"],
    }
    assert [s.is_asked for s in several[2]] == [False, False, True]


async def test_messages_that_waited_together_are_asked_by_the_turn_that_answers_them(
    conversations: Conversations, runs: Runs, thread_id: UUID
) -> None:
    await asks(runs, thread_id, "question 1")
    await asks(runs, thread_id, "question 2")
    await answers(runs, thread_id, "answer")
    said = (await conversations.windows(thread_id, [2]))[2]
    assert [(s.message["content"], s.is_asked) for s in said] == [
        ("question 1", True),
        ("question 2", True),
        ("answer", False),
    ]


async def test_several_threads_show_their_last_messages(
    conversations: Conversations, runs: Runs, pool: Pool, thread_id: UUID
) -> None:
    other, empty = await a_thread(pool), await a_thread(pool)
    for thread in (thread_id, other):
        await asks(runs, thread, f"question in {thread}")
        await answers(runs, thread, "answer")
    said = await conversations.last_windows([thread_id, other, empty])
    assert {thread: [m["content"] for m in messages] for thread, messages in said.items()} == {
        thread_id: [f"question in {thread_id}", "answer"],
        other: [f"question in {other}", "answer"],
        empty: [],
    }


async def test_a_long_thread_in_a_list_still_shows_what_it_began_with(
    conversations: Conversations, runs: Runs, thread_id: UUID
) -> None:
    async def listed() -> list[str]:
        return [m["content"] for m in (await conversations.last_windows([thread_id]))[thread_id]]

    for n in range(LISTED // 2):
        await asks(runs, thread_id, f"question {n}")
        await answers(runs, thread_id, f"answer {n}")
    assert len(await listed()) == LISTED
    for turns in (LISTED // 2, LISTED):  # the beginning is reached, and it is out of reach
        for n in range(turns):
            await asks(runs, thread_id, f"question {turns} {n}")
            await answers(runs, thread_id, f"answer {turns} {n}")
        shown = await listed()
        assert (len(shown), shown[0]) == (LISTED + 1, "question 0")
        assert shown[-1] == f"answer {turns} {turns - 1}"


async def test_a_deleted_thread_leaves_nothing_behind(
    conversations: Conversations, runs: Runs, pool: Pool, thread_id: UUID
) -> None:
    await asks(runs, thread_id, "hello")
    await answers(runs, thread_id, "Hello Mei")
    other = await a_thread(pool)
    for kept in (thread_id, other):
        await fetch_one(
            pool,
            "insert into checkpoints (thread_id, checkpoint_id, checkpoint) values (%s, 'c', '{}')"
            " returning thread_id",
            [f"{kept}:1"],
        )
    assert await conversations.delete(thread_id, CUSTOMER)
    assert await conversations.get(thread_id, CUSTOMER) is None
    assert await conversations.window(thread_id) == []
    left = await fetch_all(pool, "select thread_id from checkpoints")
    assert f"{thread_id}:1" not in {row["thread_id"] for row in left}
    assert f"{other}:1" in {row["thread_id"] for row in left}


async def test_a_thread_with_a_run_under_way_is_not_deleted(
    conversations: Conversations, pool: Pool, runs: Runs, thread_id: UUID
) -> None:
    await asks(runs, thread_id, "hello")
    assert not await conversations.delete(thread_id, CUSTOMER)
    assert await conversations.get(thread_id, CUSTOMER)


async def test_a_thread_with_a_write_under_way_is_not_deleted(
    conversations: Conversations, pool: Pool, thread_id: UUID
) -> None:
    actions = Actions(pool)
    thread = await conversations.get(thread_id, CUSTOMER)
    assert thread is not None
    proposal = Proposal(
        action_id=uuid4(),
        thread_id=thread_id,
        customer_id=CUSTOMER,
        kind="order",
        card={},
        writes=(),
        document_number=await actions.next_number(),
        expires_at=thread["created_at"].replace(year=2999),
    )
    await actions.propose(proposal)
    [row] = await fetch_all(
        pool, "select hash from actions where action_id = %s", [proposal.action_id]
    )
    await actions.confirm(proposal.action_id, CUSTOMER, row["hash"], thread["created_at"])
    assert not await conversations.delete(thread_id, CUSTOMER)
