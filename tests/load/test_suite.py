"""The suite as it is run: it passes, it fails when it has to, and says so by its exit code."""

import json
from pathlib import Path
from typing import Any

from tests.load.__main__ import main
from tests.load.crowd import BASES
from tests.load.talks import talks, talks_of

FEW = ["--only", "bare", "--users", "2", "--customers", "10"]


def played(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "result.json").read_text())
    return found


def test_a_service_that_holds(tmp_path: Path) -> None:
    assert main([*FEW, "--seconds", "15", "--folder", str(tmp_path)]) == 0
    [scenario] = played(tmp_path)["scenarios"]
    assert scenario["figures"]["turns"] >= 5
    assert scenario["figures"]["service_cpu_s_per_turn"] > 0
    assert not scenario["broken"]
    page = (tmp_path / "report.html").read_text()
    assert "everything held" in page
    assert page.count("<polyline") >= 4


def test_a_service_that_refuses(tmp_path: Path) -> None:
    only_one = ["--setting", "TRIA_USER_TURNS=1"]
    assert main([*FEW, *only_one, "--seconds", "6", "--folder", str(tmp_path)]) == 1
    [scenario] = played(tmp_path)["scenarios"]
    assert any("429" in error for error in scenario["figures"]["kinds_of_error"])
    assert "something failed" in (tmp_path / "report.html").read_text()


def test_there_is_something_to_say_for_everybody() -> None:
    assert {talk.language for talk in talks()} == {"en", "zh", "ms", "ta"}
    for base in BASES:
        kinds = {talk.kind for talk in talks_of(f"{base}-000")}
        assert {"order", "account", "rules", "complaint", "small talk"} <= kinds
