from collections.abc import Sequence
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.comparing.statistics import (
    bootstrap_interval,
    cases_needed,
    holm,
    mcnemar,
    pass_hat_k,
    wilson,
)

counts = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
trials = st.integers(1, 6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
probabilities = st.floats(0, 1)


@pytest.mark.parametrize(
    ("passed", "n", "low", "high"),
    [(90, 100, 0.826, 0.945), (270, 300, 0.861, 0.929), (300, 300, 0.987, 1.0), (0, 0, 0.0, 1.0)],
)
def test_a_rate_has_wilsons_interval(passed: int, n: int, low: float, high: float) -> None:
    assert wilson(passed, n) == pytest.approx((low, high), abs=0.0005)


@given(counts)
def test_an_interval_holds_its_rate_and_stays_between_none_and_all(count: tuple[int, int]) -> None:
    passed, n = count
    low, high = wilson(passed, n)

    assert -1e-12 <= low <= passed / n + 1e-12
    assert passed / n - 1e-12 <= high <= 1 + 1e-12


@given(counts)
def test_failures_have_the_mirrored_interval(count: tuple[int, int]) -> None:
    passed, n = count
    low, high = wilson(passed, n)

    assert wilson(n - passed, n) == pytest.approx((1 - high, 1 - low), abs=1e-9)


@pytest.mark.parametrize(
    ("better", "worse", "p"),
    [
        (6, 0, 0.03125),
        (6, 1, 0.125),
        (8, 1, 0.0390625),
        (10, 2, 0.0385742),
        (10, 3, 0.0922852),
        (5, 0, 0.0625),
        (0, 0, 1.0),
        (3, 3, 1.0),
    ],
)
def test_the_paired_test_is_exact(better: int, worse: int, p: float) -> None:
    assert mcnemar(better, worse) == pytest.approx(p, abs=1e-6)


@given(st.integers(0, 60), st.integers(0, 60))
def test_the_paired_test_has_two_sides(better: int, worse: int) -> None:
    assert mcnemar(better, worse) == pytest.approx(mcnemar(worse, better))
    assert 0 < mcnemar(better, worse) <= 1


def test_holm_gives_each_p_its_own_place_again() -> None:
    assert holm([0.04, 0.01, 0.5, 0.03]) == pytest.approx([0.09, 0.04, 0.5, 0.09])
    assert holm([]) == []


@given(st.lists(probabilities, min_size=1, max_size=12))
def test_holm_lies_between_the_p_and_bonferronis_and_keeps_the_order(p: list[float]) -> None:
    adjusted = holm(p)

    assert all(
        mine <= now <= min(1.0, len(p) * mine) + 1e-12
        for mine, now in zip(p, adjusted, strict=True)
    )
    ranked = [now for _, now in sorted(zip(p, adjusted, strict=True))]
    assert ranked == sorted(ranked)


@pytest.mark.parametrize(
    ("results", "k", "expected"),
    [
        ([(4, 4), (2, 4)], 1, 0.75),
        ([(4, 4), (2, 4)], 2, (1 + 1 / 6) / 2),
        ([(4, 4), (3, 4)], 4, 0.5),
        ([(3, 4)], 3, 0.25),
    ],
)
def test_pass_hat_k_is_the_mean_chance_of_k_passes(
    results: Sequence[tuple[int, int]], k: int, expected: float
) -> None:
    assert pass_hat_k(results, k) == pytest.approx(expected)


@given(trials, st.data())
def test_pass_hat_k_is_what_drawing_k_trials_gives(
    count: tuple[int, int], data: st.DataObject
) -> None:
    passed, n = count
    k = data.draw(st.integers(1, n))
    drawn = list(combinations([True] * passed + [False] * (n - passed), k))

    assert pass_hat_k([count], k) == pytest.approx(sum(map(all, drawn)) / len(drawn))


@pytest.mark.parametrize("results", [[(4, 4), (2, 2)], []], ids=["too few trials", "no case"])
def test_pass_hat_k_needs_k_trials_of_each_case(results: Sequence[tuple[int, int]]) -> None:
    with pytest.raises(ValueError, match="at least 3 trials"):
        pass_hat_k(results, 3)


def names(count: int) -> list[str]:
    return [f"family {number}" for number in range(count)]


def test_a_difference_in_many_families_is_sure_and_the_same_in_one_family_is_not() -> None:
    differences = [1.0] * 8 + [0.0] * 92

    apart = bootstrap_interval(differences, names(100))
    together = bootstrap_interval(differences, ["one"] * 8 + names(92))

    assert apart is not None
    assert together is not None
    assert 0 < apart[0] < 0.08 < apart[1]
    assert together[0] == 0


def test_one_family_says_nothing_of_others() -> None:
    assert bootstrap_interval([1.0, 1.0, 0.0], ["one"] * 3) is None
    assert bootstrap_interval([], []) is None


def test_an_interval_is_the_same_at_every_reading() -> None:
    differences = [0.5, -1.0, 0.0, 1.0, 1.0, 0.0]

    assert bootstrap_interval(differences, names(6)) == bootstrap_interval(differences, names(6))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=2, max_size=30))
def test_an_interval_lies_within_the_differences(differences: list[float]) -> None:
    interval = bootstrap_interval(differences, names(len(differences)))

    assert interval is not None
    assert min(differences) - 1e-9 <= interval[0] <= interval[1] <= max(differences) + 1e-9


@pytest.mark.parametrize(
    ("changing", "difference", "cases"),
    [
        (0.10, 0.05, 312),
        (0.15, -0.05, 469),
        (0.20, 0.10, 155),
        (0.06, 0.02, 1175),
        (0.1, 0.0, None),
    ],
)
def test_how_many_cases_show_a_difference(
    changing: float, difference: float, cases: int | None
) -> None:
    assert cases_needed(changing, difference) == cases
