"""Time to the end of an answer."""

from tests.evals.scorers.building import a_case, an_outcome, count, failures


def test_in_time_and_late() -> None:
    in_time = a_case({"user": "hello", "expect": {"max_seconds": 0.1}})
    assert not failures("budget", in_time, an_outcome())
    late = a_case({"user": "hello", "expect": {"max_seconds": 0.03}})
    assert "expected at most 0.03 s, found 0.04 s" in failures("budget", late, an_outcome())
    assert not count("budget", a_case(), an_outcome())
