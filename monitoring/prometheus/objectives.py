"""What we promise, and alerts on how fast the room for failure is used up.

Four speeds over a long and a short window each: the long one keeps a short fault from waking
anybody, the short one lets the alert end soon after the fault.
"""

from dataclasses import dataclass
from typing import NamedTuple

from monitoring.prometheus.alert import Alert, Group, Severity

WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
FEWEST = 20  # events in the long window; one failure of three says nothing


@dataclass(frozen=True)
class Objective:
    """A share of events that must be good. `bad` and `total` are rates over `$w`."""

    name: str
    alert: str
    group: Group
    promised: float
    bad: str
    total: str
    says: str
    means: str
    runbook: str

    @property
    def room(self) -> float:
        """The share of events that may be bad."""
        return round(1 - self.promised, 6)


class Speed(NamedTuple):
    """How many times faster than allowed, over which windows, and who hears of it."""

    name: str
    factor: float
    long: str
    short: str
    holds: str
    severity: Severity
    empty_in: str


SPEEDS = (
    Speed("Fast", 14.4, "1h", "5m", "2m", "page", "two days"),
    Speed("Medium", 6, "6h", "30m", "15m", "page", "five days"),
    Speed("Slow", 3, "1d", "2h", "1h", "ticket", "ten days"),
    Speed("Trickle", 1, "3d", "6h", "3h", "ticket", "a month"),
)

ANSWERED = 'tria_turns_total{outcome!="cancelled"}'
AT_ONCE = 'route!~".*/(wait|join)|none"'  # the others answer when a turn has ended

OBJECTIVES = (
    Objective(
        name="turns",
        alert="TurnFailures",
        group="conversations",
        promised=0.995,
        bad='sum(rate(tria_turns_total{outcome="failed"}[$w]))',
        total=f"sum(rate({ANSWERED}[$w]))",
        says="of all turns end with an answer",
        means="Customers get no answer to what they wrote.",
        runbook="turns-fail",
    ),
    Objective(
        name="first_words",
        alert="FirstWords",
        group="conversations",
        promised=0.95,
        bad=(
            "(sum(rate(tria_first_sentence_seconds_count[$w]))"
            ' - sum(rate(tria_first_sentence_seconds_bucket{le="3.0"}[$w])))'
        ),
        total="sum(rate(tria_first_sentence_seconds_count[$w]))",
        says="of all answers begin within 3 seconds",
        means="Customers look at an empty answer for longer than they should.",
        runbook="slow-answers",
    ),
    Objective(
        name="api_errors",
        alert="ApiErrors",
        group="api",
        promised=0.999,
        bad='sum(rate(tria_request_seconds_count{status=~"5.."}[$w]))',
        total="sum(rate(tria_request_seconds_count[$w]))",
        says="of all requests end without an error of ours",
        means="Requests of customers, staff or integrations end with 5xx.",
        runbook="http-500",
    ),
    Objective(
        name="api_latency",
        alert="ApiLatency",
        group="api",
        promised=0.95,
        bad=(
            f"(sum(rate(tria_request_seconds_count{{{AT_ONCE}}}[$w]))"
            f' - sum(rate(tria_request_seconds_bucket{{{AT_ONCE},le="0.5"}}[$w])))'
        ),
        total=f"sum(rate(tria_request_seconds_count{{{AT_ONCE}}}[$w]))",
        says="of all requests are answered, or begin to be, within half a second",
        means="Pages and the chat feel slow, before the agent has even begun to think.",
        runbook="slow-answers",
    ),
)


def recordings(objective: Objective) -> list[dict[str, str]]:
    """The share of bad events and the number of events, over each window."""
    rules = []
    for window in WINDOWS:
        bad = objective.bad.replace("$w", window)
        total = objective.total.replace("$w", window)
        rules.append(
            {
                "record": f"slo:{objective.name}:bad_ratio:rate{window}",
                "expr": f"({bad} or vector(0)) / ({total} > 0)",
            }
        )
    for window in (speed.long for speed in SPEEDS):
        counted = objective.total.replace("$w", window).replace("rate(", "increase(")
        rules.append({"record": f"slo:{objective.name}:events:increase{window}", "expr": counted})
    return rules


def burn_alerts(objective: Objective) -> list[Alert]:
    """One alert for each speed."""
    return [_burn(objective, speed) for speed in SPEEDS]


def _burn(objective: Objective, speed: Speed) -> Alert:
    ratio = f"slo:{objective.name}:bad_ratio:rate"
    most = round(speed.factor * objective.room, 6)
    promised = f"{objective.promised * 100:g} %"
    return Alert(
        name=f"{objective.alert}Burn{speed.name}",
        group=objective.group,
        severity=speed.severity,
        expr=(
            f"{ratio}{speed.long} > {most} and {ratio}{speed.short} > {most}"
            f" and slo:{objective.name}:events:increase{speed.long} > {FEWEST}"
        ),
        holds=speed.holds,
        summary=(
            f"{{{{ $value | humanizePercentage }}}} were bad in {speed.long};"
            f" promised: {promised} {objective.says}"
        ),
        means=(
            f"{objective.means} At this speed the month's room for failure is gone in"
            f" {speed.empty_in}."
        ),
        runbook=objective.runbook,
        labels=(("objective", objective.name), ("speed", speed.name.lower())),
    )
