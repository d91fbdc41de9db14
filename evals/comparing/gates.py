"""Whether a run may be merged: what none may do, what main does already, what is warned of."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

import numpy as np

from evals.comparing.limits import Baseline, Expected, Soft, Thresholds
from evals.comparing.statistics import wilson
from evals.comparing.trials import Trials, by_case, failed, told
from evals.outcome import Row, Turn

KNOWN = "known-failure"


@dataclass(frozen=True)
class Gate:
    """What was found. Every line of `breaches` fails the run; the other lists hold case ids."""

    breaches: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    known_failures: tuple[str, ...] = ()
    expected: tuple[str, ...] = ()
    flaky: tuple[str, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether nothing stands against the run."""
        return not self.breaches


def judge_run(
    rows: Sequence[Row],
    baseline: Baseline,
    thresholds: Thresholds,
    expected: Sequence[Expected],
    today: date,
) -> Gate:
    """Judge the rows of any part of the dataset; a case passes when most of its trials do."""
    played = by_case(rows)
    failing = [case for case, trials in played.items() if not trials.is_passed]
    excused = {entry.case for entry in expected if entry.expires >= today}
    flaky = tuple(case for case, trials in played.items() if trials.is_flaky)
    return Gate(
        breaches=(
            *_hard(rows, thresholds.hard.scorers),
            *_regressed(played, baseline - excused),
            *_unknown(played, failing, baseline),
            *_not_played(rows, baseline - excused - played.keys()),
            *_expired(expected, today),
        ),
        warnings=(
            *_idle(expected, played, baseline),
            *_mended(played),
            *(_flaky(played[case]) for case in flaky),
            *_soft(played, thresholds.soft),
        ),
        known_failures=tuple(case for case in failing if case not in baseline),
        expected=tuple(case for case in failing if case in baseline & excused),
        flaky=flaky,
    )


def judge_whole_run(
    rows: Sequence[Row],
    baseline: Baseline,
    thresholds: Thresholds,
    expected: Sequence[Expected],
    today: date,
) -> Gate:
    """Judge the rows of the whole dataset: no case that passes on main may be gone from it."""
    gate = judge_run(rows, baseline, thresholds, expected, today)
    excused = {entry.case for entry in expected if entry.expires >= today}
    gone = sorted(baseline - excused - {row.case for row in rows})
    removed = (f"{case} passes on main and was removed from the datasets" for case in gone)
    return replace(gate, breaches=(*gate.breaches, *removed))


def _hard(rows: Sequence[Row], scorers: frozenset[str]) -> list[str]:
    """Each thing that no run may do, once however many trials did it."""
    found: dict[str, None] = {}
    for row in rows:
        against = [verdict for verdict in failed(row) if verdict.scorer in scorers]
        found |= {f"{row.case}, {told(verdict)}": None for verdict in against}
        if row.outcome.crash and not against:
            found[f"{row.case} could not be played: {row.outcome.crash}"] = None
    return list(found)


def _regressed(played: Mapping[str, Trials], held: Baseline) -> Iterator[str]:
    for case, trials in played.items():
        if case in held and not trials.is_passed:
            yield f"{case} passes on main and fails now: {trials.failure}"


def _unknown(
    played: Mapping[str, Trials], failing: Sequence[str], baseline: Baseline
) -> Iterator[str]:
    """Cases that main does not know: a failure of theirs has to be named as one."""
    for case in failing:
        if case not in baseline and KNOWN not in played[case].rows[0].tags:
            yield f"{case} fails, and is not tagged {KNOWN}: {played[case].failure}"


def _mended(played: Mapping[str, Trials]) -> Iterator[str]:
    for case, trials in played.items():
        if KNOWN in trials.rows[0].tags and trials.is_passed and not trials.is_flaky:
            yield f"{case} passes: drop its tag {KNOWN}, then accept the run"


def _not_played(rows: Sequence[Row], held: Baseline) -> list[str]:
    """Cases that were chosen, and skipped: what is not played cannot be said to pass."""
    skipped = {row.case: row.skipped for row in rows if row.skipped is not None}
    return [
        f"{case} passes on main and was not played: {skipped[case]}"
        for case in sorted(held & skipped.keys())
    ]


def _expired(expected: Sequence[Expected], today: date) -> Iterator[str]:
    for entry in expected:
        if entry.expires < today:
            yield f"{entry.case} was expected to fail until {entry.expires} ({entry.told})"


def _idle(
    expected: Sequence[Expected], played: Mapping[str, Trials], baseline: Baseline
) -> Iterator[str]:
    """Entries that excuse nothing any more."""
    for entry in expected:
        trials = played.get(entry.case)
        if trials and trials.is_passed and not trials.is_flaky:
            yield f"{entry.case} is expected to fail and passes: take its entry out"
        elif entry.case not in baseline:
            yield f"{entry.case} is expected to fail and does not pass on main: take its entry out"


def _flaky(trials: Trials) -> str:
    return f"{trials.case} is flaky: passes {trials.passes} of {len(trials.rows)} trials"


def _soft(played: Mapping[str, Trials], soft: Soft) -> Iterator[str]:
    rows = [row for trials in played.values() for row in trials.rows]
    yield from _suites(played, soft)
    yield from _times([turn for row in rows for turn in row.outcome.turns], soft)
    yield from _cost(rows, soft)


def _suites(played: Mapping[str, Trials], soft: Soft) -> Iterator[str]:
    suites: dict[str, list[bool]] = {}
    for trials in played.values():
        suites.setdefault(trials.rows[0].suite, []).append(trials.is_passed)
    for suite, results in sorted(suites.items()):
        passed, wanted = sum(results), soft.suites.get(suite, soft.suite_pass_rate)
        if passed < wanted * len(results):
            low, high = (f"{100 * end:.1f}" for end in wilson(passed, len(results)))
            yield (
                f"suite {suite} passes {passed} of {len(results)} ({low} to {high} %),"
                f" wanted are {100 * wanted:g} %"
            )


def _times(turns: Sequence[Turn], soft: Soft) -> Iterator[str]:
    nodes: dict[str, list[float]] = {}
    for run in (run for turn in turns for run in turn.nodes):
        nodes.setdefault(run.node, []).append(run.ms)
    measured: list[tuple[str, Sequence[float | None], float]] = [
        ("the whole answer", [t.stream.total_ms for t in turns], soft.turn_p95_ms),
        ("the first text", [t.stream.first_text_ms for t in turns], soft.first_text_p95_ms),
        *((f"node {n}", nodes[n], soft.nodes.get(n, soft.node_p95_ms)) for n in sorted(nodes)),
    ]
    for name, times, budget in measured:
        values = [ms for ms in times if ms]
        if len(values) < soft.measured_at_least:
            continue
        if (p95 := float(np.percentile(values, 95))) > budget:
            yield f"{name} takes {p95:,.0f} ms at p95, the budget is {budget:,.0f} ms"


def _cost(rows: Sequence[Row], soft: Soft) -> Iterator[str]:
    turns = sum(len(row.outcome.turns) for row in rows)
    spent = sum((Decimal(row.usd) for row in rows), Decimal(0))
    if turns and spent / turns > soft.usd_per_turn:
        yield f"a turn costs USD {spent / turns:.4f}, the budget is USD {soft.usd_per_turn}"
