import asyncio
from typing import Any
from uuid import UUID, uuid4, uuid5

import pytest
from psycopg.rows import DictRow

from tests.tools.conftest import CUSTOMER, a_run, a_thread
from tools.conversations import Conversations
from tools.database import Pool, fetch_one
from tools.deferred import Deferred
from tools.intake import (
    MessageRepeated,
    Place,
    RunRepeated,
    ThreadBusy,
    ThreadMissing,
    queue_notice,
    take_in,
)
from tools.run_statements import MAX_STRIKES, MOST_PARTS, SETTLING_SECONDS
from tools.runs import Answer, Runs
from tools.turns import Turns

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
    button = {"action": {"action_id": str(uuid4())}}  # not answered together with others
    await runs.create(a_run(thread_id, extra=button))
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
    assert await runs.renew([run["run_id"]]) == {run["run_id"]: None}
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
    assert await runs.renew([run["run_id"]]) == {}
    assert not await runs.answer(run["run_id"], Answer("a1", REPLY, {}), "succeeded")
    await runs.fail(run["run_id"], "late")
    await runs.release(run["run_id"])
    assert (await stored(runs, run))["status"] == "running"
    assert run["run_id"] in await rival.renew([run["run_id"]])
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
    await runs.release(run["run_id"], {"outcome": "handed_over"})
    [again] = await rival.claim(thread_id)
    assert (again["attempts"], again["strikes"]) == (2, 1)
    assert await runs.trace_of(run["run_id"]) == [{"outcome": "handed_over"}]


async def test_a_failed_run_keeps_its_reason_and_frees_the_thread(
    runs: Runs, thread_id: UUID
) -> None:
    await runs.create(a_run(thread_id, extra={"action": {}}))
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
    for _ in range(MAX_STRIKES):
        assert await runs.claim(thread_id)
        assert run["run_id"] not in {r["run_id"] for r in await runs.give_up()}
        await worker_dies(pool, run["run_id"])
    assert await runs.claim(thread_id) == []
    assert run["run_id"] in {r["run_id"] for r in await runs.give_up()}
    given_up = await stored(runs, run)
    assert (given_up["status"], given_up["error"]) == ("failed", "attempts_exhausted")


async def test_the_trace_of_each_attempt_is_kept_up_to_a_bound(
    runs: Runs, rival: Runs, thread_id: UUID
) -> None:
    await runs.create(a_run(thread_id))
    [run] = await runs.claim(thread_id)
    assert await runs.trace_of(run["run_id"]) == []
    await rival.keep_trace(run["run_id"], {"attempt": "not theirs"})
    await runs.keep_trace(run["run_id"], None)
    await runs.keep_trace(run["run_id"], {"attempt": 1})
    assert await runs.trace_of(run["run_id"]) == [{"attempt": 1}]
    for attempt in range(2, MOST_PARTS):
        await runs.keep_trace(run["run_id"], {"attempt": attempt})
    answer = Answer("a1", REPLY, {}, trace={"attempt": "last"})
    await runs.answer(run["run_id"], answer, "succeeded")
    kept = await runs.trace_of(run["run_id"])
    assert [part["attempt"] for part in kept] == [*range(1, MOST_PARTS), "last"]


async def test_above_the_bound_the_first_attempts_stay(runs: Runs, thread_id: UUID) -> None:
    await runs.create(a_run(thread_id))
    [run] = await runs.claim(thread_id)
    for attempt in range(MOST_PARTS):
        await runs.keep_trace(run["run_id"], {"attempt": attempt})
    await runs.fail(run["run_id"], "no_luck", {"attempt": "one too many"})
    kept = await runs.trace_of(run["run_id"])
    assert [part["attempt"] for part in kept] == [*range(MOST_PARTS)]
    assert (await stored(runs, run))["error"] == "no_luck"


async def test_an_unknown_run_is_none(runs: Runs, thread_id: UUID) -> None:
    assert await runs.get(uuid4(), thread_id) is None


async def answered(runs: Runs, run: DictRow) -> DictRow:
    stored = await runs.answer(run["run_id"], Answer(str(uuid4()), REPLY, {"of": 1}), "succeeded")
    assert stored
    return stored


async def told(pool: Pool, thread_id: UUID, through_turn: int | None = None) -> list[str]:
    window = await Conversations(pool).window(thread_id, through_turn=through_turn)
    return [m["content"] for m in window]


class TestStartingAtOnce:
    async def test_an_idle_threads_run_is_its_creators(self, runs: Runs, thread_id: UUID) -> None:
        run = await runs.create(a_run(thread_id, starts=True))
        assert (run["status"], run["attempts"]) == ("running", 1)
        assert await runs.renew([run["run_id"]]) == {run["run_id"]: None}
        assert await runs.claim(thread_id) == []

    async def test_a_busy_threads_run_waits(self, runs: Runs, thread_id: UUID) -> None:
        first = await runs.create(a_run(thread_id, starts=True))
        second = await runs.create(a_run(thread_id, starts=True))
        assert second["status"] == "queued"
        assert (await answered(runs, first))["is_followed"]
        assert [r["run_id"] for r in await runs.claim(thread_id)] == [second["run_id"]]

    async def test_of_many_at_once_one_starts(
        self, pool: Pool, runs: Runs, thread_id: UUID
    ) -> None:
        made = await asyncio.gather(
            *(Runs(pool, f"w{n}").create(a_run(thread_id, starts=True)) for n in range(8))
        )
        assert sorted(r["status"] for r in made) == ["queued"] * 7 + ["running"]

    async def test_the_same_run_cannot_be_stored_twice(self, runs: Runs, thread_id: UUID) -> None:
        run = await runs.create(a_run(thread_id))
        with pytest.raises(RunRepeated):
            await runs.create(a_run(thread_id, run_id=run["run_id"]))
        assert len(await runs.of_thread(thread_id, 10, 0)) == 1


class TestBursts:
    async def test_messages_that_waited_together_are_answered_by_the_last_of_them(
        self, runs: Runs, pool: Pool, thread_id: UUID
    ) -> None:
        made = [await runs.create(a_run(thread_id, content=text)) for text in ("a", "b", "c")]
        [last] = await runs.claim(thread_id)
        assert (last["run_id"], last["attempts"]) == (made[2]["run_id"], 1)
        assert await runs.claim(thread_id) == []
        opening = await Turns(pool).opening(last)
        assert [m["content"] for m in opening.asked] == ["a", "b", "c"]
        assert opening.history == []
        ended = await answered(runs, last)
        assert set(ended["others"]) == {made[0]["run_id"], made[1]["run_id"]}
        assert {(await stored(runs, r))["status"] for r in made} == {"succeeded"}
        assert await told(pool, thread_id) == ["a", "b", "c", REPLY["content"]]

    async def test_what_comes_after_the_claim_waits(self, runs: Runs, thread_id: UUID) -> None:
        await runs.create(a_run(thread_id))
        [first] = await runs.claim(thread_id)
        await runs.create(a_run(thread_id))
        assert (await answered(runs, first))["is_followed"]

    @pytest.mark.parametrize(
        "changes",
        [
            {"extra": {"action": {}}},
            {"strategy": "reject"},
            {"scope": {"customer_id": CUSTOMER, "roles": []}},
            {"request": {"stream_mode": ["values"], "interrupt_before": ["compose_reply"]}},
        ],
        ids=["a button", "another strategy", "another sign-in", "a pause"],
    )
    async def test_what_does_more_than_say_something_is_answered_on_its_own(
        self, runs: Runs, thread_id: UUID, changes: dict[str, Any]
    ) -> None:
        first = await runs.create(a_run(thread_id))
        # An earlier one is under way, so that this strategy may wait at all.
        if "strategy" not in changes:
            await runs.create(a_run(thread_id, **changes))
            [taken] = await runs.claim(thread_id)
            assert taken["run_id"] == first["run_id"]
        else:
            with pytest.raises(ThreadBusy):
                await runs.create(a_run(thread_id, **changes))

    async def test_while_a_card_waits_each_message_is_answered_on_its_own(
        self, runs: Runs, pool: Pool, thread_id: UUID
    ) -> None:
        first = await runs.create(a_run(thread_id))
        await runs.create(a_run(thread_id))
        await a_card(pool, thread_id)
        [taken] = await runs.claim(thread_id)
        assert taken["run_id"] == first["run_id"]

    async def test_when_the_turn_fails_the_others_are_asked_again(
        self, runs: Runs, thread_id: UUID
    ) -> None:
        made = [await runs.create(a_run(thread_id)) for _ in range(3)]
        [last] = await runs.claim(thread_id)
        await runs.fail(last["run_id"], "boom")
        [again] = await runs.claim(thread_id)
        assert again["run_id"] == made[1]["run_id"]


class TestCancelling:
    async def test_who_works_on_it_is_told_and_ends_it(self, runs: Runs, thread_id: UUID) -> None:
        run = await runs.create(a_run(thread_id, starts=True))
        await runs.cancel([run["run_id"]], thread_id, "interrupt")
        assert await runs.renew([run["run_id"]]) == {run["run_id"]: "interrupt"}
        [ended] = await runs.end_cancelled(run["run_id"])
        assert ended["status"] == "cancelled"
        assert await runs.answer(run["run_id"], Answer("a", REPLY, {}), "succeeded") is None

    async def test_a_dead_workers_run_is_ended_and_not_taken_over(
        self, runs: Runs, rival: Runs, pool: Pool, thread_id: UUID
    ) -> None:
        run = await runs.create(a_run(thread_id, starts=True))
        await runs.cancel([run["run_id"]], thread_id, "interrupt")
        await worker_dies(pool, run["run_id"])
        assert await rival.claim(thread_id) == []
        assert [r["run_id"] for r in await rival.end_cancelled()] == [run["run_id"]]

    async def test_a_waiting_run_ends_at_once_and_its_message_stays(
        self, runs: Runs, pool: Pool, thread_id: UUID
    ) -> None:
        run = await runs.create(a_run(thread_id, content="stop"))
        await runs.cancel([run["run_id"]], thread_id, "interrupt")
        assert (await stored(runs, run))["status"] == "cancelled"
        assert await told(pool, thread_id) == ["stop"]

    async def test_rolled_back_it_never_was(self, runs: Runs, pool: Pool, thread_id: UUID) -> None:
        first = await runs.create(a_run(thread_id, content="a", starts=True))
        await answered(runs, first)
        second = await runs.create(a_run(thread_id, content="b", starts=True))
        third = await runs.create(a_run(thread_id, content="c"))
        await runs.cancel([second["run_id"]], thread_id, "rollback")
        await runs.end_cancelled(second["run_id"])
        assert await runs.get(second["run_id"], thread_id) is None
        assert await told(pool, thread_id) == ["a", REPLY["content"], "c"]
        assert (await stored(runs, third))["after_turn"] == first["turn"]

    async def test_a_card_that_ends_with_its_message_or_for_another_is_told_of(
        self, pool: Pool, thread_id: UUID
    ) -> None:
        ends: list[tuple[str, str]] = []
        runs = Runs(pool, "this worker", lambda kind, end: ends.append((kind, end)))
        run = await runs.create(a_run(thread_id, starts=True))
        await a_card(pool, thread_id, action_id=uuid5(run["run_id"], "action"))
        await runs.cancel([run["run_id"]], thread_id, "rollback")
        assert ends == []
        await runs.end_cancelled(run["run_id"])
        assert ends == [("order", "cancelled")]
        await a_card(pool, thread_id)
        await runs.create(a_run(thread_id))
        assert len(ends) == 1
        await runs.create(a_run(thread_id, place=Place(None)))
        assert ends == [("order", "cancelled")] * 2

    async def test_what_led_to_a_write_is_not_rolled_back(
        self, runs: Runs, pool: Pool, thread_id: UUID
    ) -> None:
        run = await runs.create(a_run(thread_id, content="yes", starts=True))
        await a_card(pool, thread_id, confirmed_in=run["run_id"])
        await runs.cancel([run["run_id"]], thread_id, "rollback")
        await runs.end_cancelled(run["run_id"])
        assert (await stored(runs, run))["status"] == "cancelled"
        assert await told(pool, thread_id) == ["yes"]
        assert not await runs.forget(run["run_id"])

    async def test_another_threads_run_is_not_touched(
        self, runs: Runs, pool: Pool, thread_id: UUID
    ) -> None:
        run = await runs.create(a_run(thread_id))
        await runs.cancel([run["run_id"]], await a_thread(pool), "rollback")
        assert (await stored(runs, run))["status"] == "queued"

    @pytest.mark.parametrize(("strategy", "left"), [("interrupt", 3), ("rollback", 2)])
    async def test_a_strategy_ends_what_is_under_way_and_waits(
        self, runs: Runs, thread_id: UUID, strategy: str, left: int
    ) -> None:
        running = await runs.create(a_run(thread_id, starts=True))
        await runs.create(a_run(thread_id))
        after = await runs.create(a_run(thread_id, strategy=strategy))
        assert await runs.renew([running["run_id"]]) == {running["run_id"]: strategy}
        assert len(await runs.of_thread(thread_id, 10, 0)) == left
        await runs.end_cancelled(running["run_id"])
        assert [r["run_id"] for r in await runs.claim(thread_id)] == [after["run_id"]]

    async def test_news_and_decisions_are_not_ended_by_a_new_message(
        self, runs: Runs, pool: Pool, thread_id: UUID
    ) -> None:
        run_id = uuid4()
        about = {"thread_id": thread_id, "scope": {"customer_id": CUSTOMER}}
        async with pool.connection() as connection:
            await queue_notice(connection, run_id, about, {"kind": "action"})
        await runs.create(a_run(thread_id, strategy="rollback"))
        assert [r["run_id"] for r in await runs.claim(thread_id)] == [run_id]


class TestRaces:
    """Two steps at the same moment: the second one waits, and sees what the first one did."""

    async def test_a_message_that_comes_during_a_rollback_keeps_the_conversation(
        self, runs: Runs, pool: Pool, thread_id: UUID
    ) -> None:
        await answered(runs, await runs.create(a_run(thread_id, content="a", starts=True)))
        gone = await runs.create(a_run(thread_id, content="b", starts=True))
        await runs.cancel([gone["run_id"]], thread_id, "rollback")
        async with pool.connection() as connection, connection.transaction():
            await take_in(connection, a_run(thread_id, content="c"), "another")
            ending = asyncio.create_task(runs.end_cancelled(gone["run_id"]))
            await asyncio.sleep(0.2)
        await ending
        assert await told(pool, thread_id) == ["a", REPLY["content"], "c"]

    async def test_a_message_that_comes_as_a_run_ripens_stays_in_the_conversation(
        self, runs: Runs, pool: Pool, thread_id: UUID
    ) -> None:
        await runs.create(a_run(thread_id, content="later", after_seconds=0))
        async with pool.connection() as connection, connection.transaction():
            await take_in(connection, a_run(thread_id, content="now"), "another")
            ripening = asyncio.create_task(Deferred(pool).ripen())
            await asyncio.sleep(0.2)
        await ripening
        assert await told(pool, thread_id) == ["now", "later"]

    async def test_a_message_that_comes_during_a_deletion_is_not_deleted(
        self, pool: Pool, thread_id: UUID
    ) -> None:
        async with pool.connection() as connection, connection.transaction():
            await take_in(connection, a_run(thread_id, content="now"), "another")
            deleting = asyncio.create_task(Conversations(pool).delete(thread_id, CUSTOMER))
            await asyncio.sleep(0.2)
        assert not await deleting
        assert await told(pool, thread_id) == ["now"]

    async def test_what_is_cancelled_is_not_answered(
        self, runs: Runs, pool: Pool, thread_id: UUID
    ) -> None:
        run = await runs.create(a_run(thread_id, content="a", starts=True))
        await runs.cancel([run["run_id"]], thread_id, "interrupt")
        assert await runs.answer(run["run_id"], Answer("x", REPLY, {}), "succeeded") is None
        assert [r["status"] for r in await runs.end_cancelled(run["run_id"])] == ["cancelled"]
        assert await told(pool, thread_id) == ["a"]

    async def test_a_worker_does_not_take_again_what_it_holds(
        self, runs: Runs, pool: Pool, thread_id: UUID
    ) -> None:
        run = await runs.create(a_run(thread_id, starts=True))
        await worker_dies(pool, run["run_id"])
        assert await runs.claim(thread_id, held=[run["run_id"]]) == []
        assert len(await runs.claim(thread_id)) == 1


class TestDying:
    async def test_a_run_that_gets_on_is_never_given_up(
        self, runs: Runs, pool: Pool, thread_id: UUID
    ) -> None:
        run = await runs.create(a_run(thread_id))
        for n in range(2 * MAX_STRIKES):
            [again] = await runs.claim(thread_id)
            assert again["strikes"] == 1
            await a_checkpoint(pool, run["graph_thread"], f"{n:03}")
            await worker_dies(pool, run["run_id"])
        assert run["run_id"] not in {r["run_id"] for r in await runs.give_up()}

    async def test_a_worker_whose_session_is_gone_is_dead_before_its_lease_ends(
        self, runs: Runs, rival: Runs, pool: Pool, thread_id: UUID
    ) -> None:
        run = await runs.create(a_run(thread_id, starts=True))
        silent = (
            "update runs set lease_until = now() + interval '2 seconds' where run_id = %s"
            " returning 1"
        )
        async with pool.connection() as connection:
            await runs.hold_session(connection)
            await until_settled(pool)
            await fetch_one(pool, silent, [run["run_id"]])
            assert await rival.claim(thread_id) == []
            await connection.execute("select pg_advisory_unlock_all()")
            await fetch_one(pool, silent, [run["run_id"]])
            assert len(await rival.claim(thread_id)) == 1


class TestBranches:
    async def test_a_turn_that_goes_back_hides_what_came_after(
        self, runs: Runs, pool: Pool, thread_id: UUID
    ) -> None:
        for text in ("a", "b", "c"):
            await answered(runs, await runs.create(a_run(thread_id, content=text, starts=True)))
        back = await runs.create(a_run(thread_id, content="d", place=Place(1), starts=True))
        reply = REPLY["content"]
        assert await told(pool, thread_id) == ["a", reply, "d"]
        assert await told(pool, thread_id, 3) == ["a", reply, "b", reply, "c", reply]
        assert (await Turns(pool).opening(back)).focus == {"of": 1}

    async def test_going_back_takes_back_the_card_that_waits(
        self, runs: Runs, pool: Pool, thread_id: UUID
    ) -> None:
        await answered(runs, await runs.create(a_run(thread_id, starts=True)))
        action_id = await a_card(pool, thread_id)
        await runs.create(a_run(thread_id, place=Place(None)))
        row = await fetch_one(pool, "select status from actions where action_id = %s", [action_id])
        assert row == {"status": "cancelled"}

    async def test_a_question_answered_again_stands_once(
        self, runs: Runs, pool: Pool, thread_id: UUID
    ) -> None:
        first = await runs.create(a_run(thread_id, content="a", starts=True))
        await answered(runs, first)
        place = Place(None, asked_in=first["run_id"], seed=first["graph_thread"])
        again = await runs.create(a_run(thread_id, content=None, place=place, starts=True))
        opening = await Turns(pool).opening(again)
        assert [m["content"] for m in opening.asked] == ["a"]
        await answered(runs, again)
        assert await told(pool, thread_id) == ["a", REPLY["content"]]


async def a_checkpoint(pool: Pool, graph_thread: str, checkpoint_id: str) -> None:
    await fetch_one(
        pool,
        "insert into checkpoints (thread_id, checkpoint_id, checkpoint) values (%s, %s, '{}')"
        " returning 1",
        [graph_thread, checkpoint_id],
    )


async def until_settled(pool: Pool) -> None:
    """Postgres has run for long enough that every session is there."""
    young = (
        f"select 1 where now() - pg_postmaster_start_time()"
        f" < {SETTLING_SECONDS + 1} * interval '1 second'"
    )
    while await fetch_one(pool, young):  # noqa: ASYNC110 (it happens elsewhere)
        await asyncio.sleep(0.2)


async def a_card(
    pool: Pool,
    thread_id: UUID,
    confirmed_in: UUID | None = None,
    *,
    action_id: UUID | None = None,
) -> UUID:
    """A card of the thread that waits, or that was confirmed just now."""
    action_id = action_id or uuid4()
    await fetch_one(
        pool,
        "insert into actions (action_id, thread_id, customer_id, kind, status, card, hash,"
        " document_number, expires_at, confirmed_in) values (%s, %s, %s, 'order', %s, '{}', 'h',"
        " %s, now() + interval '1 hour', %s) returning 1",
        [
            *(action_id, thread_id, CUSTOMER),
            *("confirmed" if confirmed_in else "proposed", str(action_id), confirmed_in),
        ],
    )
    return action_id


async def cut_off(step: "asyncio.Task[Any]") -> None:
    """Cancelled, and again while it ends."""
    for _ in range(4):
        step.cancel()
        await asyncio.sleep(0)
    await asyncio.gather(step, return_exceptions=True)


async def test_a_step_that_is_cut_off_leaves_no_connection_in_the_middle(
    runs: Runs, pool: Pool, thread_id: UUID
) -> None:
    """What the next user of a connection writes would otherwise be written into the void."""
    for n in range(60):
        run = a_run(thread_id, starts=True)
        step = asyncio.create_task(runs.create(run))
        await asyncio.sleep(n % 20 / 4000)
        await cut_off(step)
        ending = asyncio.create_task(runs.answer(run.run_id, Answer("x", REPLY, {}), "succeeded"))
        await asyncio.sleep(n % 20 / 4000)
        await cut_off(ending)
    left = (
        "select count(*) as n from pg_stat_activity where datname = current_database()"
        " and pid <> pg_backend_pid() and xact_start is not null"
        " and backend_type = 'client backend'"
    )
    await asyncio.sleep(0.5)
    assert await fetch_one(pool, left) == {"n": 0}
