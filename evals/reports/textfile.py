"""The last whole run as metrics, in the folder that the exporter of the machine reads."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

from evals.outcome import Row, Run
from evals.reports.cases import cases_of

FILE = "evals.prom"
NAMES = frozenset(
    {"tria_eval_cases", "tria_eval_gate_open", "tria_eval_usd", "tria_eval_run_timestamp_seconds"}
)


def write_textfile(folder: Path, run: Run, rows: Iterable[Row], *, is_open: bool) -> Path:
    """Write evals.prom, whole or not at all: how many cases passed, the gate, the cost, when."""
    played = list(rows)
    registry = CollectorRegistry()
    cases = Gauge(
        "tria_eval_cases", "Cases of the last run.", ["suite", "verdict"], registry=registry
    )
    for (suite, verdict), number in _counted(played).items():
        cases.labels(suite, verdict).set(number)
    told = {
        "tria_eval_gate_open": ("1 when its gate was open.", float(is_open)),
        "tria_eval_usd": ("What it cost.", float(sum(Decimal(row.usd) for row in played))),
        "tria_eval_run_timestamp_seconds": ("When it ended.", _ended(run)),
    }
    for name, (says, value) in told.items():
        Gauge(name, says, registry=registry).set(value)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE
    write_to_textfile(str(path), registry)
    return path


def _counted(rows: Iterable[Row]) -> Counter[tuple[str, str]]:
    """A suite without a failure says so, rather than nothing."""
    found: Counter[tuple[str, str]] = Counter()
    for case in cases_of(rows):
        trials = [row for row in case.rows if row.skipped is None]
        if trials:
            has_passed = all(row.passed for row in trials)
            found[trials[0].suite, "passed"] += has_passed
            found[trials[0].suite, "failed"] += not has_passed
    return found


def _ended(run: Run) -> float:
    started = datetime.fromisoformat(run.started_at)
    return (started if started.tzinfo else started.replace(tzinfo=UTC)).timestamp() + run.seconds
