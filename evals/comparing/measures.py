"""How fast and how dear two runs were, case by case."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import exp, log
from statistics import fmean, median
from typing import Literal

import numpy as np

from evals.comparing.comparison import Measure
from evals.comparing.statistics import bootstrap_interval
from evals.comparing.trials import Pair, Trials
from evals.outcome import Row, Turn

# Differences below these shares and times are those of a busy machine.
LEAST_SHARE = 0.1
LEAST_MS = 5.0
# So many nodes, each in so many cases, tell how fast the machine itself was.
PACE_NODES = 5
PACE_CASES = 3
OUTLIER = 3 * 1.4826  # median deviations that are three standard ones

Unit = Literal["ms", "tokens", "USD"]
Read = Callable[[Row], Iterable[float]]


@dataclass(frozen=True)
class Measured:
    """What is read from each trial, and what it is called."""

    name: str
    unit: Unit
    read: Read


@dataclass(frozen=True)
class Pace:
    """How long B's machine took for what took A's 1, and the share by which nodes differ in it.

    Runs are played at other times, beside other work: what slows every node alike is no more the
    service than the machine.
    """

    factor: float = 1.0
    spread: float = 0.0


EVEN = Pace()


def pace_of(pairs: Sequence[Pair]) -> Pace:
    """By the node in the middle, which one slower node does not move."""
    found = [paired for what in _nodes(pairs) if (paired := _paired(pairs, what)).a]
    ratios = [
        log(fmean(paired.b) / fmean(paired.a))
        for paired in found
        if len(paired.a) >= PACE_CASES and fmean(paired.a) > 0 and fmean(paired.b) > 0
    ]
    if len(ratios) < PACE_NODES:
        return EVEN
    middle = median(ratios)
    deviation = median(abs(ratio - middle) for ratio in ratios)
    return Pace(exp(middle), exp(OUTLIER * deviation) - 1)


def turn_times(pairs: Sequence[Pair], pace: Pace) -> list[Measure]:
    """Until the first text, and until the whole answer."""
    return _measures(
        pairs,
        pace,
        [
            Measured("whole answer", "ms", _of_turns(lambda turn: turn.stream.total_ms)),
            Measured("first text", "ms", _of_turns(lambda turn: turn.stream.first_text_ms)),
        ],
    )


def node_times(pairs: Sequence[Pair], pace: Pace) -> list[Measure]:
    """Each node's; those that ran in both runs."""
    return _measures(pairs, pace, _nodes(pairs))


def costs(pairs: Sequence[Pair]) -> list[Measure]:
    """Tokens and money of a whole conversation."""
    return _measures(
        pairs,
        EVEN,
        [
            Measured("tokens a case", "tokens", lambda row: [float(row.tokens)]),
            Measured("cost a case", "USD", lambda row: [float(row.usd)]),
        ],
    )


def _nodes(pairs: Sequence[Pair]) -> list[Measured]:
    rows = [row for pair in pairs for row in (*pair.a.rows, *pair.b.rows)]
    names = {run.node for row in rows for turn in row.outcome.turns for run in turn.nodes}
    return [Measured(name, "ms", _of_node(name)) for name in sorted(names)]


def _of_turns(time: Callable[[Turn], float | None]) -> Read:
    return lambda row: [ms for turn in row.outcome.turns if (ms := time(turn))]


def _of_node(name: str) -> Read:
    return lambda row: [
        run.ms for turn in row.outcome.turns for run in turn.nodes if run.node == name
    ]


@dataclass(frozen=True)
class _Paired:
    """The mean of each case that has one in both runs, its family, and all single values."""

    a: list[float]
    b: list[float]
    families: list[str]
    all_a: list[float]
    all_b: list[float]


def _paired(pairs: Sequence[Pair], what: Measured) -> _Paired:
    values = [(_values(pair.a, what), _values(pair.b, what), pair.family) for pair in pairs]
    both = [(a, b, family) for a, b, family in values if a and b]
    return _Paired(
        a=[fmean(a) for a, _, _ in both],
        b=[fmean(b) for _, b, _ in both],
        families=[family for _, _, family in both],
        all_a=[value for a, _, _ in both for value in a],
        all_b=[value for _, b, _ in both for value in b],
    )


def _values(trials: Trials, what: Measured) -> list[float]:
    return [value for row in trials.rows for value in what.read(row)]


def _measures(pairs: Sequence[Pair], pace: Pace, measured: Iterable[Measured]) -> list[Measure]:
    found = ((what, _paired(pairs, what)) for what in measured)
    return [_measure(what, paired, pace) for what, paired in found if paired.a]


def _measure(what: Measured, paired: _Paired, pace: Pace) -> Measure:
    changes = _changes(paired, EVEN)
    excess = _changes(paired, pace)
    return Measure(
        name=what.name,
        unit=what.unit,
        p50_a=_percentile(paired.all_a, 50),
        p50_b=_percentile(paired.all_b, 50),
        p95_a=_percentile(paired.all_a, 95),
        p95_b=_percentile(paired.all_b, 95),
        mean_a=fmean(paired.a),
        mean_b=fmean(paired.b),
        difference=fmean(changes),
        interval=bootstrap_interval(changes, paired.families),
        excess=fmean(excess),
        is_noticeable=_is_sure(excess, paired.families)
        and abs(fmean(excess)) >= _least(what.unit, pace, fmean(paired.a)),
    )


def _changes(paired: _Paired, pace: Pace) -> list[float]:
    """Of each case, B less what A would have taken at B's pace."""
    return [b - pace.factor * a for a, b in zip(paired.a, paired.b, strict=True)]


def _percentile(values: Sequence[float], percent: int) -> float:
    return float(np.percentile(values, percent))


def _is_sure(changes: Sequence[float], families: Sequence[str]) -> bool:
    interval = bootstrap_interval(changes, families)
    return interval is not None and not interval[0] <= 0 <= interval[1]


def _least(unit: Unit, pace: Pace, mean_a: float) -> float:
    """From how large a difference on it is more than a busy machine makes of it."""
    share = max(LEAST_SHARE, pace.spread) * pace.factor * mean_a
    return max(LEAST_MS, share) if unit == "ms" else share
