"""The figures at the head of a report: rates with their intervals, times, cost, the runs before."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from statistics import quantiles
from typing import Any

from evals.comparing.statistics import wilson
from evals.outcome import Run
from evals.reports.cases import STATUSES, PlayedCase
from evals.reports.chart import Chart, draw
from evals.reports.trend import comparable

View = dict[str, Any]
STEP = 10  # of the edges of a trend, in percent


def summary(run: Run, cases: Sequence[PlayedCase]) -> View:
    """The whole run in a few figures."""
    rows = [row for case in cases for row in case.rows]
    times = [t.stream.total_ms for r in rows for t in r.outcome.turns if t.stream.total_ms]
    percentiles = quantiles(times, n=20) if len(times) > 1 else [0.0] * 19
    return {
        **_rate(cases),
        "counts": {status: sum(c.status == status for c in cases) for status in STATUSES},
        "started": datetime.fromisoformat(run.started_at),
        "turns": sum(len(row.outcome.turns) for row in rows),
        "p50": percentiles[9],
        "p95": percentiles[18],
        "usd": sum((Decimal(row.usd) for row in rows), Decimal()),
        "tokens": sum(row.tokens for row in rows),
        "command": f"python -m evals {run.command}" if run.command else command(run),
    }


def command(run: Run, case: str = "") -> str:
    """What plays the same again, or one case of it."""
    words = ["python -m evals run"]
    if run.mode != "offline":
        words.append(f"--model {run.mode}")
    if case:
        return " ".join([*words, f"--case {case}"])
    for name, chosen in run.selection.items():
        words += [f"--{name} {value}" for value in chosen]
    if run.trials > 1:
        words.append(f"--k {run.trials}")
    return " ".join(words)


def suites(cases: Sequence[PlayedCase]) -> list[View]:
    """Every suite, the one with the most failures first."""
    names = sorted({case.rows[0].suite for case in cases})
    found = [{"name": n, **_rate([c for c in cases if c.rows[0].suite == n])} for n in names]
    return sorted(found, key=lambda suite: suite["passed"] - suite["played"])


def scorers(cases: Sequence[PlayedCase]) -> list[View]:
    """Every scorer that judged, with the cases that it fails; the one with the most first."""
    judged: dict[str, int] = {}
    failed: dict[str, int] = {}
    for case in cases:
        for name in {v.scorer for row in case.played for v in row.verdicts}:
            judged[name] = judged.get(name, 0) + 1
        for name in case.failed_scorers:
            failed[name] = failed.get(name, 0) + 1
    names = sorted(judged, key=lambda name: (-failed.get(name, 0), name))
    return [{"name": n, "judged": judged[n], "failed": failed.get(n, 0)} for n in names]


def versions(history: Sequence[Run], run: Run) -> list[View]:
    """What was played, and of each part whether it differs from the run before."""
    runs = comparable(history, run)
    before = _flat(runs[-2]) if len(runs) > 1 else {}
    return [
        {
            "name": name,
            "version": version,
            "before": before.get(name, ""),
            "is_changed": bool(before) and before.get(name, "") != version,
        }
        for name, version in _flat(run).items()
    ]


def trend(history: Sequence[Run], run: Run) -> View | None:
    """Pass rates and seconds of the comparable runs; None while there are not two."""
    runs = comparable(history, run)
    if len(runs) < 2:
        return None
    rates = [100 * r.passed / max(1, r.cases) for r in runs]
    seconds = [r.seconds for r in runs]
    return {
        "runs": runs[::-1],
        "rate": _chart(runs, rates, (STEP * min(9, min(rates) // STEP), 100.0), " %"),
        "rate_change": rates[-1] - rates[-2],
        "seconds": _chart(runs, seconds, (0.0, _above(max(seconds))), " s"),
        "seconds_change": seconds[-1] - seconds[-2],
    }


def _rate(cases: Sequence[PlayedCase]) -> View:
    played = [case for case in cases if case.played]
    passed = sum(case.status == "passed" for case in played)
    low, high = wilson(passed, len(played))
    return {
        "passed": passed,
        "played": len(played),
        "rate": passed / max(1, len(played)),
        "low": low,
        "high": high,
        "is_clean": passed == len(played),
    }


def _flat(run: Run) -> dict[str, str]:
    parts = run.versions.model_dump()
    prompts = parts.pop("prompts")
    return parts | {f"prompt {name}": version for name, version in sorted(prompts.items())}


def _chart(
    runs: Sequence[Run], values: Sequence[float], edges: tuple[float, float], unit: str
) -> Chart:
    titles = [
        f"{r.id}: {r.passed} of {r.cases} in {r.seconds:.0f} s, code {r.versions.code or '?'}"
        for r in runs
    ]
    return draw(values, titles, edges, unit)


def _above(value: float) -> float:
    """A round number above: 1, 2 or 5 of a power of ten."""
    size = 1.0
    while size * 10 <= value:
        size *= 10
    return next(size * times for times in (1, 2, 5, 10) if size * times >= value)
