"""Tools picked by a model: bounded and billed like everything it is asked."""

import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from langchain_core.messages import HumanMessage

from tests.tools.conftest import Control
from tools.errors import BackendUnavailable
from tools.model.budget import BudgetSpent, DailyBudget
from tools.model.client import Bounds, Model
from tools.model.usage import Usage, estimated

MESSAGES = [HumanMessage("what did I pay in May?")]
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "list_payments",
            "description": "Payments received",
            "parameters": {
                "type": "object",
                "properties": {"month": {"type": "string"}},
                "additionalProperties": False,
            },
        },
    }
]


@pytest.fixture
async def make(control: Control) -> AsyncIterator[Callable[..., Model]]:
    made: list[Model] = []

    def make(**bounds: Any) -> Model:
        url = f"{control.root}/openai/v1"
        model = Model("a key", url, "gpt-4.1-mini", Bounds(**{"fill": 1.0} | bounds))
        made.append(model)
        return model

    yield make
    for model in made:
        await model.aclose()


async def test_tools_are_picked_with_their_arguments(
    make: Callable[..., Model], control: Control
) -> None:
    call = {"name": "list_payments", "arguments": {"month": "May"}}
    control.model("echo", picks=[call])
    assert await make().pick(MESSAGES, TOOLS) == [("list_payments", {"month": "May"})]
    [offered] = control.last_asked()["tools"]
    assert offered == TOOLS[0]


async def test_a_model_that_answers_in_words_picks_nothing(make: Callable[..., Model]) -> None:
    assert await make().pick(MESSAGES, TOOLS) == []


async def test_no_more_than_asked_for_are_passed_on(
    make: Callable[..., Model], control: Control
) -> None:
    control.model("echo", picks=[{"name": f"tool_{n}"} for n in range(9)])
    assert [name for name, _ in await make().pick(MESSAGES, TOOLS)] == [
        "tool_0",
        "tool_1",
        "tool_2",
    ]
    assert len(await make().pick(MESSAGES, TOOLS, most=1)) == 1


async def test_arguments_that_are_no_json_are_left_out(
    make: Callable[..., Model], control: Control
) -> None:
    broken = {"name": "list_payments", "arguments": '{"month": "Ma'}
    control.model("echo", picks=[broken, {"name": "list_payments"}])
    assert await make().pick(MESSAGES, TOOLS) == [("list_payments", {})]


@pytest.mark.parametrize("arguments", ["[1]", '"text"', "7"])
async def test_arguments_that_are_no_object_are_a_failure_of_the_model(
    make: Callable[..., Model], control: Control, arguments: str
) -> None:
    control.model("echo", picks=[{"name": "list_payments", "arguments": arguments}])
    started = time.monotonic()
    with pytest.raises(BackendUnavailable):
        await make().pick(MESSAGES, TOOLS)
    assert time.monotonic() - started < 1.5


@pytest.mark.parametrize("mode", ["error_429", "error_500", "garbage", "broken"])
async def test_it_is_asked_again(make: Callable[..., Model], control: Control, mode: str) -> None:
    control.model(mode, times=1, retry_after=0, picks=[{"name": "list_payments"}])
    assert await make().pick(MESSAGES, TOOLS) == [("list_payments", {})]


@pytest.mark.parametrize("mode", ["error_500", "timeout", "stall", "garbage", "broken"])
async def test_tries_and_time_are_bounded(
    make: Callable[..., Model], control: Control, mode: str
) -> None:
    control.model(mode)
    before, started = control.model_calls(), time.monotonic()
    with pytest.raises(BackendUnavailable):
        await make().pick(MESSAGES, TOOLS)
    assert control.model_calls() - before <= 3
    assert time.monotonic() - started < 1.5


async def test_the_usage_is_told(make: Callable[..., Model], control: Control) -> None:
    control.model("echo", picks=[{"name": "list_payments"}])
    told: list[Usage] = []
    await make().pick(MESSAGES, TOOLS, on_usage=told.append)
    assert [usage.is_estimate for usage in told] == [False]


async def test_the_offered_tools_are_among_what_may_be_spent(
    make: Callable[..., Model], control: Control
) -> None:
    most = estimated("gpt-4.1-mini", MESSAGES, 800).cost
    budget = DailyBudget(most, lambda: datetime(2026, 11, 23, tzinfo=UTC), None)
    before = control.model_calls()
    with pytest.raises(BudgetSpent):
        await make(budget=budget).pick(MESSAGES, TOOLS)
    assert control.model_calls() == before
    assert await budget.spent() == Decimal(0)
