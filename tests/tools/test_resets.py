"""A connection that is reset as it is made, on a loop with much to do: an outage like others."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest
import uvloop
from langchain_core.messages import HumanMessage
from pydantic import BaseModel

from evals.bench.fault.wire import Wire
from graph.clients import now
from tools.errors import BackendUnavailable
from tools.model.client import Bounds, Model
from tools.xero.exchange import Exchange, Place, make_http
from tools.xero.oauth import Access
from tools.xero.requests import Ask

TRIES = 8
ASK = Ask("GET", "/Invoices")


class Answer(BaseModel):
    """Whatever is asked for."""

    intent: str


async def busy() -> None:
    """So late is each step that the reset has arrived before it."""
    while True:
        time.sleep(0.003)  # noqa: ASYNC251 (it is meant)
        await asyncio.sleep(0)


async def met(url: str, ask: Callable[[str], Awaitable[None]]) -> Counter[str]:
    """What the tries end with, and what that was caused by."""
    hog, found = asyncio.create_task(busy()), Counter[str]()
    for _ in range(TRIES):
        with pytest.raises(BackendUnavailable) as ended:
            await ask(url)
        found[type(ended.value.__cause__).__name__] += 1
    hog.cancel()
    return found


async def ask_xero(url: str) -> None:
    async with make_http() as http:
        exchange = Exchange(Place(http, url, now), cast("Any", None), cast("Any", None))
        await exchange._exchanged(ASK, Access("a token", "a tenant", now()))


async def fill(url: str) -> None:
    model = Model("a key", url, "gpt-4.1-mini", Bounds(fill=0.5))
    try:
        await model.fill(Answer, [HumanMessage("hello")])
    finally:
        await model.aclose()


async def stream(url: str) -> None:
    model = Model("a key", url, "gpt-4.1-mini", Bounds(first_token=0.5))
    try:
        async for _ in model.stream([HumanMessage("hello")]):
            pass
    finally:
        await model.aclose()


@pytest.mark.parametrize("ask", [ask_xero, fill, stream])
def test_it_is_an_outage(ask: Callable[[str], Awaitable[None]]) -> None:
    wire = Wire(1)
    wire.set("refuse")
    try:
        found = uvloop.run(met(f"http://127.0.0.1:{wire.port}", ask))
    finally:
        wire.close()
    assert found["AttributeError"], f"none was reset as it was made: {found}"
