import asyncio
from uuid import UUID, uuid4

import pytest
from psycopg.rows import DictRow

from tests.tools.conftest import a_run, a_thread
from tools.conversations import Conversations
from tools.database import Pool, fetch_one
from tools.runs import MAX_ATTEMPTS, Answer, MessageRepeated, Runs, ThreadBusy, ThreadMissing

REPLY = {"content": "You owe nothing.", "extra": {"citations": []}}


@pytest.fixture
def runs(pool: Pool) -> Runs:
    return Runs(pool, "this worker")


@pytest.fixture
def rival(pool: Pool) -> Runs:
    return Runs(pool, "another worker")


async def worker_dies(pool: Pool, run_id: UUID) -> None:
    """Its lease runs out, as it does when nobody renews it."""
    await fetch_one(
        pool,
        "update runs set lease_until = now() - interval '1 second' where run_id = %s"
        " returning run_id",
        [run_id],
    )


async def stored(runs: Runs, run: DictRow) -> DictRow:
    found = await runs.get(run["run_id"], run["thread_id"])
    assert found is not None
    return found


async def test_a_run_and_its_message_are_stored_together(
    runs: Runs, pool: Pool, thread_id: UUID
) -> None:
    run = await runs.create(a_run(thread_id, content="hello", extra={"action": None}))
    [message] = await Conversations(pool).window(thread_id)
    assert (run["status"], run["turn"], run["attempts"]) == ("queued", 1, 0)
    assert (message["role"], message["content"]) == ("human", "hello")
    assert message["run_id"] == str(run["run_id"])


async def test_turns_count_up(runs: Runs, thread_id: UUID) -> None:
    turns = [(await runs.create(a_run(thread_id)))["turn"] for _ in range(3)]
    assert turns == [1, 2, 3]
    assert [r["turn"] for r in await runs.of_thread(thread_id, 2, 1)] == [2, 1]


async def test_the_thread_of_somebody_else_does_not_exist(runs: Runs, thread_id: UUID) -> None:
    with pytest.raises(ThreadMissing):
        await runs.create(a_run(thread_id, customer_id="somebody else"))
    assert await runs.of_thread(thread_id, 10, 0) == []


async def test_a_message_sent_twice_makes_one_turn(runs: Runs, pool: Pool, thread_id: UUID) -> None:
    await runs.create(a_run(thread_id, message_id="m1"))
    with pytest.raises(MessageRepeated):
        await runs.create(a_run(thread_id, message_id="m1"))
    assert len(await runs.of_thread(thread_id, 10, 0)) == 1
    assert len(await Conversations(pool).window(thread_id)) == 1


async def test_a_busy_thread_can_be_refused(runs: Runs, thread_id: UUID) -> None:
    await runs.create(a_run(thread_id))
    with pytest.raises(ThreadBusy):
        await runs.create(a_run(thread_id, strategy="reject"))


async def test_an_idle_thread_takes_a_run_that_would_not_wait(runs: Runs, thread_id: UUID) -> None:
    await runs.create(a_run(thread_id, strategy="reject"))
    [run] = await runs.claim(thread_id)
    await runs.answer(run["run_id"], Answer("a1", REPLY, {}), "succeeded")
    assert (await runs.create(a_run(thread_id, strategy="reject")))["turn"] == 2


async def test_a_run_belongs_to_its_thread(runs: Runs, pool: Pool, thread_id: UUID) -> None:
    run = await runs.create(a_run(thread_id))
    assert await runs.get(run["run_id"], await a_thread(pool)) is None


async def test_the_runs_of_a_thread_are_taken_one_by_one_in_order(
    runs: Runs, thread_id: UUID
) -> None:
    await runs.create(a_run(thread_id))
    await runs.create(a_run(thread_id))
    [first] = await runs.claim(thread_id)
    assert (first["turn"], first["status"], first["attempts"]) == (1, "running", 1)
    assert await runs.claim(thread_id) == []
    await runs.answer(first["run_id"], Answer("a1", REPLY, {}), "succeeded")
    [second] = await runs.claim(thread_id)
    assert second["turn"] == 2


async def test_many_workers_take_a_run_once(pool: Pool, runs: Runs, thread_id: UUID) -> None:
    await runs.create(a_run(thread_id))
    workers = [Runs(pool, f"worker {n}") for n in range(8)]
    claimed = await asyncio.gather(*(w.claim(thread_id) for w in workers))
    assert [len(found) for found in claimed if found] == [1]


async def test_many_workers_share_many_threads_without_a_repeat(pool: Pool, runs: Runs) -> None:
    threads = [await a_thread(pool) for _ in range(6)]
    wanted = {(await runs.create(a_run(t)))["run_id"] for t in threads}
    claimed = await asyncio.gather(*(Runs(pool, f"w{n}").claim(limit=3) for n in range(8)))
    taken = [r["run_id"] for found in claimed for r in found if r["run_id"] in wanted]
    assert len(taken) == len(set(taken)) == 6


async def test_a_run_whose_worker_lives_is_left_alone(
    runs: Runs, rival: Runs, thread_id: UUID
) -> None:
    await runs.create(a_run(thread_id))
    [run] = await runs.claim(thread_id)
    assert await runs.renew(run["run_id"])
    assert await rival.claim(thread_id) == []


async def test_a_dead_workers_run_is_taken_over(
    runs: Runs, rival: Runs, pool: Pool, thread_id: UUID
) -> None:
    await runs.create(a_run(thread_id))
    [run] = await runs.claim(thread_id)
    await worker_dies(pool, run["run_id"])
    [again] = await rival.claim(thread_id)
    assert (again["run_id"], again["attempts"]) == (run["run_id"], 2)


async def test_who_lost_the_lease_can_change_nothing(
    runs: Runs, rival: Runs, pool: Pool, thread_id: UUID
) -> None:
    await runs.create(a_run(thread_id))
    [run] = await runs.claim(thread_id)
    await worker_dies(pool, run["run_id"])
    await rival.claim(thread_id)
    assert not await runs.renew(run["run_id"])
    assert not await runs.answer(run["run_id"], Answer("a1", REPLY, {}), "succeeded")
    await runs.fail(run["run_id"], "late")
    await runs.release(run["run_id"])
    assert (await stored(runs, run))["status"] == "running"
    assert await rival.renew(run["run_id"])
    assert len(await Conversations(pool).window(thread_id)) == 1


async def test_the_answer_is_stored_as_the_run_ends(
    runs: Runs, pool: Pool, thread_id: UUID
) -> None:
    await runs.create(a_run(thread_id))
    [run] = await runs.claim(thread_id)
    assert await runs.answer(run["run_id"], Answer("a1", REPLY, {}), "succeeded")
    assert (await stored(runs, run))["status"] == "succeeded"
    [_, answer] = await Conversations(pool).window(thread_id)
    assert (answer["role"], answer["message_id"]) == ("ai", "a1")
    assert (answer["content"], answer["extra"]) == (REPLY["content"], REPLY["extra"])


async def test_a_run_ends_once(runs: Runs, pool: Pool, thread_id: UUID) -> None:
    await runs.create(a_run(thread_id))
    [run] = await runs.claim(thread_id)
    await runs.answer(run["run_id"], Answer("a1", REPLY, {}), "succeeded")
    assert not await runs.answer(run["run_id"], Answer("a2", REPLY, {}), "succeeded")
    assert len(await Conversations(pool).window(thread_id)) == 2


async def test_a_run_handed_back_is_taken_at_once_and_costs_no_attempt(
    runs: Runs, rival: Runs, thread_id: UUID
) -> None:
    await runs.create(a_run(thread_id))
    [run] = await runs.claim(thread_id)
    await runs.release(run["run_id"])
    [again] = await rival.claim(thread_id)
    assert again["attempts"] == 1


async def test_a_failed_run_keeps_its_reason_and_frees_the_thread(
    runs: Runs, thread_id: UUID
) -> None:
    await runs.create(a_run(thread_id))
    await runs.create(a_run(thread_id))
    [run] = await runs.claim(thread_id)
    await runs.fail(run["run_id"], "backend_unavailable")
    failed = await stored(runs, run)
    assert (failed["status"], failed["error"]) == ("failed", "backend_unavailable")
    assert [r["turn"] for r in await runs.claim(thread_id)] == [2]


async def test_a_run_that_kills_its_workers_is_given_up(
    runs: Runs, pool: Pool, thread_id: UUID
) -> None:
    run = await runs.create(a_run(thread_id))
    for _ in range(MAX_ATTEMPTS):
        assert await runs.claim(thread_id)
        assert run["run_id"] not in {r["run_id"] for r in await runs.give_up()}
        await worker_dies(pool, run["run_id"])
    assert await runs.claim(thread_id) == []
    assert run["run_id"] in {r["run_id"] for r in await runs.give_up()}
    given_up = await stored(runs, run)
    assert (given_up["status"], given_up["error"]) == ("failed", "attempts_exhausted")


async def test_an_unknown_run_is_none(runs: Runs, thread_id: UUID) -> None:
    assert await runs.get(uuid4(), thread_id) is None
