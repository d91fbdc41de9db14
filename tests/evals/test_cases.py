"""The datasets: their form, what lint finds in them, and what they cover."""

import json
from pathlib import Path
from typing import Any

import pytest

from evals.cases.coverage import coverage
from evals.cases.lint import lint
from evals.cases.loading import DATASETS, DatasetInvalid, load_cases
from evals.cases.schema import Case
from evals.running.asked import Asked
from evals.running.selection import Selection

A_CASE: dict[str, Any] = {
    "schema_version": 1,
    "id": "owes",
    "suite": "books",
    "owner": "accounts",
    "origin": {"kind": "written", "reviewer": "accounts desk"},
    "customer": "forno-rosso",
    "clock": "2026-09-02T10:15:00+08:00",
    "turns": [{"user": "what do I owe?", "expect": {"intents": ["balance"]}}],
}


def a_case(**changed: Any) -> Case:
    return Case.model_validate(A_CASE | changed)


def saying(text: str, **expect: Any) -> list[dict[str, Any]]:
    return [{"user": text, "expect": expect or {"intents": ["balance"]}}]


def problems(*cases: Case) -> list[str]:
    return list(lint(cases))


def test_the_datasets_are_in_order() -> None:
    assert problems(*load_cases()) == []


def test_there_are_enough_conversations_in_every_language() -> None:
    found = coverage(load_cases())
    assert found.conversations >= 300
    assert min(found.languages[language] for language in ("en", "zh", "ms", "ta")) >= 20
    assert found.missing()["intents"] == []
    assert found.missing()["wants"] == []


def test_each_case_is_of_the_suite_that_its_file_is_named_after() -> None:
    for file in DATASETS.glob("*.jsonl"):
        suites = {json.loads(line)["suite"] for line in file.read_text("utf-8").splitlines()}
        assert suites == {file.stem}


def test_the_schema_for_editors_is_the_schema() -> None:
    written = json.loads((DATASETS / "schema.json").read_text("utf-8"))
    assert written == Case.model_json_schema()


def write(folder: Path, *lines: str) -> Path:
    (folder / "some.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def test_a_broken_line_is_named_with_what_is_wrong(tmp_path: Path) -> None:
    good, bad = json.dumps(A_CASE), json.dumps(A_CASE | {"id": "other", "customers": "x"})
    with pytest.raises(DatasetInvalid, match=r"some\.jsonl, line 2: customers: Extra inputs"):
        load_cases(write(tmp_path, good, bad))


def test_two_cases_of_one_name_are_refused(tmp_path: Path) -> None:
    line = json.dumps(A_CASE)
    with pytest.raises(DatasetInvalid, match="two cases are called owes"):
        load_cases(write(tmp_path, line, line))


@pytest.mark.parametrize(
    ("step", "wrong"),
    [
        ({"user": "hi", "button": "confirm"}, "a step is one thing"),
        ({}, "a step needs"),
        ({"user": "hi", "expect": {"intents": ["balanse"]}}, "balance"),
        ({"user": "hi", "expect": {"card": {"status": "open"}}}, "proposed"),
        ({"user": ""}, "at least 1 character"),
    ],
    ids=["two things", "nothing", "no intent", "no status", "nothing said"],
)
def test_a_step_that_makes_no_sense_is_refused(step: dict[str, Any], wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        a_case(turns=[step])


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"customer": "nobody"}, "there is no demo customer nobody"),
        ({"turns": [{"user": "hi"}]}, "it expects nothing"),
        ({"origin": {"reviewer": "nobody yet"}}, "nobody has reviewed it"),
        ({"origin": {"kind": "production", "reviewer": "accounts desk"}}, "say when"),
        ({"turns": saying("x", tools=[{"name": "read_mind"}])}, "there is no tool read_mind"),
        ({"turns": saying("x", cites=["payment#jokes"])}, "no policy section begins with"),
        (
            {"turns": saying("x", card={"status": "proposed", "lines": {"ABC": 1}})},
            "there is no product ABC",
        ),
        ({"turns": [{"user": "x", "by": "me", "expect": {"refused": 404}}]}, "demo customer me"),
        (
            {"turns": [{"user": "x", "faults": [{"operation": "PUT /Cats", "mode": "hang"}]}]},
            "there is no operation PUT /Cats",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_lint_names_what_is_wrong(changed: dict[str, Any], problem: str) -> None:
    assert any(problem in found for found in problems(a_case(**changed)))


def test_lint_finds_copies_but_not_families() -> None:
    one, other = a_case(id="one"), a_case(id="other", turns=saying("What do I owe ?"))
    assert "other: says the same as one" in " ".join(problems(other, one)) or problems(one, other)
    family = [a_case(id=name, family="owes") for name in ("one", "other")]
    assert problems(*family) == []
    apart = a_case(id="other", clock="2026-09-06T10:15:00+08:00")
    assert problems(one, apart) == []


def test_coverage_counts_languages_and_names_what_is_missing() -> None:
    found = coverage([a_case(turns=saying("我们现在欠你们多少钱？"))])
    assert found.intents["balance", "zh"] == 1
    assert "statement" in found.missing()["intents"]
    assert "balance (en, ms, ta)" in found.missing()["intents not in every language"]
    assert "read_balance" in found.missing()["tools"]


def test_a_beginning_that_several_sections_share_covers_none_of_them() -> None:
    broad = coverage([a_case(turns=saying("x", cites=["payment#"]))])
    exact = coverage([a_case(turns=saying("x", cites=["payment#payment-terms-and-due-date"]))])
    assert broad.counts()["sections"] == 0
    assert exact.counts()["sections"] == 1


def test_a_selection_takes_what_meets_all_that_was_asked() -> None:
    cases = [a_case(id="one", tags=["zh"]), a_case(id="two", tags=["ms"], owner="orders")]
    assert [c.id for c in Selection(tags=("zh", "ms")).of(cases)] == ["one", "two"]
    assert [c.id for c in Selection(tags=("zh",), owners=("orders",)).of(cases)] == []
    with pytest.raises(Asked, match="No case has the tag ta"):
        Selection(tags=("ta",)).of(cases)
