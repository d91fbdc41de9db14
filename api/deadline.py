"""An answer in time while the database hangs: a paused one holds up even a cancelled query."""

import asyncio
from typing import cast

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import crashed, unavailable
from api.health.contract import ESSENTIAL
from api.health.probes import Probes

LOOK_SECONDS = 1.0


class Deadline:
    """Answers 503 when an answer has not begun and the database is known to be away."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on. What nobody foresaw is answered and logged here, without words."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        watch = _Watch(scope, receive, send)
        try:
            await self._app(scope, receive, watch.send)
        except asyncio.CancelledError:
            if watch.answering is None:
                raise
        except Exception as error:  # noqa: BLE001 (the last one to see it)
            answer = crashed(error)
            if not watch.has_begun:
                await answer(scope, receive, watch.send)
        finally:
            watch.stop()
        if watch.answering:
            await watch.answering


class _Watch:
    """Looks at a request each second until its answer begins, and ends it where that is hopeless.

    The answer goes out beside the request's own task, which may hang for as long as the database.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._working = cast("asyncio.Task[None]", asyncio.current_task())
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(LOOK_SECONDS, self._look)
        self.has_begun = False
        self.answering: asyncio.Task[None] | None = None

    async def send(self, message: Message) -> None:
        """On to the client, which gets one answer only."""
        if self.answering:
            return
        if not self.has_begun:
            self.has_begun = True
            self.stop()
        await self._send(message)

    def stop(self) -> None:
        """Nothing is to be watched any more."""
        self._timer.cancel()

    def _look(self) -> None:
        if not _is_away(self._scope):
            self._timer = self._loop.call_later(LOOK_SECONDS, self._look)
            return
        answer = unavailable()
        self.answering = self._loop.create_task(answer(self._scope, self._receive, self._send))
        self._working.cancel()  # so that nothing is stored after the answer


def _is_away(scope: Scope) -> bool:
    probes = cast(Probes, scope["app"].state.probes)
    return probes.parts[ESSENTIAL].state == "down"
