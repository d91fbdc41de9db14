"""The runs there have been: one line each in `.tria/evals/index.jsonl`, the newest last."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from evals.outcome import Run


class History(NamedTuple):
    """Runs in their order, and a note on each line that could not be read."""

    runs: list[Run]
    notes: list[str]


def read_history(index: Path) -> History:
    """The runs of an index; none where there is no file. The last line of a run counts."""
    if not index.exists():
        return History([], [])
    runs: dict[str, Run] = {}
    notes: list[str] = []
    lines = index.read_bytes().decode("utf-8", "replace").split("\n")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            run = Run.model_validate_json(line)
        except ValidationError as error:
            notes.append(f"{index.name}, line {number} is no run: {error.errors()[0]['msg']}")
        else:
            runs.pop(run.id, None)
            runs[run.id] = run
    return History(list(runs.values()), notes)


def append_run(index: Path, run: Run) -> None:
    """Add a run. What a process left half-written stays a line of its own."""
    index.parent.mkdir(parents=True, exist_ok=True)
    with index.open("ab+") as file:
        if file.tell():
            file.seek(-1, 2)
        is_open = file.read(1) not in (b"", b"\n")
        file.write(b"\n" * is_open + run.model_dump_json().encode() + b"\n")


def comparable(history: Sequence[Run], run: Run) -> list[Run]:
    """The finished runs of the same mode and the same cases, and `run` as the last of them."""
    earlier = [
        r
        for r in history
        if r.id != run.id and r.complete and (r.mode, r.selection) == (run.mode, run.selection)
    ]
    return [*earlier, run]
