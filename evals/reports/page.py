"""One static file that shows a run: what failed and why, each conversation, and how it compares.

Nothing in it reaches the network. What customers and the service wrote is data to it, never markup.
"""

import json
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from evals.comparing.comparison import CasePair, Comparison
from evals.outcome import Run
from evals.reports import figures
from evals.reports.cases import STATUSES, PlayedCase, cases_of
from evals.reports.packed import packed, policy
from evals.running.rows import CASES, load_run

FILE = "report.html"
FILES = Path(__file__).parent / "html"
SCRIPTS = ("dom.js", "chat.js", "turn.js", "case.js", "versus.js", "list.js")
STYLES = ("page.css", "case.css")
SHOWN = {"trial", "passed", "skipped", "verdicts", "seconds", "usd", "tokens", "outcome"}
# The names of everything of everybody: too much to carry, and nobody reads them.
LEFT_OUT = {"owned", "foreign"}

Json = dict[str, Any]


def write_report(
    folder: Path,
    history: Sequence[Run],
    comparison: Comparison | None = None,
    breaches: Sequence[str] = (),
    warnings: Sequence[str] = (),
) -> Path:
    """Write report.html into the folder of a run, from what stands in it.

    Where the folder holds the cases as they were played (`cases.jsonl`), it also shows what each
    turn was expected to be.
    """
    run, rows = load_run(folder)
    cases = cases_of(rows)
    gate = {"breaches": breaches, "warnings": warnings}
    shown = {**_of_cases(run, cases, _expected(folder / CASES)), **_versus(run, comparison)}
    scripts, styles = (
        [(FILES / n).read_text("utf-8") for n in names] for names in (SCRIPTS, STYLES)
    )
    text = _template().render(
        **_head(run, cases, history),
        **gate,
        **shown,
        scripts=scripts,
        styles=styles,
        policy=policy(scripts, styles),
    )
    path = folder / FILE
    path.write_text(text, encoding="utf-8")
    return path


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(FILES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.j2")


def _expected(file: Path) -> dict[str, Json]:
    if not file.exists():
        return {}
    cases = [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n") if line]
    return {case["id"]: case for case in cases}


def _head(run: Run, cases: Sequence[PlayedCase], history: Sequence[Run]) -> Json:
    return {
        "run": run,
        "summary": figures.summary(run, cases),
        "history": figures.trend(history, run),
        "versions": figures.versions(history, run),
        "suites": figures.suites(cases),
        "scorers": figures.scorers(cases),
    }


def _of_cases(run: Run, cases: Sequence[PlayedCase], expected: dict[str, Json]) -> Json:
    return {
        "cases": cases,
        "statuses": STATUSES,
        "choices": _choices(cases),
        "index": [_indexed(case) for case in cases],
        "packed_cases": [packed(_opened(run, case, expected.get(case.name))) for case in cases],
    }


def _choices(cases: Sequence[PlayedCase]) -> dict[str, list[str]]:
    """What each filter offers."""

    def sorted_set(values: Iterable[str]) -> list[str]:
        return sorted(set(values) - {""})

    return {
        "suite": sorted_set(case.rows[0].suite for case in cases),
        "scorer": sorted_set(name for case in cases for name in case.failed_scorers),
        "tag": sorted_set(tag for case in cases for tag in case.rows[0].tags),
        "owner": sorted_set(case.rows[0].owner for case in cases),
        "language": sorted_set(case.language for case in cases),
    }


def _indexed(case: PlayedCase) -> Json:
    """What the filters look at, without opening the case."""
    row = case.rows[0]
    return {
        "name": case.name,
        "status": case.status,
        "suite": row.suite,
        "scorer": case.failed_scorers,
        "tag": row.tags,
        "owner": row.owner,
        "language": case.language,
        "text": case.text,
    }


def _opened(run: Run, case: PlayedCase, expected: Json | None) -> Json:
    """What an opened case shows."""
    row = case.rows[0]
    trials = [
        r.model_dump(mode="json", include=SHOWN, exclude={"outcome": LEFT_OUT}) for r in case.rows
    ]
    return {
        "command": figures.command(run, case.name),
        "tags": row.tags,
        "owner": row.owner,
        "expected": expected,
        "trials": trials,
    }


def _versus(run: Run, comparison: Comparison | None) -> Json:
    """The cases that a comparison tells of: how each is called, its kind and its parts."""
    kinds: list[tuple[str, str, list[CasePair]]] = []
    if comparison is not None:
        kinds = [
            ("worse", "Worse", comparison.newly_failing),
            ("better", "Better", comparison.newly_passing),
            ("failing", "Fails in both", comparison.still_failing),
            ("changed", "Passes in both", comparison.changed),
        ]
    pairs = [
        {"kind": kind, "words": words, "pair": pair, "packed": packed(_side_by_side(run, pair))}
        for kind, words, found in kinds
        for pair in found
    ]
    return {"comparison": comparison, "pairs": pairs}


def _side_by_side(run: Run, pair: CasePair) -> Json:
    return pair.model_dump(mode="json") | {"command": figures.command(run, pair.case)}
