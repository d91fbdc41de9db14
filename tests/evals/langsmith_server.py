"""A server that takes what LangSmith's client sends, keeps it, and refuses what LangSmith would."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from email.parser import BytesParser
from typing import Any
from uuid import uuid4

from fastapi import FastAPI, HTTPException, Request, Response
from starlette.middleware.base import RequestResponseEndpoint

from tests.conftest import Served

KEY = "a key of LangSmith"
TENANT = str(uuid4())
INFO = {
    "version": "0.13.0",
    "instance_flags": {"dataset_examples_multipart_enabled": False},
    "batch_ingest_config": {
        "use_multipart_endpoint": True,
        "scale_up_qsize_trigger": 1000,
        "scale_up_nthreads_limit": 2,
        "scale_down_nempty_trigger": 4,
        "size_limit": 100,
        "size_limit_bytes": 20_971_520,
    },
}
Json = dict[str, Any]
Table = dict[str, Json]


class LangSmithServer:
    """What has been received, by id; `writes` counts the requests that changed something."""

    def __init__(self) -> None:
        self.datasets: Table = {}
        self.examples: Table = {}
        self.sessions: Table = {}
        self.runs: Table = {}
        self.feedback: Table = {}
        self.writes: list[str] = []
        self.refuses_runs = False
        self.url = ""

    def session(self, name: str) -> Json:
        """A project by its name, made where there is none, as a first trace makes it."""
        for session in self.sessions.values():
            if session["name"] == name:
                return session
        return self.add(self.sessions, {"name": name, "reference_dataset_id": None, "extra": None})

    def runs_of(self, name: str) -> list[Json]:
        """The runs of a project."""
        return [run for run in self.runs.values() if run["session_name"] == name]

    def add(self, table: Table, row: Json) -> Json:
        """Keep a row; its id must be new."""
        stored = {"id": str(uuid4()), **row}
        if stored["id"] in table:
            raise HTTPException(409, "payloads already received")
        if table is self.sessions:
            stored |= {"tenant_id": TENANT, "start_time": "2026-09-02T00:00:00Z"}
        if table is self.datasets:
            stored |= {"created_at": "2026-09-02T00:00:00Z"}
        table[stored["id"]] = stored
        return stored

    def take(self, part: str, content: Json | None) -> None:
        """One part of a multipart request: a run, a field of a run, or feedback."""
        kind, key, *field = part.split(".")
        if kind == "feedback":
            self._take_feedback(content or {})
        elif kind == "post" and not field:
            if self.refuses_runs:
                raise HTTPException(422, "no runs today")
            self._take_run(key, content or {})
        elif kind in ("post", "patch"):
            self.runs[key] |= {field[0]: content} if field else (content or {})

    def _take_run(self, key: str, run: Json) -> None:
        for needed in ("id", "trace_id", "dotted_order", "name", "run_type", "start_time"):
            if not run.get(needed):
                raise HTTPException(422, f"a run needs {needed}")
        example = run.get("reference_example_id")
        if example and example not in self.examples:
            raise HTTPException(404, "no such example")
        session = self.session(run["session_name"])
        if example and session["reference_dataset_id"] != self.examples[example]["dataset_id"]:
            raise HTTPException(422, "the example is of another dataset")
        self.add(self.runs, run | {"id": key})

    def _take_feedback(self, feedback: Json) -> None:
        if feedback.get("run_id") not in self.runs:
            raise HTTPException(404, "no such run")
        if feedback.get("session_id") not in self.sessions:
            raise HTTPException(422, "feedback needs its project")
        self.add(self.feedback, feedback)

    def app(self) -> FastAPI:
        """The paths that the client uses."""
        app = FastAPI()

        @app.middleware("http")
        async def signed_in(request: Request, go_on: RequestResponseEndpoint) -> Response:
            if request.headers.get("x-api-key") != KEY:
                return Response("{}", 401)
            if request.method != "GET":
                self.writes.append(f"{request.method} {request.url.path}")
            return await go_on(request)

        app.get("/info")(lambda: INFO)
        self._add_examples(app)
        self._add_feedback(app)
        self._add_tables(app)

        @app.post("/runs/multipart", status_code=202)
        async def multipart(request: Request) -> Json:
            head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
            for part in BytesParser().parsebytes(head + await request.body()).walk():
                name = part.get_param("name", header="content-disposition")
                if isinstance(name, str):
                    content = part.get_payload(decode=True)
                    self.take(name, json.loads(content) if isinstance(content, bytes) else None)
            return {}

        return app

    def _add_tables(self, app: FastAPI) -> None:
        @app.get("/{table}", include_in_schema=False)
        async def found(table: str, request: Request) -> list[Json]:
            rows = self._named(table)
            name, dataset = request.query_params.get("name"), request.query_params.get("dataset")
            return _page(
                [
                    row
                    for row in rows.values()
                    if (not name or row["name"] == name)
                    and (not dataset or row["dataset_id"] == dataset)
                ],
                request,
            )

        @app.post("/{table}", include_in_schema=False)
        async def made(table: str, request: Request) -> Json:
            rows, row = self._named(table), await request.json()
            if any(row["name"] == each["name"] for each in rows.values()):
                raise HTTPException(409, "the name is taken")
            return self.add(rows, row)

    def _add_feedback(self, app: FastAPI) -> None:
        @app.get("/feedback")
        async def feedback(request: Request) -> list[Json]:
            runs = request.query_params.getlist("run")
            return _page([f for f in self.feedback.values() if f["run_id"] in runs], request)

        @app.patch("/feedback/{key}")
        async def change_feedback(key: str, request: Request) -> Json:
            self.feedback[key] |= await request.json()
            return self.feedback[key]

    def _add_examples(self, app: FastAPI) -> None:
        @app.post("/examples/bulk")
        async def add_examples(request: Request) -> list[Json]:
            examples = await request.json()
            if any(each["dataset_id"] not in self.datasets for each in examples):
                raise HTTPException(404, "no such dataset")
            return [self.add(self.examples, each) for each in examples]

        @app.patch("/examples/bulk")
        async def change_examples(request: Request) -> Json:
            for change in await request.json():
                if change["id"] not in self.examples:
                    raise HTTPException(404, "no such example")
                self.examples[change["id"]] |= change
            return {}

    def _named(self, table: str) -> Table:
        tables = {"datasets": self.datasets, "examples": self.examples, "sessions": self.sessions}
        if table not in tables:
            raise HTTPException(404, table)
        return tables[table]


def _page(rows: list[Json], request: Request) -> list[Json]:
    first = int(request.query_params.get("offset", 0))
    return rows[first : first + min(100, int(request.query_params.get("limit", 100)))]


@contextmanager
def langsmith_running() -> Iterator[LangSmithServer]:
    """One with nothing in it."""
    server = LangSmithServer()
    with Served(server.app()) as served:
        server.url = served.url
        yield server
