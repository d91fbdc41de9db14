"""The commands that work on one conversation: capture, replay, minimise."""

import argparse
import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from evals.cases.loading import load_cases, read_case
from evals.cases.schema import Case
from evals.comparing.compare import compare
from evals.comparing.text import text_of
from evals.forking import Side, fork
from evals.lanes.tree import Wanted, served_tree
from evals.minimising import minimise
from evals.models.choice import choosing
from evals.outcome import Row, Run
from evals.production import fetch_draft
from evals.running.asked import Asked
from evals.running.options import add_model, add_version, wanted_of
from evals.running.runner import NEEDS_STAND_IN
from evals.running.versions import versions_of


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Their parsers."""
    capturing = commands.add_parser("capture", help="a conversation as the draft of a case")
    capturing.add_argument("conversation", type=UUID)
    capturing.set_defaults(command=capture)
    replaying = commands.add_parser("replay", help="fork a case at a turn and compare the rest")
    replaying.add_argument("case", help="its id, or a file that holds it")
    replaying.add_argument("--from-turn", type=int, default=1, metavar="N")
    add_model(replaying)
    add_version(replaying)
    replaying.set_defaults(command=replay)
    minimising = commands.add_parser("minimise", help="drop turns for as long as it fails")
    minimising.add_argument("case", help="its id, or a file that holds it")
    add_model(minimising)
    add_version(minimising)
    minimising.set_defaults(command=shorten)


def capture(given: argparse.Namespace) -> int:
    """Write the draft to standard output: one line of a dataset, for a person to read."""
    print(json.dumps(asyncio.run(fetch_draft(given.conversation)), ensure_ascii=False))
    return 0


def replay(given: argparse.Namespace) -> int:
    """Play to the turn, then on as it is and changed; print what differs."""
    case, wanted = _case(given), wanted_of(given)
    with (
        served_tree(Wanted()) as here,
        served_tree(wanted) as there,
        choosing(given.model, given.model_name) as model,
    ):
        sides = [Side(tree, model.settings) for tree in (here, there)]
        rows = fork(case, given.from_turn, *sides)
        runs = [
            _run(f"{name}, from turn {given.from_turn}", row, given.model)
            for name, row in zip(("as it is", "changed"), rows, strict=True)
        ]
        for run, side in zip(runs, sides, strict=True):
            run.versions = versions_of(side.tree, model.name, [case])
    print(text_of(compare((runs[0], [rows[0]]), (runs[1], [rows[1]]))))
    print(json.dumps({"case": case.id, "as_it_is": rows[0].passed, "changed": rows[1].passed}))
    return 0


def shorten(given: argparse.Namespace) -> int:
    """Print the shortest version of the case that fails in the same way."""
    case = _case(given)
    with (
        served_tree(wanted_of(given)) as tree,
        choosing(given.model, given.model_name) as model,
    ):
        shorter = minimise(case, tree, model.settings)
    print(f"{len(case.turns)} turns became {len(shorter.turns)}:")
    print(shorter.model_dump_json(exclude_defaults=True))
    return 0


def _case(given: argparse.Namespace) -> Case:
    if Path(given.case).is_file():
        found: Case | None = read_case(Path(given.case))
    else:
        found = next((case for case in load_cases() if case.id == given.case), None)
    if found is None:
        raise Asked(f"There is no case {given.case}, nor a file of that name.")
    if found.model and given.model != "stand-in":
        raise Asked(f"{found.id} {NEEDS_STAND_IN}: --model stand-in")
    return found


def _run(name: str, row: Row, mode: str) -> Run:
    now = datetime.now(UTC)  # noqa: TID251 (when a person started it)
    return Run(
        id=name,
        started_at=now.isoformat(timespec="seconds"),
        mode=mode,
        seconds=row.seconds,
        cases=1,
        passed=int(row.passed),
        complete=True,
    )
