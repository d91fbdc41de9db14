"""One run from its selection to its gate: what `evals run` does."""

import os
import secrets
import time
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from evals.cases.loading import load_cases
from evals.cases.schema import Case
from evals.lanes.tree import Tree, Wanted, served_tree
from evals.models.choice import Mode, ModelChoice, choosing
from evals.outcome import Row, Run
from evals.publishing.tracing import tracing_for
from evals.running.asked import Asked
from evals.running.rows import (
    CASES,
    RESULTS,
    RUNS,
    append_row,
    drop_torn_end,
    find_run,
    load_run,
    save_run,
)
from evals.running.runner import NEEDS_STAND_IN, play_all, trials_of, work_on
from evals.running.selection import Selection
from evals.running.versions import versions_of
from graph.settings import environment


@dataclass(frozen=True)
class Plan:
    """What is to be played, how often, by which code and with which model."""

    selection: Selection = field(default_factory=Selection)
    mode: Mode = "offline"
    model: str = ""
    repeat: int = 1
    jobs: int = field(default_factory=lambda: os.cpu_count() or 1)
    label: str = ""
    resume: str = ""
    doubted: Set[str] = frozenset()  # known to pass: one failure of theirs is not believed
    command: str = ""
    wanted: Wanted = field(default_factory=Wanted)


@dataclass(frozen=True)
class Played:
    """A run that is over, with all its rows."""

    folder: Path
    run: Run
    rows: list[Row]
    missed: Sequence[str] = ()  # what a recorded model was asked and had no answer to


def play(plan: Plan, cases: Sequence[Case] | None = None, runs: Path = RUNS) -> Played:
    """Play what the plan says. Rows of an earlier, interrupted run are kept."""
    chosen = plan.selection.of(load_cases() if cases is None else cases)
    if not chosen:
        raise Asked("Nothing is selected: no case meets all of what was asked for.")
    started = time.monotonic()
    with served_tree(plan.wanted) as tree, choosing(plan.mode, plan.model) as model:
        folder, run, done = _begin(plan, tree, model, chosen, runs)
        print(f"run {run.id}: {len(chosen)} cases, {plan.mode}, in {folder}", flush=True)
        trials, skipped = trials_of(chosen, plan.repeat, done, plan.mode)
        if not trials and not done:
            raise Asked(f"None of the {len(chosen)} cases can be played so: each {NEEDS_STAND_IN}.")
        for row in skipped:
            append_row(folder, row)
        work = work_on(trials, folder, plan.doubted if plan.repeat == 1 else frozenset())
        settings = {**model.settings, **tracing_for(environment(), run.id)}
        play_all(work, tree, settings, plan.jobs)
        missed = model.misses()
    _, rows = load_run(folder)
    _end(run, rows, run.seconds + time.monotonic() - started)
    save_run(folder, run)
    return Played(folder, run, rows, missed)


def _begin(
    plan: Plan, tree: Tree, model: ModelChoice, cases: Sequence[Case], runs: Path
) -> tuple[Path, Run, list[Row]]:
    versions = versions_of(tree, model.name, cases)
    if plan.resume:
        folder = find_run(plan.resume, runs)
        drop_torn_end(folder / RESULTS)
        run, rows = load_run(folder)
        if (run.versions, run.mode, run.trials) != (versions, plan.mode, plan.repeat):
            raise Asked(
                f"Run {run.id} played something else (code, prompts, policies, cases, model or"
                " trials have changed since): begin a new one."
            )
        return folder, run, rows
    now = datetime.now(UTC)  # noqa: TID251 (when a person started it)
    run = Run(
        id=f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}-{plan.mode}",
        started_at=now.isoformat(timespec="seconds"),
        mode=plan.mode,
        label=plan.label,
        command=plan.command,
        selection=plan.selection.as_json(),
        trials=plan.repeat,
        versions=versions,
    )
    folder = runs / run.id
    save_run(folder, run)
    lines = [case.model_dump_json(exclude_defaults=True) + "\n" for case in cases]
    (folder / CASES).write_text("".join(lines), encoding="utf-8")
    return folder, run, []


def _end(run: Run, rows: Sequence[Row], seconds: float) -> None:
    played = {row.case for row in rows if not row.skipped}
    failed = {row.case for row in rows if not row.skipped and not row.passed}
    run.cases, run.passed = len(played), len(played - failed)
    run.seconds, run.complete = round(seconds, 1), True
