"""What is played, and what must hold: the bars that were asked for, and our own beside them.

Ours are ten times stricter: a tenth of the errors, of the growth, of what a recovery may cost; and
a tenth of the time until the first word, as the model alone takes seconds to write the last.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

HOUR = 3600.0
STRICTER = 10
THINK_SECONDS = 4.0  # the median of what a customer takes between an answer and its next message
CROWD = 100
Stage = tuple[int, float]  # so many users for so many seconds


@dataclass(frozen=True)
class Bars:
    """The most that may be: a share of errors, seconds, a ratio, MB an hour. None is not asked."""

    errors: float
    turn_p95: float | None = None
    first_word_p95: float | None = None
    recovery: float | None = None
    growth: float | None = None

    @property
    def stricter(self) -> "Bars":
        """Our own."""
        return Bars(
            errors=self.errors / STRICTER,
            first_word_p95=self.turn_p95 and self.turn_p95 / STRICTER,
            recovery=self.recovery and round(1 + (self.recovery - 1) / STRICTER, 3),
            growth=self.growth and self.growth / STRICTER,
        )


@dataclass(frozen=True)
class Scenario:
    """A load. `calm` is how many of the first and of the last stages a recovery compares."""

    name: str
    says: str
    stages: Sequence[Stage]
    quick: Sequence[Stage]
    bars: Bars
    rate: float = 0.0  # of conversations that begin in a second; 0: the closed model
    has_model: bool = True
    shaken: Sequence[int] = ()  # the stages in which calls are disturbed
    shaken_share: float = 0.0
    sample_seconds: float = 5.0

    def played_by(self, users: int | None, seconds: float | None) -> "Scenario":
        """The same by so many users, or for so many seconds; None leaves it as it is."""
        factor = seconds / self.seconds if seconds else 1.0
        return replace(self, stages=[(users or n, each * factor) for n, each in self.stages])

    @property
    def quickly(self) -> "Scenario":
        """The short form."""
        return replace(self, stages=self.quick, sample_seconds=1.0)

    @property
    def seconds(self) -> float:
        """How long it is played."""
        return sum(seconds for _, seconds in self.stages)


SCENARIOS = (
    Scenario(
        "sustained",
        "10 customers for an hour",
        [(10, HOUR)],
        [(10, 60)],
        Bars(errors=0.05, turn_p95=10),
    ),
    Scenario(
        "burst",
        "50 customers at once for five minutes",
        [(50, 300)],
        [(50, 45)],
        Bars(errors=0.1, turn_p95=15),
    ),
    Scenario(
        "spike",
        "5 customers, then 100, then 5 again",
        [(5, 120), (100, 120), (5, 180)],
        [(5, 20), (100, 25), (5, 80)],  # the crowd first ends its conversations
        Bars(errors=0.1, recovery=1.5),
    ),
    Scenario(
        "soak",
        "5 customers for a day: does memory grow?",
        [(5, 24 * HOUR)],
        [(5, 60)],
        Bars(errors=0.05, turn_p95=10, growth=5),
        sample_seconds=10,
    ),
    Scenario(
        "chaos",
        "20 customers; three in ten calls of model, Xero, Redis and Postgres are disturbed",
        [(20, 300), (20, 1200), (20, 300)],
        [(20, 15), (20, 40), (20, 25)],
        Bars(errors=0.3, recovery=1.5),
        shaken=(1,),
        shaken_share=0.3,
    ),
    Scenario(
        "open",
        "conversations begin at random, 1 in a second, whether or not others have ended",
        [(1, 300)],
        [(1, 45)],
        Bars(errors=0.05, turn_p95=10),
        rate=1,
    ),
    Scenario(
        "bare",
        "10 customers of a service without a model",
        [(10, 300)],
        [(10, 30)],
        Bars(errors=0.05, turn_p95=10),
        has_model=False,
    ),
)
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
