from datetime import UTC, datetime, timedelta

import pytest

from tools.breaker import Breaker, NotThePartsFault
from tools.errors import BackendUnavailable

START = datetime(2026, 11, 23, 10, tzinfo=UTC)
REST = timedelta(seconds=20)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(clock, failures=2, rest=REST)


def fail(breaker: Breaker, error: BaseException | None = None) -> None:
    raised = error or BackendUnavailable("away")
    with pytest.raises(type(raised)), breaker.call():
        raise raised


def opened(breaker: Breaker) -> Breaker:
    fail(breaker)
    fail(breaker)
    return breaker


def test_it_opens_after_failures_in_a_row(breaker: Breaker) -> None:
    fail(breaker)
    assert breaker.state == "closed"
    fail(breaker)
    assert (breaker.state, breaker.since) == ("open", START)


def test_a_success_between_failures_starts_the_count_again(breaker: Breaker) -> None:
    fail(breaker)
    with breaker.call():
        pass
    fail(breaker)
    assert breaker.state == "closed"


def test_open_it_lets_nothing_through(breaker: Breaker) -> None:
    called = False
    with pytest.raises(BackendUnavailable), opened(breaker).call():
        called = True
    assert not called


def test_after_its_rest_one_call_may_close_it(breaker: Breaker, clock: Clock) -> None:
    opened(breaker)
    clock.now += REST
    assert (breaker.state, breaker.since) == ("half-open", START + REST)
    with breaker.call():
        pass
    assert (breaker.state, breaker.since) == ("closed", START + REST)


def test_after_its_rest_one_failure_opens_it_again(breaker: Breaker, clock: Clock) -> None:
    opened(breaker)
    clock.now += REST
    fail(breaker)
    assert (breaker.state, breaker.since) == ("open", clock.now)


def test_half_open_it_lets_one_call_through_at_a_time(breaker: Breaker, clock: Clock) -> None:
    opened(breaker)
    clock.now += REST
    with breaker.call(), pytest.raises(BackendUnavailable), breaker.call():
        pass


def test_a_trial_that_never_ends_does_not_shut_it_for_ever(breaker: Breaker, clock: Clock) -> None:
    opened(breaker)
    clock.now += REST
    with breaker.call():
        clock.now += REST
        with breaker.call():
            pass
    assert breaker.state == "closed"


@pytest.mark.parametrize(
    "error", [NotThePartsFault("too long"), GeneratorExit(), KeyboardInterrupt()]
)
def test_what_is_not_its_fault_is_not_counted(breaker: Breaker, error: BaseException) -> None:
    fail(breaker)
    fail(breaker, error)
    fail(breaker, error)
    assert breaker.state == "closed"


def test_what_is_not_its_fault_does_not_make_good_a_failure(breaker: Breaker) -> None:
    fail(breaker)
    fail(breaker, NotThePartsFault("too long"))
    fail(breaker)
    assert breaker.state == "open"


def test_a_caller_who_goes_away_leaves_the_trial_to_the_next(
    breaker: Breaker, clock: Clock
) -> None:
    opened(breaker)
    clock.now += REST
    fail(breaker, GeneratorExit())
    with breaker.call():
        pass
    assert breaker.state == "closed"
