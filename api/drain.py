"""Leaving without losing anything: what SIGTERM starts."""

import asyncio
import os
import socket
import threading

import structlog
import uvicorn
from fastapi import FastAPI
from typing_extensions import override

from api.thread_socket import LARGEST_FRAME
from graph.settings import Settings
from monitoring.logging import origin

log = structlog.get_logger()

# Longer than clients and proxies keep an idle connection, or they send into one that just closes.
KEEP_SECONDS = 75
CLOSE_SECONDS = 10  # for open answers, once the work is handed over
HANDOVER_SECONDS = 5  # for writing down what was handed over
STUCK_SECONDS = 5
LOOK_SECONDS = 0.1


class DrainingServer(uvicorn.Server):
    """Hands its work over before it closes: uvicorn itself would wait for open streams first."""

    def __init__(self, app: FastAPI, settings: Settings) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                host=settings.tria_host,
                port=settings.tria_port,
                log_level="warning",
                log_config=None,  # its lines go the way of ours
                ws_max_size=LARGEST_FRAME,  # else a frame is looked at once it is here as a whole
                proxy_headers=False,  # the application knows which proxies to trust
                timeout_keep_alive=KEEP_SECONDS,
                timeout_graceful_shutdown=CLOSE_SECONDS,
            )
        )
        self._app = app
        self._settings = settings

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain while requests are still answered, then close as uvicorn does."""
        settings = self._settings
        seconds = settings.tria_drain_notice_seconds + settings.tria_drain_seconds
        bound = seconds + HANDOVER_SECONDS
        watch = _end_after(bound + CLOSE_SECONDS + STUCK_SECONDS)
        draining = asyncio.create_task(drain(self._app, settings))
        end = asyncio.get_running_loop().time() + bound
        # A paused database holds up a cancelled query too: leave the task behind then.
        while not draining.done() and asyncio.get_running_loop().time() < end:
            if self.force_exit:
                break
            await asyncio.wait({draining}, timeout=LOOK_SECONDS)
        if not draining.done():
            log.warning("drain did not end in time", seconds=bound)
        elif error := draining.exception():
            log.warning("drain failed", **origin(error))
        await super().shutdown(sockets)
        watch.cancel()


async def drain(app: FastAPI, settings: Settings) -> None:
    """Not ready; then no further run, the steps in flight to their end, and streams sent off."""
    clients = app.state.clients
    app.state.probes.is_draining = True
    await asyncio.sleep(settings.tria_drain_notice_seconds)
    try:
        await clients.executor.drain(settings.tria_drain_seconds)
    finally:
        await clients.events.drain()


def _end_after(seconds: float) -> threading.Timer:
    """End the process, whatever it hangs on, unless that is cancelled in time."""
    timer = threading.Timer(seconds, os._exit, [1])
    timer.daemon = True
    timer.start()
    return timer
