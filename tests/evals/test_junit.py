"""The results as CI systems read them."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from evals.outcome import Outcome, Row
from evals.reports.junit import write_junit
from tests.evals.test_report import HOSTILE, a_row


def written(folder: Path, *rows: Row) -> ET.Element:
    return ET.parse(write_junit(folder, rows)).getroot()  # noqa: S314 (we wrote it)


def test_a_suite_is_a_suite_and_a_case_a_test(tmp_path: Path) -> None:
    root = written(tmp_path, a_row("b"), a_row("a"), a_row("c", suite="orders"))
    assert root.tag == "testsuites"
    assert root.attrib["tests"] == "3"
    tests = {s.attrib["name"]: [t.attrib["name"] for t in s] for s in root}
    assert tests == {"accounts": ["a", "b"], "orders": ["c"]}
    assert {t.attrib["classname"] for t in root.iter("testcase")} == {
        "evals.accounts",
        "evals.orders",
    }


def test_trials_are_one_test_whose_times_add_up(tmp_path: Path) -> None:
    root = written(tmp_path, a_row(), a_row(trial=2, failed="facts", reason="no amount"))
    (test,) = root.iter("testcase")
    assert test.attrib["time"] == "1.000"
    failure = test.find("failure")
    assert failure is not None
    assert failure.attrib["type"] == "flaky"
    assert failure.text == "trial 2, turn 1, facts: no amount"


def test_failures_and_what_was_skipped_are_counted(tmp_path: Path) -> None:
    rows = (a_row("a", failed="says"), a_row("b", skipped="needs a model"), a_row("c"))
    root = written(tmp_path, *rows)
    for element in (root, *root):
        counts = {name: element.attrib[name] for name in ("tests", "failures", "skipped")}
        assert counts == {"tests": "3", "failures": "1", "skipped": "1"}
    (skipped,) = root.iter("skipped")
    assert skipped.attrib["message"] == "needs a model"


def test_a_crash_is_a_failure_that_says_why(tmp_path: Path) -> None:
    root = written(tmp_path, a_row(passed=False, outcome=Outcome(crash="the lane ended")))
    (failure,) = root.iter("failure")
    assert failure.attrib["message"] == "the lane ended"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (HOSTILE, HOSTILE),
        ("a\x00b\x1b[31mc\x0bd", "ab[31mcd"),
        ("a\ud800b\ufffec", "abc"),
        ("பில் 发票 🧾", "பில் 发票 🧾"),
    ],
    ids=["markup", "control characters", "no characters", "scripts"],
)
def test_every_text_makes_valid_xml(tmp_path: Path, text: str, left: str) -> None:
    row = a_row()
    row.passed = False
    row.verdicts[0] = row.verdicts[0].model_copy(update={"passed": False, "reason": text})
    (failure,) = written(tmp_path, row).iter("failure")
    assert failure.text == f"turn 1, played: {left}"
