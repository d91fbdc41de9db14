"""Traces on their way to a collector over real HTTP: there, away, refusing and hanging."""

import time
from collections.abc import Iterator

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Sent
from opentelemetry.proto.trace.v1.trace_pb2 import Status
from prometheus_client import REGISTRY

from monitoring import otlp
from monitoring.otlp import CLOSE_SECONDS, MOST_WAITING, Exporter
from monitoring.spans import Trace, is_sampled, new_trace_id
from tests.monitoring.collector import Collected, attributes, collecting
from tools.embedded.process import free_port


@pytest.fixture
def collector() -> Iterator[Collected]:
    with collecting() as collected:
        yield collected


def a_trace(outcome: str = "succeeded") -> Trace:
    """A turn with a node, and a call of a model in it."""
    trace = Trace(new_trace_id(), "", "invoke_agent tria", {"gen_ai.agent.name": "tria"})
    node = trace.begin("compose_reply", "")
    call = trace.begin("chat some-model", node.span_id)
    call.kind, call.attributes = "client", {"gen_ai.usage.input_tokens": 900}
    call.ended = node.ended = call.began + 0.5
    trace.end(outcome, "BackendUnavailable" if outcome == "failed" else "")
    return trace


def dropped(why: str) -> float:
    return REGISTRY.get_sample_value("tria_spans_dropped_total", {"reason": why}) or 0


def test_a_trace_arrives_as_one_tree_with_its_times_and_attributes(collector: Collected) -> None:
    exporter = Exporter(f"{collector.url}/", {"authorization": "Bearer a-key"}, 1, "host:7")
    trace = a_trace("failed")
    exporter.offer(trace)
    exporter.close()
    assert collector.asked == [("/v1/traces", "Bearer a-key")]
    assert collector.resources == [{"service.name": "tria", "service.instance.id": "host:7"}]
    turn, node, call = collector.of(trace.trace_id)
    assert (turn.name, node.name, call.name) == (
        "invoke_agent tria",
        "compose_reply",
        "chat some-model",
    )
    assert (turn.parent_span_id, node.parent_span_id, call.parent_span_id) == (
        b"",
        turn.span_id,
        node.span_id,
    )
    assert call.kind == Sent.SPAN_KIND_CLIENT
    assert call.end_time_unix_nano - call.start_time_unix_nano == pytest.approx(5e8, rel=1e-6)
    assert abs(turn.start_time_unix_nano - time.time_ns()) < 60e9
    assert attributes(call) == {"gen_ai.usage.input_tokens": 900}
    assert (turn.status.code, call.status.code) == (
        Status.STATUS_CODE_ERROR,
        Status.STATUS_CODE_UNSET,
    )
    assert attributes(turn)["error.type"] == "BackendUnavailable"


def test_of_a_share_only_what_is_sampled_goes_and_whatever_failed(collector: Collected) -> None:
    exporter = Exporter(collector.url, {}, 0.3, "host:7")
    traces = [a_trace() for _ in range(60)]
    failed = [a_trace("failed") for _ in range(20)]
    for trace in (*traces, *failed):
        exporter.offer(trace)
    exporter.close()
    gone = {span.trace_id.hex() for span in collector.spans}
    wanted = {t.trace_id for t in traces if is_sampled(t.trace_id, 0.3)}
    assert gone == wanted | {t.trace_id for t in failed}
    assert 0 < len(wanted) < 60


@pytest.mark.parametrize("status", [None, 400, 503], ids=["away", "refuses", "unavailable"])
def test_without_a_collector_nothing_waits_and_what_is_lost_is_counted(
    collector: Collected, status: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(otlp, "EXPORT_SECONDS", 0.5)
    collector.status = status or 200
    url = collector.url if status else f"http://127.0.0.1:{free_port()}"
    before, exporter = dropped("failed"), Exporter(url, {}, 1, "host:7")
    started = time.monotonic()
    for _ in range(10):
        exporter.offer(a_trace())
    assert time.monotonic() - started < 0.2
    exporter.close()
    assert dropped("failed") - before == 30
    assert collector.spans == []


def test_a_collector_that_hangs_holds_up_neither_turns_nor_the_end(collector: Collected) -> None:
    collector.let_go.clear()
    full, closed = dropped("full"), dropped("closed")
    exporter = Exporter(collector.url, {}, 1, "host:7")
    exporter.offer(a_trace())
    time.sleep(0.3)  # it is on its way now
    started = time.monotonic()
    for _ in range(MOST_WAITING + 5):
        exporter.offer(a_trace())
    assert time.monotonic() - started < 2
    assert dropped("full") - full == 15
    started = time.monotonic()
    exporter.close()
    assert time.monotonic() - started < 2 * CLOSE_SECONDS
    assert dropped("closed") - closed == 3 * (MOST_WAITING + 1)
