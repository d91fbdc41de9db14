import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from langchain_core.messages import HumanMessage, SystemMessage
from pydantic import BaseModel

from tests.tools.conftest import Control
from tools.errors import BackendUnavailable
from tools.model.budget import BudgetSpent, DailyBudget
from tools.model.client import Bounds, Model
from tools.model.usage import Usage, estimated

FACTS = "<facts>\nYou owe SGD 354.25.\nIt is due on 2026-03-02.\n</facts>"
SAID = "You owe SGD 354.25. It is due on 2026-03-02."
MESSAGES = [SystemMessage(FACTS), HumanMessage("what do I owe?")]
SHORT = {"first_token": 1.0, "between_tokens": 0.4, "reply": 2.0, "fill": 1.0}


class Answer(BaseModel):
    """What a customer wants."""

    intent: str
    confidence: float


@pytest.fixture
async def make(control: Control) -> AsyncIterator[Callable[..., Model]]:
    """Makes models that ask the stand-in."""
    made: list[Model] = []

    def make(**bounds: Any) -> Model:
        url = f"{control.root}/openai/v1"
        model = Model("a key", url, "gpt-4.1-mini", Bounds(**SHORT | bounds))
        made.append(model)
        return model

    yield make
    for model in made:
        await model.aclose()


async def read(model: Model, **options: Any) -> str:
    return "".join([piece async for piece in model.stream(MESSAGES, **options)])


async def streamed_until_failure(model: Model) -> list[str]:
    pieces: list[str] = []
    with pytest.raises(BackendUnavailable):
        await read_into(pieces, model)
    return pieces


async def read_into(pieces: list[str], model: Model) -> None:
    async for piece in model.stream(MESSAGES):
        pieces.append(piece)  # noqa: PERF401 (a failure would take them along)


async def test_a_reply_is_streamed(make: Callable[..., Model]) -> None:
    pieces = [piece async for piece in make().stream(MESSAGES)]
    assert "".join(pieces) == SAID
    assert len(pieces) > 3


async def test_a_form_is_filled(make: Callable[..., Model], control: Control) -> None:
    control.model("echo", form={"intent": "balance", "confidence": 0.5})
    assert await make().fill(Answer, MESSAGES) == Answer(intent="balance", confidence=0.5)


@pytest.mark.parametrize("mode", ["error_429", "error_500", "error_503", "garbage", "broken"])
async def test_a_failure_before_the_first_word_is_tried_again(
    make: Callable[..., Model], control: Control, mode: str
) -> None:
    control.model(mode, times=1, after_pieces=0, retry_after=0)
    assert await read(make()) == SAID


@pytest.mark.parametrize("mode", ["error_429", "error_500", "garbage", "broken"])
async def test_a_form_is_asked_for_again(
    make: Callable[..., Model], control: Control, mode: str
) -> None:
    form: dict[str, Any] = {"intent": "balance", "confidence": 0.5}
    control.model(mode, times=1, retry_after=0, form=form)
    assert await make().fill(Answer, MESSAGES) == Answer(**form)


@pytest.mark.parametrize("mode", ["error_429", "error_500", "timeout", "garbage", "broken"])
async def test_tries_and_time_are_bounded(
    make: Callable[..., Model], control: Control, mode: str
) -> None:
    control.model(mode, after_pieces=0, retry_after=0)
    before, started = control.model_calls(), time.monotonic()
    assert await streamed_until_failure(make()) == []
    with pytest.raises(BackendUnavailable):
        await make().fill(Answer, MESSAGES)
    assert control.model_calls() - before <= 6
    assert time.monotonic() - started < 3


async def test_the_time_the_service_asks_for_is_waited(
    make: Callable[..., Model], control: Control
) -> None:
    control.model("error_429", times=1, retry_after=0.6)
    started = time.monotonic()
    assert await read(make()) == SAID
    assert time.monotonic() - started >= 0.6


async def test_a_longer_wait_than_there_is_time_for_is_not_begun(
    make: Callable[..., Model], control: Control
) -> None:
    control.model("error_429", retry_after=30)
    before, started = control.model_calls(), time.monotonic()
    assert await streamed_until_failure(make()) == []
    assert control.model_calls() - before == 1
    assert time.monotonic() - started < 0.5


@pytest.mark.parametrize("mode", ["truncate", "broken", "garbage", "stall"])
async def test_a_reply_that_has_begun_is_never_started_again(
    make: Callable[..., Model], control: Control, mode: str
) -> None:
    control.model(mode, after_pieces=2)
    before = control.model_calls()
    assert "".join(await streamed_until_failure(make())) == "You owe"
    assert control.model_calls() - before == 1


async def test_a_reply_that_drips_is_cut_at_the_deadline(
    make: Callable[..., Model], control: Control
) -> None:
    control.model("slow", seconds=0.3)
    started = time.monotonic()
    assert await streamed_until_failure(make(reply=1.0))
    assert time.monotonic() - started < 1.6


async def test_a_form_that_comes_late_is_given_up(
    make: Callable[..., Model], control: Control
) -> None:
    control.model("slow", seconds=5)
    started = time.monotonic()
    with pytest.raises(BackendUnavailable):
        await make(fill=0.5).fill(Answer, MESSAGES)
    assert time.monotonic() - started < 1


async def test_a_service_that_keeps_failing_is_left_alone(
    make: Callable[..., Model], control: Control
) -> None:
    control.model("error_500")
    model = make()
    for _ in range(5):
        await streamed_until_failure(model)
    assert model.breaker.state == "open"
    before = control.model_calls()
    assert await streamed_until_failure(model) == []
    with pytest.raises(BackendUnavailable):
        await model.fill(Answer, MESSAGES)
    assert control.model_calls() == before


async def test_a_reader_who_leaves_is_no_failure_of_the_service(
    make: Callable[..., Model],
) -> None:
    model = make()
    for _ in range(6):
        async with aclosing(model.stream(MESSAGES)) as pieces:
            await anext(pieces)
    assert model.breaker.state == "closed"


async def test_the_usage_of_a_reply_is_told(make: Callable[..., Model]) -> None:
    told: list[Usage] = []
    await read(make(), on_usage=told.append)
    assert len(told) == 1
    assert told[0].tokens_in > 0
    assert told[0].tokens_out == len(SAID.split())
    assert told[0].cost > 0
    assert not told[0].is_estimate


async def test_the_usage_of_a_form_is_told(make: Callable[..., Model], control: Control) -> None:
    control.model("echo", form={"intent": "balance", "confidence": 0.5})
    told: list[Usage] = []
    await make().fill(Answer, MESSAGES, on_usage=told.append)
    assert [usage.is_estimate for usage in told] == [False]


async def test_the_usage_of_a_reply_that_broke_off_is_estimated(
    make: Callable[..., Model], control: Control
) -> None:
    control.model("truncate", after_pieces=2)
    told: list[Usage] = []
    with pytest.raises(BackendUnavailable):
        await read(make(), on_usage=told.append)
    assert [usage.is_estimate for usage in told] == [True]
    assert told[0].tokens_out > 0


async def test_a_refused_call_costs_nothing(make: Callable[..., Model], control: Control) -> None:
    control.model("error_500")
    told: list[Usage] = []
    with pytest.raises(BackendUnavailable):
        await read(make(), on_usage=told.append)
    assert told == []


def a_budget(limit: str) -> DailyBudget:
    return DailyBudget(Decimal(limit), lambda: datetime(2026, 11, 23, tzinfo=UTC), None)


async def test_the_budget_is_charged_what_a_call_did_cost(make: Callable[..., Model]) -> None:
    budget, told = a_budget("1.00"), list[Usage]()
    model = make(budget=budget)
    await asyncio.gather(*(read(model, on_usage=told.append) for _ in range(5)))
    cost = sum((usage.cost for usage in told), Decimal(0))
    assert cost <= await budget.spent() < cost + Decimal("0.00001")


async def test_a_spent_budget_stops_calls_before_they_are_made(
    make: Callable[..., Model], control: Control
) -> None:
    most = estimated("gpt-4.1-mini", MESSAGES, 800).cost
    model = make(budget=a_budget(str(most * Decimal("0.9"))))
    before = control.model_calls()
    with pytest.raises(BudgetSpent):
        await read(model)
    with pytest.raises(BudgetSpent):
        await model.fill(Answer, MESSAGES)
    assert control.model_calls() == before
    assert model.breaker.state == "closed"
