import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar, cast
from uuid import UUID, uuid4

import pytest
from prometheus_client import REGISTRY
from psycopg.rows import DictRow
from typing_extensions import override

from graph.counting import count_turn
from graph.execution import Executor
from graph.worker import Worker, _open_card
from tools.conversations import Message
from tools.database import make_pool


class Broken:
    """Runs and events of a process in which something fails that nobody foresaw."""

    async def claim(self, *_: object, **__: object) -> list[Any]:
        raise RuntimeError("nobody foresaw it")


async def test_an_executor_that_no_longer_looks_for_runs_says_so() -> None:
    pool = make_pool("postgresql://nobody@127.0.0.1:1/nothing")
    worker = Worker(*[cast(Any, None)] * 5)
    worker = replace(worker, runs=cast(Any, Broken()))
    executor = Executor(pool, worker)
    executor.start()
    assert executor.is_working
    await asyncio.sleep(0.05)
    assert not executor.is_working
    await executor.stop()


class Counting(Worker):
    """Turns that are only counted."""

    worked: ClassVar[list[UUID]] = []

    @override
    async def work(self, run: DictRow, control: Any) -> bool:
        self.worked.append(run["run_id"])
        await asyncio.sleep(0.05)
        return False


async def test_a_run_that_is_claimed_twice_is_worked_on_once() -> None:
    pool = make_pool("postgresql://nobody@127.0.0.1:1/nothing")
    executor = Executor(pool, Counting(*[cast(Any, None)] * 5))
    run = {"run_id": uuid4(), "thread_id": uuid4(), "attempts": 1, "turn": 1, "resume": None}
    for _ in range(2):
        executor.work_on(run | {"metadata": {}, "request": {}})
    await asyncio.sleep(0.2)
    assert Counting.worked == [run["run_id"]]


def guessed() -> float:
    return REGISTRY.get_sample_value("tria_guessing_total") or 0


@pytest.mark.parametrize(
    ("handoff", "more"), [({"reason": "guessing"}, 1), ({"reason": "complaint"}, 0), (None, 0)]
)
def test_a_turn_that_tried_numbers_out_is_counted(handoff: Any, more: int) -> None:
    before = guessed()
    count_turn({"reply": {"by": "templates", "is_shared": False}, "handoff": handoff})
    assert guessed() == before + more


CARD = {"action_id": UUID(int=7), "hash": "a hash"}


def said(text: str, role: str = "ai", **extra: Any) -> Message:
    return {
        "message_id": "m",
        "run_id": "r",
        "role": role,
        "content": text,
        "extra": extra,
        "created_at": datetime.now(UTC),
    }


@pytest.mark.parametrize(
    ("last", "is_asked"),
    [
        (said("Shall I place this order?", card={"action_id": str(UUID(int=7))}), True),
        (said("You owe SGD 1.00."), True),
        (said("Shall I pass your question to our team?"), False),
        (said("要我帮您转给同事吗？"), False),
        (said("Shall I send it?", card={"action_id": str(UUID(int=8))}), False),
    ],
)
def test_a_bare_yes_answers_a_card_only_if_nothing_else_was_asked(
    last: Message, *, is_asked: bool
) -> None:
    history = [said("hello", "human"), last, said("hm", "human")]
    assert _open_card(CARD, history)["is_asked"] is is_asked
