"""Runs Schemathesis from an environment of its own, and reads its report."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
ENVIRONMENT = ROOT / ".tools" / "contract"
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)
LONGEST_SECONDS = 300


@dataclass(frozen=True)
class Answer:
    """What an operation answered once, and whether every check agreed."""

    operation: str
    status: int
    is_right: bool


@dataclass(frozen=True)
class Outcome:
    """How a run ended, what it printed, and every answer that it got."""

    passed: bool
    printed: str
    answers: tuple[Answer, ...]

    @property
    def asked(self) -> set[str]:
        """The operations that were called."""
        return {a.operation for a in self.answers}

    @property
    def done(self) -> set[str]:
        """The operations that did what they were asked for, at least once."""
        return {a.operation for a in self.answers if a.status in (200, 204)}

    @property
    def wrong(self) -> set[str]:
        """The operations that answered against the description."""
        return {a.operation for a in self.answers if not a.is_right}


def install() -> Path:
    """The command, installed as uv.lock says if it is not yet there."""
    uv = Path(sys.executable).parent / "uv"
    subprocess.run(
        [uv, "sync", "--quiet", "--locked", "--only-group", "contract"],
        cwd=ROOT,
        env=os.environ | {"UV_PROJECT_ENVIRONMENT": str(ENVIRONMENT)},
        check=True,
        timeout=LONGEST_SECONDS,
    )
    return ENVIRONMENT / "bin" / "st"


def run(command: Path, folder: Path, url: str, *options: str) -> Outcome:
    """One run over `description.json` and `schemathesis.toml` in the folder."""
    given = ["--config-file", "schemathesis.toml", "run", "description.json", "--url", url]
    given += ["--checks", ",".join(CHECKS), "--seed", "1", "--continue-on-failure", "--no-color"]
    given += ["--generation-database", "none", "--suppress-health-check", "all"]
    given += ["--report", "ndjson", "--report-ndjson-path", "report.ndjson", *options]
    ended = subprocess.run(
        [command, *given],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST_SECONDS,
    )
    answers = tuple(_answers(folder / "report.ndjson"))
    return Outcome(ended.returncode == 0, ended.stdout + ended.stderr, answers)


def _answers(report: Path) -> Iterator[Answer]:
    for line in report.read_text().splitlines():
        recorder: dict[str, Any] = json.loads(line).get("ScenarioFinished", {}).get("recorder", {})
        for case_id, interaction in recorder.get("interactions", {}).items():
            value = recorder["cases"][case_id]["value"]
            checks = recorder.get("checks", {}).get(case_id, [])
            if interaction["response"]:
                yield Answer(
                    f"{value['method']} {value['path']}",
                    interaction["response"]["status_code"],
                    all(check["status"] == "success" for check in checks),
                )
