"""What an alert is. Everything else about Prometheus' rules is a table of these."""

from dataclasses import dataclass
from typing import Literal

# page: somebody gets up. ticket: somebody looks on the next working day. deadman: must never stop.
Severity = Literal["page", "ticket", "deadman"]
Group = Literal[
    "api",
    "cache",
    "database",
    "system",
    "availability",
    "business",
    "conversations",
    "model",
    "xero",
    "people",
    "safety",
    "monitoring",
]
RUNBOOK = "docs/runbook.md"


@dataclass(frozen=True)
class Alert:
    """One alert: when it fires, how long that must hold, who hears, and where to read on.

    `means` is what it does to customers or staff; `runbook` an anchor of the runbook.
    """

    name: str
    group: Group
    severity: Severity
    expr: str
    holds: str
    summary: str
    means: str
    runbook: str
    labels: tuple[tuple[str, str], ...] = ()

    def rule(self) -> dict[str, object]:
        """The rule as Prometheus reads it."""
        waits = {"for": self.holds} if self.holds != "0m" else {}
        labels = {"severity": self.severity, "group": self.group, **dict(self.labels)}
        return {
            "alert": self.name,
            "expr": " ".join(self.expr.split()),
            **waits,
            "labels": labels,
            "annotations": {
                "summary": self.summary,
                "description": self.means,
                "runbook": f"{RUNBOOK}#{self.runbook}",
            },
        }
