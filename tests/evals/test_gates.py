"""What stops a run, what is only warned of, and what the files of limits may say."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from evals.comparing.gates import Gate, judge_run, judge_whole_run
from evals.comparing.limits import (
    Expected,
    Hard,
    LimitsNotValid,
    Soft,
    Thresholds,
    load_baseline,
    load_expected,
    load_thresholds,
    write_baseline,
)
from evals.outcome import NodeRun, Outcome, Row, Stream, Turn, Verdict
from evals.scorers.every import SCORERS

TODAY = date(2026, 10, 1)
SOFT = Soft(
    suite_pass_rate=0.5,
    turn_p95_ms=1000,
    first_text_p95_ms=500,
    node_p95_ms=100,
    usd_per_turn=Decimal("0.01"),
    measured_at_least=2,
    suites={"injections": 1.0},
    nodes={"compose_reply": 300},
)
THRESHOLDS = Thresholds(hard=Hard(scorers=frozenset({"privacy", "played"})), soft=SOFT)


def row(case: str = "owed", *, passed: bool = True, scorer: str = "facts", **changed: Any) -> Row:
    verdict = Verdict(scorer=scorer, passed=passed, turn=2, reason="" if passed else "why")
    tags = [] if passed else ["known-failure"]
    made = Row(case=case, suite="accounts", tags=tags, passed=passed, verdicts=[verdict])
    return made.model_copy(update=changed)


def judged(*rows: Row, baseline: set[str] | None = None, expected: Any = ()) -> Gate:
    # Passing cases beside it, so that no suite is warned of.
    others = [row(f"other-{n}") for n in range(9)]
    return judge_run([*rows, *others], baseline or set(), THRESHOLDS, expected, TODAY)


def entry(case: str = "owed", expires: date = TODAY) -> Expected:
    return Expected(case=case, owner="accounts", reason="wording changes", expires=expires)


def test_a_run_in_which_all_pass_is_open() -> None:
    gate = judged(row(), baseline={"owed"})

    assert gate == Gate()
    assert gate.is_open


def test_a_regression_stops_the_run_by_its_name() -> None:
    gate = judged(row(passed=False), baseline={"owed"})

    assert gate.breaches == ("owed passes on main and fails now: turn 2, facts: why",)
    assert not gate.is_open


def test_a_failure_that_main_has_too_stops_nothing() -> None:
    gate = judged(row(passed=False))

    assert gate.is_open
    assert gate.known_failures == ("owed",)


def test_a_failure_that_nobody_named_stops_the_run() -> None:
    gate = judged(row(passed=False, tags=[]))

    assert gate.breaches == ("owed fails, and is not tagged known-failure: turn 2, facts: why",)


def test_a_known_failure_that_passes_is_to_be_accepted() -> None:
    gate = judged(row(tags=["known-failure"]))

    assert gate.is_open
    assert gate.warnings == ("owed passes: drop its tag known-failure, then accept the run",)


@pytest.mark.parametrize("baseline", [set(), {"owed"}], ids=["not on main", "on main"])
def test_what_no_run_may_do_stops_it_and_nothing_excuses_it(baseline: set[str]) -> None:
    gate = judged(row(passed=False, scorer="privacy"), baseline=baseline, expected=[entry()])

    assert gate.breaches == ("owed, turn 2, privacy: why",)


def test_one_trial_of_many_that_leaks_stops_the_run_once() -> None:
    leaks = [row(trial=n, passed=False, scorer="privacy") for n in (1, 2)]
    honest = [row(trial=n) for n in (3, 4, 5)]

    assert judged(*leaks, *honest, baseline={"owed"}).breaches == ("owed, turn 2, privacy: why",)


def test_a_case_that_could_not_be_played_stops_the_run() -> None:
    crashed = row(passed=False, verdicts=[], outcome=Outcome(crash="no answer in 60 s"))

    assert judged(crashed).breaches == ("owed could not be played: no answer in 60 s",)


def test_an_expected_regression_is_let_through_on_its_last_day() -> None:
    gate = judged(row(passed=False), baseline={"owed"}, expected=[entry(expires=TODAY)])

    assert gate.is_open
    assert gate.expected == ("owed",)
    assert gate.known_failures == ()


def test_an_expired_entry_stops_the_run_itself() -> None:
    gate = judged(row(), baseline={"owed"}, expected=[entry(expires=date(2026, 9, 30))])

    assert "owed was expected to fail until 2026-09-30" in gate.breaches[0]
    assert "accounts: wording changes" in gate.breaches[0]


def test_an_expired_entry_excuses_nothing() -> None:
    gate = judged(row(passed=False), baseline={"owed"}, expected=[entry(expires=date(2026, 9, 30))])

    assert len(gate.breaches) == 2


@pytest.mark.parametrize(
    ("passed", "baseline", "said"),
    [
        (True, {"owed"}, "owed is expected to fail and passes"),
        (False, set(), "owed is expected to fail and does not pass on main"),
    ],
    ids=["passes again", "not on main"],
)
def test_an_entry_that_excuses_nothing_is_warned_of(
    *, passed: bool, baseline: set[str], said: str
) -> None:
    gate = judged(row(passed=passed), baseline=baseline, expected=[entry()])

    assert gate.is_open
    assert gate.warnings == (f"{said}: take its entry out",)


def test_an_entry_of_a_flaky_case_stays() -> None:
    trials = [row(trial=n, passed=n > 1) for n in (1, 2, 3)]

    gate = judged(*trials, baseline={"owed"}, expected=[entry()])

    assert gate.warnings == ("owed is flaky: passes 2 of 3 trials",)


def test_a_case_gone_from_the_whole_dataset_stops_the_run() -> None:
    gate = judge_whole_run([row()], {"owed", "gone"}, THRESHOLDS, [], TODAY)

    assert gate.breaches == ("gone passes on main and was removed from the datasets",)
    assert judge_run([row()], {"owed", "gone"}, THRESHOLDS, [], TODAY).is_open
    assert judge_whole_run([row()], {"owed", "gone"}, THRESHOLDS, [entry("gone")], TODAY).is_open


def test_a_case_that_passes_on_main_may_not_be_skipped() -> None:
    gate = judged(row(skipped="only with a model"), baseline={"owed"})

    assert gate.breaches == ("owed passes on main and was not played: only with a model",)
    assert judged(row(skipped="only with a model")).is_open
    excused = judged(row(skipped="moved"), baseline={"owed"}, expected=[entry()])
    assert excused.is_open


def test_a_flaky_case_is_counted_and_warned_of() -> None:
    trials = [row(trial=n, passed=n > 1) for n in (1, 2, 3)]

    gate = judged(*trials, baseline={"owed"})

    assert gate.is_open
    assert gate.flaky == ("owed",)
    assert gate.warnings == ("owed is flaky: passes 2 of 3 trials",)


def test_a_case_that_passes_half_of_its_trials_fails() -> None:
    gate = judged(row(trial=1), row(trial=2, passed=False), baseline={"owed"})

    assert "owed passes on main and fails now" in gate.breaches[0]
    assert gate.flaky == ("owed",)


@pytest.mark.parametrize(
    ("results", "suite", "warned"),
    [
        ([True, False], "accounts", False),
        ([True, False, False], "accounts", True),
        ([True, True, False], "injections", True),
    ],
    ids=["at the rate", "below", "a rate of its own"],
)
def test_a_suite_below_its_rate_is_warned_of(
    results: list[bool], suite: str, *, warned: bool
) -> None:
    rows = [row(f"case-{n}", passed=ok, suite=suite) for n, ok in enumerate(results)]

    gate = judge_run(rows, set(), THRESHOLDS, [], TODAY)

    assert gate.is_open
    assert [
        f"suite {suite} passes {sum(results)} of {len(results)}" in w for w in gate.warnings
    ] == ([True] if warned else [])


def node(name: str, ms: float) -> Turn:
    return Turn(nodes=[NodeRun(node=name, step=1, started_ms=0, ms=ms)])


@pytest.mark.parametrize(
    ("turn", "said"),
    [
        (Turn(stream=Stream(total_ms=1001)), "the whole answer takes 1,001 ms at p95"),
        (Turn(stream=Stream(total_ms=1000)), None),
        (Turn(stream=Stream(first_text_ms=501)), "the first text takes 501 ms at p95"),
        (node("hand_off", 101), "node hand_off takes 101 ms at p95, the budget is 100 ms"),
        (node("compose_reply", 299), None),
        (node("compose_reply", 301), "node compose_reply takes 301 ms at p95"),
    ],
    ids=["answer", "answer in time", "first text", "node", "own budget kept", "own budget"],
)
def test_what_is_too_slow_is_warned_of(turn: Turn, said: str | None) -> None:
    gate = judged(row(outcome=Outcome(turns=[turn, turn])))

    assert gate.is_open
    assert [said in warning for warning in gate.warnings if said] == ([True] if said else [])
    assert len(gate.warnings) == bool(said)


def test_a_single_slow_turn_says_nothing_of_a_percentile() -> None:
    assert judged(row(outcome=Outcome(turns=[node("hand_off", 900)]))).warnings == ()


def test_turns_that_cost_too_much_are_warned_of() -> None:
    dear = row(usd="0.03", outcome=Outcome(turns=[Turn(), Turn()]))

    assert judged(dear).warnings == ("a turn costs USD 0.0150, the budget is USD 0.01",)


def test_the_files_of_the_project_can_be_read() -> None:
    hard = load_thresholds().hard.scorers

    assert hard >= {"confirmation", "privacy", "once", "injection", "secrecy", "played"}
    assert hard <= SCORERS.keys()
    assert load_thresholds().soft.measured_at_least > 1
    load_expected()
    load_baseline("offline")


ENTRY = '[[expected]]\ncase = "owed"\nowner = "accounts"\nreason = "why"\nexpires = 2026-10-01\n'


def test_entries_are_read(tmp_path: Path) -> None:
    file = tmp_path / "expected.toml"
    file.write_text(ENTRY)

    assert [(e.case, e.expires) for e in load_expected(file)] == [("owed", date(2026, 10, 1))]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ENTRY.replace('owner = "accounts"\n', ""), r"entry 1 \(owed\): owner: Field required"),
        (ENTRY.replace("accounts", ""), r"entry 1 \(owed\): owner: String should have"),
        (ENTRY + "until = 1\n", r"entry 1 \(owed\): until: Extra inputs"),
        (ENTRY + ENTRY, r"entry 2 \(owed\): the case has an entry already"),
        (ENTRY + ENTRY.replace('case = "owed"\n', ""), r"entry 2 \(no case\): case: Field"),
        ("[[expect]]\n", "'expect' is not known"),
        ("[expected]\n", r"under \[\[expected\]\]"),
        ("expected = [1]\n", r"entry 1 \(no table\)"),
        ("expected = \n", "Invalid value"),
    ],
    ids=[
        *("no owner", "empty owner", "unknown key", "twice", "no case"),
        *("unknown table", "no list", "no table", "no toml"),
    ],
)
def test_a_mistake_in_an_entry_names_file_and_entry(
    tmp_path: Path, text: str, message: str
) -> None:
    file = tmp_path / "expected.toml"
    file.write_text(text)

    with pytest.raises(LimitsNotValid, match=rf"^expected\.toml.*{message}"):
        load_expected(file)


def test_a_mistake_in_the_thresholds_names_the_key(tmp_path: Path) -> None:
    file = tmp_path / "thresholds.toml"
    file.write_text("[hard]\nscorers = []\n[soft]\nsuite_pass_rate = 95\n")

    with pytest.raises(LimitsNotValid, match=r"thresholds\.toml: soft\.suite_pass_rate"):
        load_thresholds(file)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(LimitsNotValid, match=r"missing\.toml does not exist"):
        load_thresholds(tmp_path / "missing.toml")


def test_a_baseline_holds_what_passes_in_every_trial_by_mode(tmp_path: Path) -> None:
    file = tmp_path / "baseline.json"
    flaky = [row("flaky", trial=n, passed=n > 1) for n in (1, 2, 3)]
    rows = [row("b"), row("a"), row("failing", passed=False), row("left", skipped="x"), *flaky]

    write_baseline([row("live only")], "live", file)
    change = write_baseline(rows, "offline", file)

    assert change.added == ["a", "b"]
    assert load_baseline("offline", file) == {"a", "b"}
    assert load_baseline("live", file) == {"live only"}
    assert load_baseline("recorded", file) == frozenset()


@pytest.mark.parametrize(
    ("is_whole", "kept"), [(True, {"b"}), (False, {"b", "not played"})], ids=["whole", "part"]
)
def test_part_of_the_dataset_rewrites_only_its_part(
    tmp_path: Path, *, is_whole: bool, kept: set[str]
) -> None:
    file = tmp_path / "baseline.json"
    write_baseline([row("a"), row("not played")], "offline", file)

    change = write_baseline([row("a", passed=False), row("b")], "offline", file, is_whole=is_whole)

    assert load_baseline("offline", file) == kept
    assert "a" in change.dropped


@pytest.mark.parametrize("text", ['{"offline": "a"}', "[]", "{"], ids=["no list", "list", "broken"])
def test_a_baseline_that_cannot_be_read_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "baseline.json"
    file.write_text(text)

    with pytest.raises(LimitsNotValid, match=r"^baseline\.json"):
        load_baseline("offline", file)
