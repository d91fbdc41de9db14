"""Runs Schemathesis from an environment of its own, and reads its report."""

import json
import os
import subprocess
import sys
from collections import defaultdict
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
class Outcome:
    """How a run ended, what it printed, and the statuses that each operation answered."""

    passed: bool
    printed: str
    statuses: dict[str, set[int]]

    @property
    def written(self) -> set[str]:
        """The operations that wrote something at least once."""
        return {
            operation
            for operation, statuses in self.statuses.items()
            if not operation.startswith("GET ") and statuses & {200, 204}
        }


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
    given += ["--generation-database", "none", "--report", "ndjson"]
    given += ["--report-ndjson-path", "report.ndjson", *options]
    ended = subprocess.run(
        [command, *given],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST_SECONDS,
    )
    statuses: dict[str, set[int]] = defaultdict(set)
    for operation, status in _answers(folder / "report.ndjson"):
        statuses[operation].add(status)
    return Outcome(ended.returncode == 0, ended.stdout + ended.stderr, dict(statuses))


def _answers(report: Path) -> Iterator[tuple[str, int]]:
    for line in report.read_text().splitlines():
        recorder: dict[str, Any] = json.loads(line).get("ScenarioFinished", {}).get("recorder", {})
        for case_id, interaction in recorder.get("interactions", {}).items():
            value = recorder["cases"][case_id]["value"]
            if interaction["response"]:
                status: int = interaction["response"]["status_code"]
                yield f"{value['method']} {value['path']}", status
