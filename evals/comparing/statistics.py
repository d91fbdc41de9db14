"""How sure a figure is: intervals of rates and means, the exact test of paired results, pass^k."""

from collections.abc import Sequence
from math import ceil, comb, sqrt

import numpy as np
from scipy import stats

Interval = tuple[float, float]

SURE = 0.95
SIGNIFICANT = 0.05
POWER = 0.8
RESAMPLES = 2000
SEED = 20_261_001


def wilson(passed: int, n: int) -> Interval:
    """The 95 % interval of a rate; everything is possible while nothing was counted."""
    if n == 0:
        return (0.0, 1.0)
    interval = stats.binomtest(passed, n).proportion_ci(SURE, method="wilson")
    return (float(interval.low), float(interval.high))


def mcnemar(better: int, worse: int) -> float:
    """The exact two-sided p of so many changes each way, were both ways equally likely."""
    if better + worse == 0:
        return 1.0
    return float(stats.binomtest(better, better + worse, 0.5).pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """The p values in their order, adjusted for having asked so many questions."""
    adjusted = [1.0] * len(p_values)
    highest = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = highest
    return adjusted


def pass_hat_k(counts: Sequence[tuple[int, int]], k: int) -> float:
    """How likely `k` trials of a case all pass, on average over cases of (passed, trials)."""
    if not counts or any(trials < k for _, trials in counts):
        raise ValueError(f"pass^{k} needs cases, each with at least {k} trials")
    return sum(comb(passed, k) / comb(trials, k) for passed, trials in counts) / len(counts)


def bootstrap_interval(
    differences: Sequence[float], families: Sequence[str], seed: int = SEED
) -> Interval | None:
    """The 95 % interval of the mean difference; None when there are not two families to draw from.

    Whole families are drawn: cases that say the same in other words fail together, and are less
    evidence than as many different ones.
    """
    sums: dict[str, float] = {}
    sizes: dict[str, int] = {}
    for difference, family in zip(differences, families, strict=True):
        sums[family] = sums.get(family, 0.0) + difference
        sizes[family] = sizes.get(family, 0) + 1
    if len(sums) < 2:
        return None
    drawn = stats.bootstrap(
        (np.array(list(sums.values())), np.array(list(sizes.values()))),
        lambda total, size, axis: total.sum(axis=axis) / size.sum(axis=axis),
        n_resamples=RESAMPLES,
        vectorized=True,
        paired=True,
        confidence_level=SURE,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return (float(drawn.low), float(drawn.high))


def cases_needed(changing: float, difference: float) -> int | None:
    """How many cases show a difference of rates that is real, four times out of five.

    `changing` is the share of cases whose result differs between the runs. None where there is
    no difference to show.
    """
    if difference == 0:
        return None
    by_chance = float(stats.norm.isf(SIGNIFICANT / 2)) * sqrt(changing)
    by_power = float(stats.norm.isf(1 - POWER)) * sqrt(max(0.0, changing - difference**2))
    return ceil(((by_chance + by_power) / difference) ** 2)
