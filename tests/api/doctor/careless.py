"""A service that does everything wrong that can be seen from outside."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from tests.conftest import Served

METHODS = ["GET", "POST", "PUT", "DELETE", "OPTIONS", "TRACE"]
INSIDES = 'Traceback (most recent call last): File "/app/service.py"'
CARELESS = FastAPI(openapi_url=None)


class ServedByTls(Served):
    """The same over TLS, with the certificate in a folder."""

    def __init__(self, app: FastAPI, folder: Path) -> None:
        super().__init__(app)
        self._server.config.ssl_certfile = str(folder / "certificate.pem")
        self._server.config.ssl_keyfile = folder / "key.pem"


@CARELESS.middleware("http")
async def everybody_may(
    request: Request, answer: Callable[[Request], Awaitable[Response]]
) -> Response:
    """Other sites too, and all hear which version of what this is."""
    given = await answer(request)
    given.headers["Access-Control-Allow-Origin"] = "*"
    given.headers["X-Powered-By"] = "careless/1.2"
    return given


@CARELESS.get("/demo/customers")
async def customers() -> list[dict[str, str]]:
    return [{"customer_id": "first"}, {"customer_id": "second"}]


@CARELESS.post("/demo/sign-in")
async def sign_in() -> dict[str, str]:
    return {"token": "anything"}


@CARELESS.post("/threads")
async def thread() -> dict[str, str]:
    return {"thread_id": str(uuid4())}


@CARELESS.post("/threads/search")
async def search(request: Request) -> JSONResponse:
    """Whoever is not signed in sees everything."""
    return JSONResponse([], 500 if "authorization" in request.headers else 200)


@CARELESS.post("/threads/{thread_id}/runs/stream")
async def stream(thread_id: str, request: Request) -> StreamingResponse:
    """Everything at the end, without ids to come back to, and about whoever's invoices."""
    said = (await request.json())["input"]["messages"][-1]["content"]
    text = "INV-1001: 10.00" if "invoices" in said or "how much" in said else INSIDES
    values = {"messages": [{"type": "ai", "content": text, "additional_kwargs": {}}]}

    async def pieces() -> AsyncIterator[str]:
        await asyncio.sleep(0.05)
        for name, data in (("messages", []), ("values", values)):
            yield f"event: {name}\ndata: {json.dumps(data)}\n\n"

    return StreamingResponse(pieces(), media_type="text/event-stream")


@CARELESS.post("/threads/{thread_id}/runs")
async def run() -> dict[str, str]:
    """A repeat is another one."""
    return {"run_id": str(uuid4())}


@CARELESS.get("/threads/{thread_id}/runs")
async def runs() -> list[str]:
    return ["one", "another"]


@CARELESS.get("/threads/{thread_id}/state")
async def state() -> dict[str, Any]:
    return {"values": {"messages": []}}


@CARELESS.get("/threads/none")
async def refused() -> JSONResponse:
    """Nobody is told when to come again."""
    return JSONResponse({}, 429)


@CARELESS.get("/health/ready")
async def ready() -> JSONResponse:
    return JSONResponse({}, 503)


@CARELESS.api_route("/{path:path}", methods=METHODS)
async def anything() -> dict[str, str]:
    return {"version": "0.0.1", "error": INSIDES}
