"""What a version's metrics must look like for it to stay."""

import pytest
from prometheus_client import generate_latest

from deploy.release.readings import Bars, problem_of, read
from monitoring import metrics

BARS = Bars()


def text(ok: int = 0, failed: int = 0, turns_failed: int = 0, within_2_s: int = 0) -> str:
    return f"""
# HELP tria_request_seconds HTTP requests.
tria_request_seconds_count{{method="GET",route="/threads/{{thread_id}}",status="200"}} {ok}
tria_request_seconds_count{{method="GET",route="/threads/{{thread_id}}",status="503"}} {failed}
tria_request_seconds_count{{method="GET",route="/health/ready",status="503"}} 99
tria_turns_total{{outcome="failed"}} {turns_failed}
tria_first_sentence_seconds_bucket{{le="2.0"}} {within_2_s}
tria_first_sentence_seconds_bucket{{le="8.0"}} 20
tria_first_sentence_seconds_bucket{{le="+Inf"}} 20
tria_streams_active 2
"""


def problem(**counts: int) -> str:
    before = read(text().replace(" 20\n", " 0\n"))
    return problem_of(before, read(text(**counts)), BARS)


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({"ok": 1000, "within_2_s": 20}, ""),
        ({"ok": 1000, "failed": 5, "within_2_s": 20}, ""),  # half a percent
        ({"ok": 2, "failed": 2, "within_2_s": 20}, ""),  # too few to say
        ({"ok": 100, "failed": 3, "within_2_s": 20}, "2.9% of 103 requests failed"),
        ({"ok": 100, "turns_failed": 5, "within_2_s": 20}, "5.0% of 100 requests failed"),
        ({"ok": 1000, "within_2_s": 18}, "first sentences took up to 8 s"),
    ],
)
def test_it_stays_or_goes(counts: dict[str, int], said: str) -> None:
    assert problem(**counts) == said


def test_one_that_was_started_again_goes() -> None:
    before, after = read(text(ok=100)), read(text(ok=3))
    assert problem_of(before, after, BARS) == "it was started again"


def test_what_is_read_is_what_the_service_writes() -> None:
    metrics.REQUEST_SECONDS.labels("GET", "/threads", "500").observe(0.1)
    before = read(generate_latest().decode())
    metrics.REQUEST_SECONDS.labels("GET", "/threads", "500").observe(0.1)
    metrics.TURNS.labels("failed").inc()
    metrics.FIRST_SENTENCE_SECONDS.observe(0.4)
    metrics.STREAMS_ACTIVE.inc()
    seen = read(generate_latest().decode())
    metrics.STREAMS_ACTIVE.dec()
    since = seen.since(before)
    assert (since.requests, since.errors, since.first_sentence) == (1, 2, 0.5)
    assert seen.busy >= 1
