"""The trials of one case, in one run and in two."""

from collections.abc import Iterable
from dataclasses import dataclass

from evals.outcome import Row, Verdict


@dataclass(frozen=True)
class Trials:
    """Every trial that was played of one case of a run."""

    rows: tuple[Row, ...]

    @property
    def case(self) -> str:
        return self.rows[0].case

    @property
    def passes(self) -> int:
        """How many of them passed."""
        return sum(row.passed for row in self.rows)

    @property
    def is_passed(self) -> bool:
        """Whether most of them passed."""
        return 2 * self.passes > len(self.rows)

    @property
    def is_flaky(self) -> bool:
        """Whether some passed and some did not."""
        return 0 < self.passes < len(self.rows)

    @property
    def typical(self) -> Row:
        """The first that came out as most of them did."""
        return next(row for row in self.rows if row.passed == self.is_passed)

    @property
    def failure(self) -> str:
        """Why it failed, by the first verdict that says so."""
        row = next(row for row in self.rows if not row.passed)
        return next(map(told, failed(row)), row.outcome.crash or "no verdict says why")


@dataclass(frozen=True)
class Pair:
    """One case that both runs played."""

    a: Trials
    b: Trials

    @property
    def family(self) -> str:
        """What it shares with its paraphrases; else it is a family of its own."""
        return self.b.rows[0].family or self.b.case

    @property
    def change(self) -> int:
        """1 when it came to pass, -1 when it came to fail."""
        return int(self.b.is_passed) - int(self.a.is_passed)

    @property
    def difference(self) -> float:
        """Of the shares of trials that passed."""
        return self.b.passes / len(self.b.rows) - self.a.passes / len(self.a.rows)


def by_case(rows: Iterable[Row]) -> dict[str, Trials]:
    """The trials of each case that was played, by its name, in the order of the names."""
    found: dict[str, list[Row]] = {}
    for row in sorted(rows, key=lambda row: (row.case, row.trial)):
        if row.skipped is None:
            found.setdefault(row.case, []).append(row)
    return {case: Trials(tuple(trials)) for case, trials in found.items()}


def failed(row: Row) -> list[Verdict]:
    """The verdicts against a trial."""
    return [verdict for verdict in row.verdicts if not verdict.passed]


def told(verdict: Verdict) -> str:
    """A verdict in one line: where, who, why."""
    where = f"turn {verdict.turn}, " if verdict.turn is not None else ""
    return f"{where}{verdict.scorer}: {verdict.reason}"
