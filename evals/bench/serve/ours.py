"""Our service as `python -m api` runs it, with the bench's graph in the place of Tria's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import uvicorn
from fastapi import FastAPI

from api.app import create_app
from evals.bench.serve.graph import build_graph
from graph.clients import Clients
from graph.execution import Executor
from graph.settings import read_settings
from graph.worker import Worker
from monitoring.logging import configure_logging
from tools.turns import Turns


def main() -> None:
    """Serve until SIGTERM."""
    configure_logging()
    settings = read_settings()
    app = create_app(settings)
    app.router.lifespan_context = _with_bench_graph(app.router.lifespan_context)
    uvicorn.run(app, host=settings.tria_host, port=settings.tria_port, log_level="warning")


def _with_bench_graph(inner: Any) -> Any:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with inner(app):
            clients: Clients = app.state.clients
            await clients.executor.stop()
            app.state.clients = served = _served(clients)
            served.executor.start()
            yield
            await served.executor.stop()

    return lifespan


def _served(clients: Clients) -> Clients:
    """The same clients around another graph."""
    graph = build_graph(clients.saver)
    worker = Worker(graph, clients.runs, Turns(clients.pool), clients.events, clients.context_for)
    return replace(clients, graph=graph, executor=Executor(clients.pool, worker))


if __name__ == "__main__":
    main()
