"""What a trace keeps: bounded, closed when the turn is over, and found again by its id."""

import pytest

from monitoring.spans import (
    LONGEST,
    MOST_SPANS,
    Trace,
    caller_of,
    is_sampled,
    kept,
    new_trace_id,
    span_id,
)

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def a_trace(trace_id: str = TRACE) -> Trace:
    return Trace(trace_id, "", "invoke_agent tria", {"tria.run.attempt": 1})


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (f"00-{TRACE}-{SPAN}-01", (TRACE, SPAN)),
        (f"00-{TRACE}-{SPAN}-00", (TRACE, SPAN)),
        (f"01-{TRACE}-{SPAN}-01-later", (TRACE, SPAN)),
        (f"00-{TRACE}-{SPAN}-01-later", None),
        (f"ff-{TRACE}-{SPAN}-01", None),
        (f"00-{'0' * 32}-{SPAN}-01", None),
        (f"00-{TRACE}-{'0' * 16}-01", None),
        (f"00-{TRACE.upper()}-{SPAN}-01", None),
        ("Mei Lin 9123 4567", None),
        ("", None),
    ],
)
def test_only_a_traceparent_as_w3c_has_it_is_believed(
    said: str, meant: tuple[str, str] | None
) -> None:
    assert caller_of(said) == meant


def test_what_is_under_way_when_the_turn_is_over_ends_with_it_and_its_error() -> None:
    trace = a_trace()
    done, cut = trace.begin("done", ""), trace.begin("cut", "")
    done.ended = done.began + 1
    trace.end("failed", "BackendUnavailable")
    assert (done.error, cut.error, trace.root.error) == (
        "",
        "BackendUnavailable",
        "BackendUnavailable",
    )
    assert None not in [span.ended for span in trace.spans]
    trace.end("succeeded")
    assert trace.as_json()["outcome"] == "failed"


def test_a_node_begins_no_later_than_what_it_does() -> None:
    trace = a_trace()
    node = trace.begin("node", "")
    early = trace.begin("call", node.span_id, at=trace.began)
    early.ended = node.ended = node.began + 1
    trace.end("succeeded")
    assert node.began == trace.began


def test_a_turn_that_goes_round_and_round_keeps_so_many_spans_and_counts_the_others() -> None:
    trace = a_trace()
    for _ in range(MOST_SPANS + 7):
        trace.begin("call", "")
    trace.end("succeeded")
    told = trace.as_json()
    assert (len(told["spans"]), told["left_out"]) == (MOST_SPANS, 8)
    assert {span["parent"] for span in told["spans"][1:]} == {trace.root.span_id}


def test_values_are_short_and_say_something() -> None:
    assert kept({"a": None, "b": "", "c": 0, "d": False, "e": "x" * 500}) == {
        "c": 0,
        "d": False,
        "e": "x" * LONGEST,
    }


def test_a_share_of_all_traces_is_sampled_and_one_trace_always_alike() -> None:
    ids = [new_trace_id() for _ in range(4_000)]
    chosen = [each for each in ids if is_sampled(each, 0.25)]
    assert 800 < len(chosen) < 1_200
    assert all(is_sampled(each, 0.5) for each in chosen)
    assert not any(is_sampled(each, 0) for each in ids)
    assert all(is_sampled(each, 1) for each in ids)


def test_ids_are_as_long_as_the_standard_asks() -> None:
    assert {len(span_id()) for _ in range(100)} == {16}
    assert {len(new_trace_id()) for _ in range(100)} == {32}
