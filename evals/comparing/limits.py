"""What a run is held against: thresholds, the cases that pass on main, those that may fail."""

import json
import tomllib
from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from evals.comparing.trials import by_case
from evals.outcome import Row

FOLDER = Path(__file__).parent.parent
BASELINE = FOLDER / "baseline.json"
THRESHOLDS = FOLDER / "thresholds.toml"
EXPECTED = FOLDER / "expected_regressions.toml"

Said = Annotated[str, Field(min_length=1)]
Rate = Annotated[float, Field(ge=0, le=1)]
Milliseconds = Annotated[float, Field(gt=0)]
Baseline = Set[str]


class LimitsNotValid(ValueError):
    """A file that runs are held against cannot be read; the message names it and the entry."""


class Limit(BaseModel):
    """Unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Hard(Limit):
    """Scorers of which no verdict may fail."""

    scorers: frozenset[Said]


class Soft(Limit):
    """What is warned of. Times are 95th percentiles over a run."""

    suite_pass_rate: Rate
    turn_p95_ms: Milliseconds
    first_text_p95_ms: Milliseconds
    node_p95_ms: Milliseconds
    usd_per_turn: Annotated[Decimal, Field(ge=0)]
    measured_at_least: int = Field(20, ge=1)
    suites: dict[str, Rate] = {}
    nodes: dict[str, Milliseconds] = {}


class Thresholds(Limit):
    """thresholds.toml."""

    hard: Hard
    soft: Soft


class Expected(Limit):
    """A case that passes on main and may fail through the day on which this expires."""

    case: Said
    owner: Said
    reason: Said
    expires: date

    @property
    def told(self) -> str:
        """Whose it is and why, in brief."""
        return f"{self.owner}: {self.reason}"


@dataclass(frozen=True)
class BaselineChange:
    """What writing a baseline did to it."""

    added: Sequence[str]
    dropped: Sequence[str]


def load_thresholds(path: Path = THRESHOLDS) -> Thresholds:
    """The thresholds; raises LimitsNotValid."""
    try:
        return Thresholds.model_validate(_toml(path))
    except ValidationError as error:
        raise LimitsNotValid(f"{path.name}: {_first(error)}") from error


def load_expected(path: Path = EXPECTED) -> list[Expected]:
    """The entries, each of a case of its own; raises LimitsNotValid."""
    content = _toml(path)
    entries = content.pop("expected", [])
    if content:
        raise LimitsNotValid(f"{path.name}: '{next(iter(content))}' is not known, only 'expected'")
    if not isinstance(entries, list):
        raise LimitsNotValid(f"{path.name}: write each entry under [[expected]]")
    found: dict[str, Expected] = {}
    for number, entry in enumerate(entries, 1):
        name = entry.get("case", "no case") if isinstance(entry, dict) else "no table"
        where = f"{path.name}, entry {number} ({name})"
        read = _entry(entry, where)
        if read.case in found:
            raise LimitsNotValid(f"{where}: the case has an entry already")
        found[read.case] = read
    return list(found.values())


def load_baseline(mode: str, path: Path = BASELINE) -> frozenset[str]:
    """The cases that pass on main in this mode; none before a baseline is written."""
    return frozenset(_baselines(path).get(mode, []))


def write_baseline(
    rows: Sequence[Row], mode: str, path: Path = BASELINE, *, is_whole: bool = True
) -> BaselineChange:
    """Keep the cases that pass in every trial as the baseline of a mode.

    Unless the whole dataset was played, cases that were not played stay as they are.
    """
    baselines = _baselines(path)
    before = set(baselines.get(mode, []))
    played = by_case(rows)
    kept = set() if is_whole else before - played.keys()
    after = kept | {case for case, trials in played.items() if trials.passes == len(trials.rows)}
    baselines[mode] = sorted(after)
    path.write_text(json.dumps(baselines, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return BaselineChange(added=sorted(after - before), dropped=sorted(before - after))


def _baselines(path: Path) -> dict[str, list[str]]:
    if not path.exists():
        return {}
    try:
        return TypeAdapter(dict[str, list[Said]]).validate_json(path.read_bytes())
    except ValidationError as error:
        raise LimitsNotValid(f"{path.name}: {_first(error)}") from error


def _entry(entry: Any, where: str) -> Expected:
    try:
        return Expected.model_validate(entry)
    except ValidationError as error:
        raise LimitsNotValid(f"{where}: {_first(error)}") from error


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise LimitsNotValid(f"{path} does not exist") from error
    except tomllib.TOMLDecodeError as error:
        raise LimitsNotValid(f"{path.name}: {error}") from error


def _first(error: ValidationError) -> str:
    """The first mistake, with where it is."""
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"]))
    return f"{where}: {first['msg']}" if where else first["msg"]
