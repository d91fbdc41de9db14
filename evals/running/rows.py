"""Where runs are kept: a folder each, with run.json and a line of results.jsonl a trial."""

import os
from collections.abc import Iterable
from pathlib import Path

from evals.outcome import Row, Run

RUNS = Path(".tria") / "evals"
TEXTFILES = Path(".tria") / "monitoring" / "textfiles"
INDEX = RUNS / "index.jsonl"
RUN, RESULTS, CASES = "run.json", "results.jsonl", "cases.jsonl"
# What is needed to judge and too much to keep: the names of everything of everybody.
LEFT_OUT = {"outcome": {"owned", "foreign"}}


class NoSuchRun(Exception):
    """There is no run of that name."""


def find_run(name: str, runs: Path = RUNS) -> Path:
    """The folder of a run, by its id, the beginning of it, its label, or `latest`."""
    if Path(name, RUN).is_file():
        return Path(name)
    folders = sorted(f.parent for f in runs.glob(f"*/{RUN}"))
    if name == "latest" and folders:
        return folders[-1]
    found = [f for f in folders if f.name == name or _label(f) == name] or [
        f for f in folders if f.name.startswith(name)
    ]
    if not found:
        known = ", ".join(f.name for f in folders[-5:]) or "none yet"
        raise NoSuchRun(f"There is no run {name} (the latest: {known}).")
    return found[-1]


def load_run(folder: Path) -> tuple[Run, list[Row]]:
    """A run and its rows, without the last line where a kill has torn it."""
    run = Run.model_validate_json((folder / RUN).read_text(encoding="utf-8"))
    return run, list(_rows(folder / RESULTS))


def save_run(folder: Path, run: Run) -> None:
    """Write run.json, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    written = folder / f".{RUN}"
    written.write_text(run.model_dump_json(indent=1), encoding="utf-8")
    os.replace(written, folder / RUN)  # noqa: PTH105 (the same, and known to be atomic)


def drop_torn_end(path: Path) -> None:
    """What a kill has left of a line must not be continued with another."""
    if path.exists():
        whole, newline, _torn = path.read_bytes().rpartition(b"\n")
        path.write_bytes(whole + newline)


def append_row(folder: Path, row: Row) -> None:
    """Add one row; it is on disk before the next case begins."""
    line = row.model_dump_json(exclude=LEFT_OUT, exclude_defaults=True)
    with (folder / RESULTS).open("a", encoding="utf-8") as file:
        file.write(line + "\n")


def _rows(file: Path) -> Iterable[Row]:
    if not file.exists():
        return
    # Not `splitlines`: customers write signs that end a line to it.
    *lines, _torn = file.read_text(encoding="utf-8").split("\n")
    for line in lines:
        yield Row.model_validate_json(line)


def _label(folder: Path) -> str:
    return Run.model_validate_json((folder / RUN).read_text(encoding="utf-8")).label
