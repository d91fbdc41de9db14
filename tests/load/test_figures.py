"""Figures count what was not answered as what took for ever."""

from dataclasses import replace

from tests.load.figures import figures_of, quantile
from tests.load.scenarios import Bars, Scenario
from tests.load.talks import Told

STEADY = Scenario("any", "", [(1, 100)], [(1, 5)], Bars(errors=0.05))
SPIKE = Scenario("any", "", [(1, 100), (9, 100), (1, 100)], [(1, 5)], Bars(errors=0.05))


def told(at: float = 0, seconds: float = 1, error: str = "") -> Told:
    return Told(
        kind="rules",
        customer="forno-rosso-000",
        thread_id="t",
        message_id=f"m{at}",
        run_id="r",
        text="which days do you deliver?",
        asked_at=at,
        first_event=0.1,
        first_word=seconds / 2,
        seconds=seconds,
        stall=0.1,
        cuts=0,
        is_acknowledged=True,
        error=error,
        spoken="On all days.",
        answer="On all days.",
    )


def test_an_error_is_slower_than_everything() -> None:
    turns = [told(n) for n in range(94)] + [told(n, error="503") for n in range(6)]
    found = figures_of(STEADY, turns, [])
    assert (found["turn_p50"], found["turn_p95"]) == (1, None)
    assert found["first_word_p95"] is None
    assert found["error_share"] == 0.06
    assert found["kinds_of_error"] == {"503": 6}


def test_nothing_played_is_nothing_but_errors() -> None:
    assert figures_of(STEADY, [], [])["error_share"] == 1


def test_a_quantile_is_a_value_that_was_seen() -> None:
    assert [quantile([3, 1, 2, 4], share) for share in (0.5, 0.95, 1)] == [2, 4, 4]
    assert quantile([], 0.5) is None


def test_recovery_compares_the_end_with_the_beginning() -> None:
    calm = [told(at, 1) for at in range(90)]
    crowded = [told(at, 30) for at in range(100, 200)]
    slow, quick = ([told(at, seconds) for at in range(250, 300)] for seconds in (2, 1))
    assert figures_of(SPIKE, calm + crowded + quick, [])["recovery"] == 1
    assert figures_of(SPIKE, calm + crowded + slow, [])["recovery"] == 2
    broken = [replace(each, error="503") for each in quick]
    assert figures_of(SPIKE, calm + crowded + broken, [])["recovery"] is None


def test_what_a_turn_cost_is_taken_from_the_samples() -> None:
    samples = [
        {"at": n * 10, "load": 2, "service_rss_mb": 400 + n, "service_cpu_s": n, "locust_cpu_s": n}
        for n in range(11)
    ]
    found = figures_of(STEADY, [told(n) for n in range(20)], samples)
    assert found["service_cpu_s_per_turn"] == 0.5
    assert found["client_cpu_share"] == 0.1
    assert found["rss_mb"] == [400, 410]
