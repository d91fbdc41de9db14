"""`make eval`: replay the conversations against the live service; the exit code is the gate.

`python -m evals accounts` replays one dataset.
"""

import json
import sys
import time
from pathlib import Path

from evals.dataset import Case, load_cases
from evals.replay import replay
from evals.service import Service, running_service

DATASETS = Path(__file__).parent / "datasets"


def main() -> int:
    """Run every case, name each that fails and end with one JSON object."""
    cases = load_cases(DATASETS, *sys.argv[1:])
    started = time.monotonic()
    with running_service() as service:
        passed = sum(_run(case, service) for case in cases)
    seconds = round(time.monotonic() - started, 1)
    print(json.dumps({"cases": len(cases), "passed": passed, "seconds": seconds}))
    return 0 if passed == len(cases) else 1


def _run(case: Case, service: Service) -> bool:
    problems = replay(case, service)
    print(f"{'FAIL' if problems else 'pass'}  {case.id}", *problems, sep="\n      ")
    return not problems


if __name__ == "__main__":
    sys.exit(main())
