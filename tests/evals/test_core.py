"""The core of the datasets against this version: what has got worse fails by its name."""

from pathlib import Path

from evals.cases.loading import load_cases
from evals.comparing.gates import judge_run
from evals.comparing.limits import load_baseline, load_expected, load_thresholds
from evals.running.selection import Selection
from evals.running.session import Plan, play
from graph.clients import now

CORE = Selection(tags=("core",))


def test_the_core_touches_every_suite_and_is_held_to_main() -> None:
    core = CORE.of(load_cases())
    assert {case.suite for case in core} >= {"books", "ordering", "safety", "service"}
    assert {case.id for case in core} <= load_baseline("offline")


def test_no_conversation_of_the_core_has_got_worse(tmp_path: Path) -> None:
    baseline = load_baseline("offline")
    played = play(Plan(selection=CORE, doubted=baseline), runs=tmp_path)
    gate = judge_run(played.rows, baseline, load_thresholds(), load_expected(), now().date())
    assert gate.breaches == ()
    assert played.run.cases == len(CORE.of(load_cases()))
