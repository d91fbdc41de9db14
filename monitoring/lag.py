"""How late this process's event loop is: what blocks it holds every turn and every request up."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from monitoring import metrics

EVERY_SECONDS = 0.5


@asynccontextmanager
async def measuring_lag() -> AsyncIterator[None]:
    """Measure for as long as this is open."""
    task = asyncio.create_task(_forever(), name="loop lag")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task}, timeout=1)


async def _forever() -> None:
    while True:
        started = time.monotonic()
        await asyncio.sleep(EVERY_SECONDS)
        metrics.LOOP_LAG.observe(max(0.0, time.monotonic() - started - EVERY_SECONDS))
