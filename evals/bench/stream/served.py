"""The service with one more route: it writes events for runs as if turns were under way."""

import asyncio
import time
from collections.abc import Sequence
from uuid import UUID

import uvicorn
from fastapi import FastAPI, Request
from uvicorn.importer import import_from_string

from evals.bench.stream.files import allow_many_connections
from graph.clients import Clients
from graph.settings import read_settings
from tools.database import fetch_all
from tools.events import END

SERVICE = "api.app:create_app"  # named to the server as on its command line
SLOTS = 50  # runs do not write at the same moment


def main() -> None:
    """Serve until SIGTERM."""
    allow_many_connections()
    settings = read_settings()
    app: FastAPI = import_from_string(SERVICE)(settings)

    @app.post("/feed")
    async def feed(request: Request) -> dict[str, float]:
        wanted = await request.json()
        clients: Clients = request.app.state.clients
        query = "select thread_id, run_id from runs where owner = %s"
        rows = await fetch_all(clients.pool, query, [wanted["owner"]])
        runs = [(row["thread_id"], row["run_id"]) for row in rows]
        return {"late_s": await _feed(clients, runs, wanted["rate"], wanted["seconds"])}

    uvicorn.run(
        app,
        host=settings.tria_host,
        port=settings.tria_port,
        log_level="warning",
        timeout_graceful_shutdown=5,
    )


async def _feed(
    clients: Clients, runs: Sequence[tuple[UUID, UUID]], rate: float, seconds: float
) -> float:
    """Write at a steady pace, each event with the time it was due; how late we were at most."""
    for thread_id, run_id in runs:
        await clients.events.begin(thread_id, run_id)
    ids = [run_id for _, run_id in runs]
    started, late = time.time() + 0.1, 0.0
    for tick in range(int(seconds * rate) * SLOTS):
        due = started + tick / (rate * SLOTS)
        await asyncio.sleep(max(due - time.time(), 0))
        late = max(late, time.time() - due)
        data = f'[{{"content":"a word ","type":"AIMessageChunk","id":"x"}},{{"due":{due:.6f}}}]'
        for run_id in ids[tick % SLOTS :: SLOTS]:
            await clients.events.append(run_id, "messages", data)
    for run_id in ids:
        await clients.events.append(run_id, END, "{}")
    return late


if __name__ == "__main__":
    main()
