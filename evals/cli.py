"""The command line of the evals. Each command says with its exit code whether all is well."""

import argparse
import json
import shlex
import sys
from collections.abc import Sequence
from datetime import date

from evals.cases.coverage import coverage
from evals.cases.lint import lint
from evals.cases.loading import DatasetInvalid, load_cases
from evals.comparing.compare import compare
from evals.comparing.gates import Gate, judge_run, judge_whole_run
from evals.comparing.limits import (
    LimitsNotValid,
    load_baseline,
    load_expected,
    load_thresholds,
    write_baseline,
)
from evals.comparing.text import text_of
from evals.conversations import add_commands as add_conversation_commands
from evals.judging.commands import add_commands as add_judge_commands
from evals.lanes.tree import NoSuchVersion
from evals.models.cassette import FOLDER
from evals.models.choice import cassette_mode
from evals.models.tape import stale
from evals.outcome import Row, Run
from evals.publishing.langsmith import NotPublished, langsmith_of, publish
from evals.reports.junit import write_junit
from evals.reports.page import write_report
from evals.reports.textfile import write_textfile
from evals.reports.trend import append_run, read_history
from evals.running.asked import Asked
from evals.running.options import add_model, add_version, positive, wanted_of
from evals.running.rows import INDEX, TEXTFILES, NoSuchRun, find_run, load_run
from evals.running.selection import Selection
from evals.running.session import Plan, Played, play
from graph.capture import NothingToCapture
from graph.settings import environment
from tools.errors import PartNotStarted, SettingsInvalid

MISTAKES = (
    *(Asked, DatasetInvalid, LimitsNotValid, NoSuchRun, NoSuchVersion, NothingToCapture),
    *(PartNotStarted, SettingsInvalid),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """0: all is well; 1: a gate is shut, or something was found; 2: a mistake in what was asked."""
    given = _parser().parse_args(arguments)
    given.said = shlex.join(sys.argv[1:] if arguments is None else arguments)
    try:
        code: int = given.command(given)
    except MISTAKES as mistake:
        print(mistake, file=sys.stderr)
        return 2
    return code


def run(given: argparse.Namespace) -> int:
    """Play, judge, report; the last line is one JSON object."""
    played = play(_plan(given))
    _publish(played)
    return _judged(played)


def compare_runs(given: argparse.Namespace) -> int:
    """Say what differs between two runs, and whether that means anything."""
    a, b = (load_run(find_run(name)) for name in (given.a, given.b))
    comparison = compare(a, b)
    print(text_of(comparison))
    if given.html:
        path = write_report(find_run(given.b), _history(), comparison)
        print(f"\n{path}")
    return 0


def report(given: argparse.Namespace) -> int:
    """Write the report of a run again, and say where it is."""
    folder = find_run(given.run)
    found, rows = load_run(folder)
    against = compare(load_run(find_run(given.against)), (found, rows)) if given.against else None
    gate = _gate(found, rows)
    print(write_report(folder, _history(), against, gate.breaches, gate.warnings))
    return 0


def check_datasets(_: argparse.Namespace) -> int:
    """Name what is wrong with the datasets."""
    cases = load_cases()
    problems = [
        *lint(cases),
        *(f"{file.name}: recorded with a prompt that has changed since" for file in stale(FOLDER)),
    ]
    for problem in problems:
        print(problem)
    print(json.dumps({"cases": len(cases), "problems": len(problems)}))
    return 1 if problems else 0


def show_coverage(_: argparse.Namespace) -> int:
    """Say what the datasets touch, and what they do not."""
    found = coverage(load_cases())
    print(found.text())
    print(json.dumps(found.counts()))
    return 0


def accept(given: argparse.Namespace) -> int:
    """Make what passes in a run the baseline that later runs are held against."""
    found, rows = load_run(find_run(given.run))
    if not found.complete or "~" in found.versions.code or "--at" in found.command:
        raise Asked(f"Run {found.id} was broken off, or played something that is not here.")
    changed = write_baseline(rows, found.mode, is_whole=not found.selection)
    for mark, cases in (("+", changed.added), ("-", changed.dropped)):
        for case in cases:
            print(mark, case)
    print(json.dumps({"added": len(changed.added), "dropped": len(changed.dropped)}))
    return 0


def _publish(played: Played) -> None:
    """Bring the run to LangSmith where there is a key. Nothing of the gate depends on it."""
    langsmith = langsmith_of(environment())
    if langsmith is None:
        return
    try:
        published = publish(played.run, played.rows, load_cases(), langsmith)
    except NotPublished as error:
        print(f"warning: {error}")
        return
    for suite, address in published.experiments.items():
        print(f"{suite} at {address}")


def _judged(played: Played) -> int:
    gate = _gate(played.run, played.rows)
    append_run(INDEX, played.run)
    write_junit(played.folder, played.rows)
    missed = [f"no recorded answer: {miss}" for miss in played.missed]
    is_recording = cassette_mode(environment())[0] == "record"
    breaches = [*gate.breaches, *(() if is_recording else missed)]
    if not played.run.selection:  # a part says nothing of the whole
        write_textfile(TEXTFILES, played.run, played.rows, is_open=not breaches)
    path = write_report(played.folder, _history(), None, breaches, gate.warnings)
    for title, lines in (("BREACH", breaches), ("warning", gate.warnings)):
        for line in lines:
            print(f"{title}: {line}")
    if gate.known_failures:
        print(f"known failures, not on main's list: {', '.join(gate.known_failures)}")
    print(f"report: {path}")
    found = played.run
    print(json.dumps({"cases": found.cases, "passed": found.passed, "seconds": found.seconds}))
    return 1 if breaches else 0


def _gate(found: Run, rows: Sequence[Row]) -> Gate:
    # A case that is gone fails a whole run only: of a part most were not meant to be played.
    judge = judge_run if found.selection else judge_whole_run
    today = date.fromisoformat(found.started_at[:10])
    return judge(rows, load_baseline(found.mode), load_thresholds(), load_expected(), today)


def _history() -> list[Run]:
    return list(read_history(INDEX).runs)


def _plan(given: argparse.Namespace) -> Plan:
    return Plan(
        selection=Selection(
            tuple(given.suite), tuple(given.tag), tuple(given.owner), tuple(given.case)
        ),
        mode=given.model,
        model=given.model_name,
        repeat=given.k,
        jobs=given.jobs,
        label=given.label,
        resume=given.resume,
        doubted=load_baseline(given.model),
        command=given.said,
        wanted=wanted_of(given),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m evals", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_run(commands.add_parser("run", help="play conversations; the exit code is the gate"))
    comparing = commands.add_parser("compare", help="what differs between two runs")
    comparing.add_argument("a", help="a run: its id, label, or latest")
    comparing.add_argument("b")
    comparing.add_argument("--html", action="store_true", help="also into the report of B")
    comparing.set_defaults(command=compare_runs)
    reporting = commands.add_parser("report", help="write a run's report again")
    reporting.add_argument("run", nargs="?", default="latest")
    reporting.add_argument("--against", metavar="RUN", default="")
    reporting.set_defaults(command=report)
    linting = commands.add_parser("lint", help="what is wrong with the datasets")
    linting.set_defaults(command=check_datasets)
    covering = commands.add_parser("coverage", help="what the datasets touch and what not")
    covering.set_defaults(command=show_coverage)
    accepting = commands.add_parser("accept", help="hold later runs against this one")
    accepting.add_argument("run", nargs="?", default="latest")
    accepting.set_defaults(command=accept)
    add_conversation_commands(commands)
    add_judge_commands(commands)
    return parser


def _add_run(parser: argparse.ArgumentParser) -> None:
    for name in ("suite", "tag", "owner", "case"):
        parser.add_argument(f"--{name}", action="append", default=[], help="any of those named")
    add_model(parser)
    parser.add_argument("--k", type=positive, default=1, help="play each case so often")
    parser.add_argument("--jobs", type=positive, default=Plan().jobs, help="lanes at once")
    parser.add_argument("--label", default="", help="a name for `compare` and the report")
    parser.add_argument("--resume", default="", metavar="RUN", help="go on with a broken-off run")
    add_version(parser)
    parser.set_defaults(command=run)
