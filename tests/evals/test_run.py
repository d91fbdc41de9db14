"""`python -m evals` from its options to its exit code, on a dataset of its own."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from evals import cli
from evals.cases.schema import Case
from evals.outcome import Row
from evals.running.asked import Asked
from evals.running.rows import NoSuchRun, append_row, find_run, load_run
from evals.running.runner import NEEDS_STAND_IN, trials_of
from evals.running.selection import Selection
from evals.running.session import Plan, play
from tests.evals.test_cases import a_case, saying

OWES = a_case(tags=["quick"])
WRONG = a_case(id="wrong", turns=saying("what do I owe?", says=["a million"]))
LYING = a_case(id="lying", model={"mode": "lying"})


def played(cases: Sequence[Case], runs: Path, plan: Plan) -> tuple[Path, list[Row]]:
    found = play(plan, cases, runs)
    return found.folder, found.rows


def test_a_run_is_kept_goes_on_and_is_found_again(tmp_path: Path) -> None:
    plan = Plan(repeat=2, jobs=1, label="first")
    folder, rows = played([OWES, WRONG, LYING], tmp_path, plan)
    run, again = load_run(folder)
    assert again == rows
    assert (run.cases, run.passed, run.complete) == (2, 1, True)
    assert run.versions.prompts["compose_reply"]
    [failed] = {row.case for row in rows if not row.passed and not row.skipped}
    assert failed == "wrong"
    reasons = [v.reason for row in rows for v in row.verdicts if not v.passed]
    assert any("a million" in reason for reason in reasons)
    assert {row.skipped for row in rows if row.case == "lying"} == {NEEDS_STAND_IN}
    assert find_run("first", tmp_path) == folder == find_run("latest", tmp_path)

    lines = (folder / "results.jsonl").read_text().splitlines(keepends=True)
    torn = "".join(lines[:-1]) + lines[-1][:40]
    (folder / "results.jsonl").write_text(torn)
    resumed = play(Plan(repeat=2, jobs=1, resume=run.id), [OWES, WRONG, LYING], tmp_path)
    assert resumed.folder == folder
    assert sorted((r.case, r.trial) for r in resumed.rows) == sorted(
        (r.case, r.trial) for r in rows
    )


def test_a_run_does_not_go_on_as_another_one(tmp_path: Path) -> None:
    folder, _ = played([OWES], tmp_path, Plan(jobs=1))
    with pytest.raises(Asked, match="played something else"):
        play(Plan(jobs=1, resume=folder.name), [OWES, WRONG], tmp_path)


def test_trials_are_played_in_the_order_of_their_clocks() -> None:
    late = a_case(id="late", clock="2026-09-08T10:15:00+08:00")
    trials, _ = trials_of([late, OWES], 2, [], "offline")
    assert [(t.case.id, t.number) for t in trials] == [
        ("owes", 1),
        ("owes", 2),
        ("late", 1),
        ("late", 2),
    ]
    with_model, skipped = trials_of([LYING], 1, [], "stand-in")
    assert [t.case.id for t in with_model] == ["lying"]
    assert skipped == []


def test_a_line_that_was_cut_off_is_no_row(tmp_path: Path) -> None:
    append_row(tmp_path, Row(case="owes", suite="books", passed=True))
    with (tmp_path / "results.jsonl").open("a") as file:
        file.write('{"case": "half')
    (tmp_path / "run.json").write_text('{"id": "x", "started_at": "2026-09-02", "mode": "offline"}')
    assert [row.case for row in load_run(tmp_path)[1]] == ["owes"]


def test_a_run_that_there_is_not_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoSuchRun, match="no run monday"):
        find_run("monday", tmp_path)


def test_nothing_selected_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(Asked, match="Nothing is selected"):
        play(Plan(selection=Selection(tags=("quick",), cases=("wrong",))), [OWES, WRONG], tmp_path)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "--case", "no-such-case"], "No case has the case no-such-case"),
        (["run", "--prompt", "compose_reply"], "write it as NAME=FILE"),
        (["run", "--case", "owes", "--at", "no-such-commit"], "There is no commit"),
        (["compare", "no-such-run", "latest"], "There is no run no-such-run"),
        (["run", "--policies", "no-such-folder"], "There are no policies"),
        (["minimise", "no-such-case"], "There is no case no-such-case"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_said_in_one_line(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_lint_ends_with_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["lint"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["problems"] == 0
