"""A stand-in for a collector of OpenTelemetry: takes OTLP over HTTP, and reads what it took."""

import gzip
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from typing_extensions import override


@dataclass
class Collected:
    """What came in, and how the next requests are answered."""

    url: str = ""
    status: int = 200
    asked: list[tuple[str, str]] = field(default_factory=list)  # path and authorization
    resources: list[dict[str, str]] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    raw: bytes = b""
    let_go: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.let_go.set()

    def of(self, trace_id: str) -> list[Span]:
        """The spans of one trace."""
        return [span for span in self.spans if span.trace_id.hex() == trace_id]

    def wait_for(self, trace_id: str, seconds: float = 15) -> list[Span]:
        """The same, once there are some."""
        end = time.monotonic() + seconds
        while not self.of(trace_id) and time.monotonic() < end:
            time.sleep(0.02)
        return self.of(trace_id)


def attributes(span: Span) -> dict[str, Any]:
    return {
        each.key: getattr(each.value, each.value.WhichOneof("value") or "string_value")
        for each in span.attributes
    }


class _Web(BaseHTTPRequestHandler):
    collected: Collected

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.collected.let_go.wait(20)
        self.collected.asked.append((self.path, self.headers.get("Authorization", "")))
        if self.collected.status == 200:
            self._take(body)
        answer = ExportTraceServiceResponse().SerializeToString()
        self.send_response(self.collected.status)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def _take(self, body: bytes) -> None:
        self.collected.raw += body
        for each in ExportTraceServiceRequest.FromString(body).resource_spans:
            named = {one.key: one.value.string_value for one in each.resource.attributes}
            self.collected.resources.append(named)
            self.collected.spans += [span for scope in each.scope_spans for span in scope.spans]

    @override
    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def collecting() -> Iterator[Collected]:
    """A collector on loopback."""
    collected = Collected()
    web = type("Web", (_Web,), {"collected": collected})
    server = ThreadingHTTPServer(("127.0.0.1", 0), web)
    server.daemon_threads = True
    collected.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield collected
    finally:
        collected.let_go.set()
        server.shutdown()
        server.server_close()
