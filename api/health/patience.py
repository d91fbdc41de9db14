"""Asks something that may never answer, and waits no longer than that is worth."""

import asyncio
import time
from collections.abc import Awaitable, Callable

SECONDS = 1.0
MOST_LEFT = 2  # that hang; then nothing is asked before one has ended, or is given up
GIVEN_UP_SECONDS = 10.0


class Patience:
    """With one part. What does not answer in time is left behind: a cancelled query may hang."""

    def __init__(self, seconds: float = SECONDS, given_up: float = GIVEN_UP_SECONDS) -> None:
        self._seconds = seconds
        self._given_up = given_up
        self._left: dict[asyncio.Task[str], float] = {}

    async def ask(self, question: Callable[[], Awaitable[str]]) -> "asyncio.Task[str] | None":
        """What has been answered, or failed, in time; else None."""
        self._give_up()
        if len(self._left) >= MOST_LEFT:
            return None
        task = asyncio.ensure_future(_asked(question))
        done, _ = await asyncio.wait({task}, timeout=self._seconds)
        if done:
            return None if task.cancelled() else task
        self._left[task] = time.monotonic()
        task.add_done_callback(self._forget)
        return None

    def stop(self) -> None:
        """Wait for nothing any more."""
        for task in self._left:
            task.cancel()

    def _give_up(self) -> None:
        """A connection that nobody ends must not keep the part from being asked over another."""
        end = time.monotonic() - self._given_up
        for task in [task for task, since in self._left.items() if since < end]:
            task.cancel()
            del self._left[task]

    def _forget(self, task: "asyncio.Task[str]") -> None:
        self._left.pop(task, None)
        if not task.cancelled():
            task.exception()  # read it, or asyncio complains that nobody did


async def _asked(question: Callable[[], Awaitable[str]]) -> str:
    return await question()
