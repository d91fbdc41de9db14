"""How long another program may take, by a clock that stands still while this one is busy."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

STEPS = 10


@asynccontextmanager
async def within(seconds: float) -> AsyncIterator[None]:
    """Raises TimeoutError after so long, counted in steps between which answers are read.

    So a program that hangs is left in time. One that has answered is heard, even where the answer
    lay there for longer because this process had no time to look.
    """
    loop = asyncio.get_running_loop()
    timer: asyncio.TimerHandle

    def wait(steps: int) -> None:
        nonlocal timer
        timer = loop.call_later(seconds / STEPS, step, steps - 1)

    def step(left: int) -> None:
        if left:
            wait(left)
        else:
            bound.reschedule(loop.time())

    async with asyncio.timeout(None) as bound:
        wait(STEPS)
        try:
            yield
        finally:
            timer.cancel()
