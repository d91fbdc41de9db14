"""The cases of a run as a report shows them: the trials of each together, those that fail first."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from evals.comparing.trials import told
from evals.outcome import Row, Turn, Verdict

Status = Literal["failed", "flaky", "passed", "skipped"]
STATUSES: tuple[Status, ...] = ("failed", "flaky", "passed", "skipped")
LONGEST_OPENING = 160


@dataclass(frozen=True)
class PlayedCase:
    """One case with all its trials, in their order."""

    rows: tuple[Row, ...]

    @property
    def name(self) -> str:
        return self.rows[0].case

    @property
    def played(self) -> list[Row]:
        """The trials that were not skipped."""
        return [row for row in self.rows if row.skipped is None]

    @property
    def status(self) -> Status:
        """`flaky` when some trials pass and some do not."""
        if not self.played:
            return "skipped"
        passes = sum(row.passed for row in self.played)
        if passes == len(self.played):
            return "passed"
        return "flaky" if passes else "failed"

    @property
    def failures(self) -> list[tuple[Row, Verdict]]:
        """Each verdict against it, with its trial."""
        return [(row, v) for row in self.played for v in row.verdicts if not v.passed]

    @property
    def failed_scorers(self) -> list[str]:
        return sorted({verdict.scorer for _, verdict in self.failures})

    @property
    def failure(self) -> str:
        """Why it fails, by the first thing that says so."""
        crash = next((row.outcome.crash for row in self.played if row.outcome.crash), None)
        if crash:
            return crash.splitlines()[0]
        return next((told(verdict) for _, verdict in self.failures), "")

    @property
    def seconds(self) -> float:
        return sum(row.seconds for row in self.rows)

    @property
    def turns(self) -> list[Turn]:
        """Those of the first trial that was played."""
        return self.played[0].outcome.turns if self.played else []

    @property
    def opening(self) -> str:
        """The customer's first words, in one line."""
        words = " ".join(next((turn.said for turn in self.turns if turn.said), "").split())
        return words if len(words) <= LONGEST_OPENING else words[: LONGEST_OPENING - 1] + "…"

    @property
    def language(self) -> str:
        """In which the customer begins, as the service understood it."""
        found = (turn.state.get("screened", {}).get("language", "") for turn in self.turns)
        return next((str(language) for language in found if language), "")

    @property
    def text(self) -> str:
        """What a search looks through: names, what was said, and what is wrong."""
        said = [part for turn in self.turns for part in (turn.said, turn.reply)]
        reasons = [verdict.reason for _, verdict in self.failures]
        return " ".join([self.name, *self.rows[0].tags, *said, *reasons]).lower()


def cases_of(rows: Iterable[Row]) -> list[PlayedCase]:
    """The cases of these rows: failing, flaky, passing, skipped, and by name."""
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row.case].append(row)
    cases = [PlayedCase(tuple(sorted(r, key=lambda row: row.trial))) for r in found.values()]
    return sorted(cases, key=lambda case: (STATUSES.index(case.status), case.name))
