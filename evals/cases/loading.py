"""Reads the datasets: one JSON object a line, one conversation an object."""

from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from evals.cases.schema import Case

DATASETS = Path(__file__).parents[1] / "datasets"


class DatasetInvalid(Exception):
    """A line of a dataset is no case; names the file, the line and what is wrong."""


def load_cases(folder: Path = DATASETS) -> list[Case]:
    """Every case of every dataset, in the order of files and lines."""
    cases = [case for file in sorted(folder.glob("*.jsonl")) for case in _of_file(file)]
    seen: set[str] = set()
    for case in cases:
        if case.id in seen:
            raise DatasetInvalid(f"two cases are called {case.id}")
        seen.add(case.id)
    return cases


def read_case(file: Path) -> Case:
    """The one case of a file; raises DatasetInvalid."""
    cases = list(_of_file(file))
    if len(cases) != 1:
        raise DatasetInvalid(f"{file.name} holds {len(cases)} cases, not one")
    return cases[0]


def _of_file(file: Path) -> Iterator[Case]:
    for number, line in enumerate(file.read_text(encoding="utf-8").split("\n"), 1):
        if not line.strip():
            continue
        try:
            yield Case.model_validate_json(line)
        except ValidationError as error:
            places = "; ".join(
                f"{'.'.join(str(part) for part in e['loc'])}: {e['msg']}" for e in error.errors()
            )
            raise DatasetInvalid(f"{file.name}, line {number}: {places}") from error
