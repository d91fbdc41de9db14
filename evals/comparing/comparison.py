"""What a comparison of two runs holds, as plain data: A is the one before, B the one after."""

from typing import Literal

from pydantic import BaseModel

from evals.comparing.statistics import Interval
from evals.outcome import Run

Evidence = Literal["better", "worse", "none"]
Standing = Literal["passed", "failed", "not judged"]
Aspect = Literal["reply", "calls", "understood", "card", "handoff", "failure"]


class VerdictChange(BaseModel):
    """What a scorer says otherwise of a turn, or of the end (`turn` None).

    `reason` is B's when B fails, else A's.
    """

    scorer: str
    turn: int | None
    a: Standing
    b: Standing
    reason: str


class Side(BaseModel):
    """One run's part of a turn, in lines to be read."""

    reply: str = ""
    calls: list[str] = []
    understood: list[str] = []
    card: str = ""
    handoff: str = ""
    failure: str = ""  # the error, or the status with which the step was refused


class TurnPair(BaseModel):
    """A turn in both runs; None where one of them did not come so far."""

    turn: int
    said: str
    a: Side | None
    b: Side | None
    changed: list[Aspect] = []


class EndChange(BaseModel):
    """What stands otherwise at the end: books, tickets, cards or letters, in lines to be read."""

    what: str
    a: list[str]
    b: list[str]


class CasePair(BaseModel):
    """One case in both runs. `turns` are all of them when the result changed, else the changed."""

    case: str
    suite: str
    family: str
    tags: list[str] = []
    passed_a: int
    trials_a: int
    passed_b: int
    trials_b: int
    verdicts: list[VerdictChange] = []
    turns: list[TurnPair] = []
    end: list[EndChange] = []

    @property
    def aspects(self) -> set[str]:
        """What changed, by its kind."""
        return {aspect for turn in self.turns for aspect in turn.changed} | (
            {"end"} if self.end else set()
        )


class Counts(BaseModel):
    """Results of the cases that both runs played, or of one suite; intervals are of 95 %.

    `p` is McNemar's, exact; `p_adjusted` Holm's over the suites. `difference` is that of the
    mean pass rates, its interval from whole families (None: there are not two).
    """

    suite: str = ""
    cases: int
    passed_a: int
    passed_b: int
    rate_a: Interval
    rate_b: Interval
    better: int
    worse: int
    p: float
    p_adjusted: float
    difference: float
    interval: Interval | None
    evidence: Evidence = "none"
    needed: int | None = None  # cases that would show a difference of this size


class PassHat(BaseModel):
    """How likely k trials of a case all pass."""

    k: int
    a: float
    b: float


class Measure(BaseModel):
    """Something measured in both runs; `difference` is the mean one of a case, B less A.

    `excess` is what of it the machine's pace leaves unexplained.
    """

    name: str
    unit: Literal["ms", "tokens", "USD"]
    p50_a: float
    p50_b: float
    p95_a: float
    p95_b: float
    mean_a: float
    mean_b: float
    difference: float
    interval: Interval | None
    excess: float
    is_noticeable: bool


class VersionChange(BaseModel):
    """What was played in one version by A and in another by B; empty where one had none."""

    name: str
    a: str
    b: str


class Comparison(BaseModel):
    """Two runs, held against each other case by case.

    `verdict` says which is better, `answers` what else one asks of a comparison.
    """

    a: Run
    b: Run
    verdict: str
    answers: list[str]
    overall: Counts
    suites: list[Counts]
    pass_hat: list[PassHat]
    versions: list[VersionChange]
    newly_failing: list[CasePair]
    newly_passing: list[CasePair]
    still_failing: list[CasePair]
    changed: list[CasePair]  # pass in both, and something about them differs
    only_in_a: list[str]
    only_in_b: list[str]
    pace: float  # how long B's machine took for what took A's 1
    turns: list[Measure]
    nodes: list[Measure]
    costs: list[Measure]
