"""Whether a scenario passed: by the bars that were asked for, and whether it met our own."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tests.load.leak import Slope
from tests.load.scenarios import Bars, Scenario

CLIENT_SHARE = 0.7  # of a core: beyond it the client measures itself
LEAST_TURNS = 5
FEW = 5
MEMORY = "service_anonymous_mb"  # its own: pages of files come and go with what others need
Json = dict[str, Any]


@dataclass(frozen=True)
class Criterion:
    """Something measured, the most it may be, and the most we allow ourselves.

    `passes` and `is_ours` are None where it cannot be told or was not asked for.
    """

    name: str
    measured: float | None
    asked: float | None
    ours: float | None
    passes: bool | None
    is_ours: bool | None
    remark: str = ""


@dataclass(frozen=True)
class Verdict:
    """A scenario, everything that was asked of it, and everything that was measured."""

    scenario: Scenario
    criteria: Sequence[Criterion]
    broken: Mapping[str, Sequence[str]]
    figures: Json

    @property
    def passes(self) -> bool:
        """Whether no criterion failed and no promise was broken."""
        return all(c.passes is not False for c in self.criteria) and not any(self.broken.values())

    @property
    def meets_ours(self) -> bool:
        """Whether our own bars were met, too."""
        return self.passes and all(each.is_ours is not False for each in self.criteria)

    @property
    def as_json(self) -> Json:
        """As it is written down."""
        return {
            "scenario": self.scenario.name,
            "passes": self.passes,
            "meets_ours": self.meets_ours,
            "criteria": [asdict(each) for each in self.criteria],
            "broken": {name: found[:FEW] for name, found in self.broken.items() if found},
            "figures": self.figures,
        }


def judged(scenario: Scenario, figures: Json, broken: Mapping[str, Sequence[str]]) -> Verdict:
    """Hold the figures against the bars."""
    return Verdict(scenario, list(_criteria(scenario.bars, figures)), broken, figures)


def _criteria(bars: Bars, figures: Json) -> Iterator[Criterion]:
    enough = figures["turns"] >= LEAST_TURNS
    few = "" if enough else "too few turns to tell anything"
    ours = bars.stricter
    yield Criterion("turns", figures["turns"], None, None, enough, None, few)
    yield _at_most("error_share", figures["error_share"], bars.errors, ours.errors)
    for name, asked, own in (
        ("turn_p95", bars.turn_p95, ours.turn_p95),
        ("first_word_p95", bars.first_word_p95, ours.first_word_p95),
        ("recovery", bars.recovery, ours.recovery),
    ):
        if asked or own:
            yield _at_most(name, figures[name], asked, own)
    if bars.growth and ours.growth:
        yield _growth(figures["growth"].get(MEMORY), bars.growth, ours.growth)
    share = figures.get("client_cpu_share", 0.0)
    yield _at_most("client_cpu_share", share, CLIENT_SHARE, None)
    if "disturbed" in figures:
        quiet = [name for name, count in figures["disturbed"].items() if not count]
        said = f"nothing was disturbed at {', '.join(quiet)}" if quiet else ""
        total = sum(figures["disturbed"].values())
        yield Criterion("disturbed", total, None, None, not quiet, None, said)


def _at_most(
    name: str, measured: float | None, asked: float | None, ours: float | None
) -> Criterion:
    """What took for ever exceeds every bar."""

    def holds(bar: float | None) -> bool | None:
        return None if bar is None else measured is not None and measured <= bar

    said = "for ever" if measured is None else ""
    return Criterion(name, measured, asked, ours, holds(asked), holds(ours), said)


def _growth(found: Json | None, asked: float, ours: float) -> Criterion:
    """Memory grows when the least that the slope may be is more than the bar."""
    slope = Slope(**found) if found else None
    if slope is None or not slope.can_tell:
        seen = slope.an_hour if slope else None
        return Criterion("growth", seen, asked, ours, None, None, "too short to tell")
    said = f"MB an hour, between {slope.low:g} and {slope.high:g}, p {slope.p:.2g}"
    passes, is_ours = (not slope.exceeds(bar) for bar in (asked, ours))
    return Criterion("growth", slope.an_hour, asked, ours, passes, is_ours, said)
