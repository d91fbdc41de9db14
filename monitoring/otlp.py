"""Sends traces to a collector by OTLP over HTTP, from a thread of its own.

Nothing waits for it: what the collector does not take in time is dropped and counted.
"""

import queue
import threading
from collections.abc import Iterator, Mapping

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from monitoring import metrics
from monitoring.spans import Span, Trace, is_sampled

SERVICE = "tria"
PATH = "/v1/traces"
MOST_WAITING = 1_000  # traces
AT_ONCE = 50
EXPORT_SECONDS = 5.0  # for one batch, further tries included
CLOSE_SECONDS = 3.0
KINDS = {"internal": SpanKind.INTERNAL, "client": SpanKind.CLIENT}
FULL, FAILED, CLOSED = "full", "failed", "closed"


class Exporter:
    """Takes traces that are over: a share of them, and every one of a turn that failed."""

    def __init__(
        self, endpoint: str, headers: Mapping[str, str], share: float, instance: str
    ) -> None:
        self._share = share
        self._resource = Resource({"service.name": SERVICE, "service.instance.id": instance})
        self._exporter = OTLPSpanExporter(
            endpoint.rstrip("/") + PATH, headers=dict(headers), timeout=EXPORT_SECONDS
        )
        self._waiting: queue.Queue[Trace | None] = queue.Queue(MOST_WAITING)
        self._sending: list[Trace] = []
        self._thread = threading.Thread(target=self._work, name="spans", daemon=True)
        self._thread.start()

    def offer(self, trace: Trace) -> None:
        """Export it some time, if it is one to be exported."""
        if trace.outcome != "failed" and not is_sampled(trace.trace_id, self._share):
            return
        try:
            self._waiting.put_nowait(trace)
        except queue.Full:
            _dropped(FULL, [trace])

    def close(self) -> None:
        """Send what waits, within a bound. What is left then is dropped."""
        try:
            self._waiting.put(None, timeout=CLOSE_SECONDS / 2)
        except queue.Full:
            pass
        else:
            self._thread.join(CLOSE_SECONDS)
        if self._thread.is_alive():
            left = [*self._sending, *_now_in(self._waiting)]
            self._sending = []
            _dropped(CLOSED, left)
        self._exporter.shutdown()  # type: ignore[no-untyped-call]  # theirs is not annotated

    def _work(self) -> None:
        while (first := self._waiting.get()) is not None:
            self._sending = batch = [first]
            is_last = False
            while len(batch) < AT_ONCE and not self._waiting.empty():
                if (trace := self._waiting.get_nowait()) is None:
                    is_last = True
                    break
                batch.append(trace)
            self._send(batch)
            if is_last:
                return

    def _send(self, batch: list[Trace]) -> None:
        spans = [each for trace in batch for each in self._readable(trace)]
        result = self._exporter.export(spans)
        if result is not SpanExportResult.SUCCESS:
            _dropped(FAILED, self._sending)  # none if closing has counted them
        self._sending = []

    def _readable(self, trace: Trace) -> Iterator[ReadableSpan]:
        scope = InstrumentationScope(SERVICE)
        for span in trace.spans:
            yield ReadableSpan(
                name=span.name,
                context=_context(trace, span.span_id),
                parent=_context(trace, span.parent) if span.parent else None,
                resource=self._resource,
                attributes=span.attributes | ({"error.type": span.error} if span.error else {}),
                kind=KINDS[span.kind],
                status=_status(span),
                start_time=trace.at_ns(span.began),
                end_time=trace.at_ns(span.began if span.ended is None else span.ended),
                instrumentation_scope=scope,
            )


def _context(trace: Trace, span_id: str) -> SpanContext:
    return SpanContext(
        trace_id=int(trace.trace_id, 16),
        span_id=int(span_id, 16),
        is_remote=False,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )


def _status(span: Span) -> Status:
    return Status(StatusCode.ERROR) if span.error else Status(StatusCode.UNSET)


def _now_in(waiting: "queue.Queue[Trace | None]") -> Iterator[Trace]:
    while True:
        try:
            trace = waiting.get_nowait()
        except queue.Empty:
            return
        if trace is not None:
            yield trace


def _dropped(why: str, traces: list[Trace]) -> None:
    metrics.SPANS_DROPPED.labels(why).inc(sum(len(trace.spans) for trace in traces))
