"""A model service that answers from recordings; `python -m evals.models.cassette --help`.

It speaks as the service behind it would: the same paths, the same streams.
"""

import argparse
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import httpx
import uvicorn
from fastapi import FastAPI, Request, Response
from pydantic import BaseModel
from starlette.responses import JSONResponse, StreamingResponse

from evals.models.tape import Json, Recording, Tape, key_of, prompts_in
from graph.settings import environment
from tools.embedded.process import free_port, last_lines, spawn, stop, wait_until

Mode = Literal["record", "replay"]
FOLDER = Path(__file__).parents[1] / "cassettes"
CHAT = "/chat/completions"
STREAM = "text/event-stream"
STREAM_END = "data: [DONE]"
# Our client neither tries this again nor leaves the service alone for it: every miss is seen.
MISSED = 422
SHOWN = 60
UPSTREAM_SECONDS = 120
START_SECONDS = 30


class Miss(BaseModel):
    """A request that nobody had recorded, and how the customer's message in it begins."""

    key: str
    said: str


@dataclass(frozen=True)
class Upstream:
    """The service that answers what is not recorded yet."""

    url: str
    api_key: str

    def request(self, client: httpx.AsyncClient, body: Json) -> httpx.Request:
        """The same question, asked there with its own key."""
        headers = {"Authorization": f"Bearer {self.api_key}"}
        return client.build_request("POST", f"{self.url}{CHAT}", json=body, headers=headers)


def make_app(tape: Tape, upstream: Upstream | None) -> FastAPI:
    """Chat completions from the tape; what it lacks is recorded or, without an upstream, missed."""
    misses: dict[str, Miss] = {}
    client = httpx.AsyncClient(timeout=UPSTREAM_SECONDS)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with client:
            yield

    app = FastAPI(lifespan=lifespan, openapi_url=None)

    @app.get("/cassette/misses")
    async def missed() -> list[Miss]:
        return list(misses.values())

    @app.post(f"/v1{CHAT}")
    async def chat(request: Request) -> Response:
        body: Json = await request.json()
        if kept := tape.find(CHAT, body) if upstream else tape.find_alike(CHAT, body):
            return _played(kept)
        if upstream:
            return await _recorded(tape, client, upstream, body)
        miss = Miss(key=key_of(CHAT, body), said=_said(body))
        misses[miss.key] = miss
        message = f"No recording {miss.key} of model {body.get('model')}: {miss.said}"
        return _error(MISSED, "not_recorded", message)

    return app


def _played(kept: Recording) -> Response:
    """A kept answer; a stream comes event by event."""
    if not kept.content_type.startswith(STREAM):
        return Response(kept.body, kept.status, media_type=kept.content_type)
    events = kept.body.split("\n\n")
    pieces = [f"{event}\n\n" for event in events[:-1]] + events[-1:]
    return StreamingResponse(_each(pieces), kept.status, media_type=kept.content_type)


async def _each(pieces: list[str]) -> AsyncIterator[str]:
    for piece in pieces:
        yield piece


async def _recorded(
    tape: Tape, client: httpx.AsyncClient, upstream: Upstream, body: Json
) -> Response:
    """The upstream's answer, passed on as it comes and kept once it is whole."""
    try:
        answer = await client.send(upstream.request(client, body), stream=True)
    except httpx.HTTPError as error:
        return _error(502, "upstream", f"{upstream.url} did not answer: {type(error).__name__}")
    kind = answer.headers.get("Content-Type", "application/json")

    async def passed_on() -> AsyncIterator[bytes]:
        pieces: list[bytes] = []
        try:
            async for piece in answer.aiter_bytes():
                pieces.append(piece)
                yield piece
        finally:
            await answer.aclose()
        text = b"".join(pieces).decode()
        if answer.status_code == httpx.codes.OK and _is_whole(kind, text):
            prompts = prompts_in(body.get("messages", []))
            tape.keep(
                Recording(path=CHAT, request=body, prompts=prompts, content_type=kind, body=text)
            )

    told = {k: v for k, v in answer.headers.items() if k.lower() == "retry-after"}
    return StreamingResponse(passed_on(), answer.status_code, told, media_type=kind)


def _is_whole(kind: str, text: str) -> bool:
    return STREAM_END in text if kind.startswith(STREAM) else bool(text)


def _said(body: Json) -> str:
    said = [m.get("content") for m in body.get("messages", []) if m.get("role") == "user"]
    return str(said[-1] if said else "")[:SHOWN]


def _error(status: int, code: str, message: str) -> Response:
    return JSONResponse({"error": {"message": message, "type": code, "code": code}}, status)


@dataclass(frozen=True)
class Cassette:
    """A running one: `url` is what clients take for the base of the API."""

    url: str

    def misses(self) -> list[Miss]:
        """What was asked and not recorded, each once."""
        answer = httpx.get(f"{self.url.removesuffix('/v1')}/cassette/misses", timeout=10)
        answer.raise_for_status()
        return [Miss.model_validate(each) for each in answer.json()]


@contextmanager
def cassette_server(
    folder: Path = FOLDER, mode: Mode = "replay", upstream: str | None = None, api_key: str = ""
) -> Iterator[Cassette]:
    """One as a process of its own. To record it needs an upstream, and the key that it takes."""
    port = free_port()
    command = [sys.executable, "-m", "evals.models.cassette", "--port", str(port)]
    command += ["--folder", str(folder), "--mode", mode]
    command += ["--upstream", upstream] if upstream else []
    with tempfile.TemporaryDirectory(prefix="tria-cassette-") as name:
        log = Path(name) / "cassette.log"
        process = spawn(command, log, signal.SIGTERM, environment() | {"OPENAI_API_KEY": api_key})
        url = f"http://127.0.0.1:{port}"

        def is_ready() -> bool:
            if process.poll() is not None:
                sys.exit(f"The cassette ended at once:\n{last_lines(log)}")
            try:
                return httpx.get(f"{url}/cassette/misses", timeout=2).is_success
            except httpx.TransportError:
                return False

        try:
            wait_until(is_ready, START_SECONDS, "the cassette did not start")
            yield Cassette(f"{url}/v1")
        finally:
            stop(process, signal.SIGTERM)


def main() -> None:
    """Serve until told to stop."""
    asked = _arguments()
    upstream = None
    if asked.mode == "record":
        if not asked.upstream:
            sys.exit("To record, say whom to ask: --upstream URL")
        upstream = Upstream(asked.upstream.rstrip("/"), environment().get("OPENAI_API_KEY", ""))
    app = make_app(Tape(asked.folder), upstream)
    uvicorn.run(app, host="127.0.0.1", port=asked.port, log_level="warning")


def _arguments() -> Any:
    parser = argparse.ArgumentParser(prog="evals.models.cassette", description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--mode", choices=("record", "replay"), default="replay")
    parser.add_argument("--upstream", help="base of an OpenAI-compatible API")
    parser.add_argument("--port", type=int, required=True)
    return parser.parse_args()


if __name__ == "__main__":
    main()
