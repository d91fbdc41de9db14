"""What Prometheus answers to the queries of a panel over a span of time."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from monitoring.grafana.panel import Panel, Query

RATE = "15s"  # what Grafana would put in the place of its own name for it
STEPS = 180


@dataclass(frozen=True)
class Span:
    """From when to when, in seconds since 1970."""

    start: float
    end: float

    @property
    def step(self) -> float:
        """How far two points are apart."""
        return (self.end - self.start) / STEPS


@dataclass(frozen=True)
class Series:
    """A line: what the legend says of it, and its points in time."""

    name: str
    points: tuple[tuple[float, float], ...]

    @property
    def highest(self) -> float:
        """Its peak."""
        return max(value for _, value in self.points)

    @property
    def last(self) -> float:
        """What it is at its end."""
        return self.points[-1][1]


def series_of(address: str, panel: Panel, span: Span) -> list[Series]:
    """Every line of a panel, the highest first."""
    found = [line for query in panel.queries for line in _asked(address, query, span)]
    return sorted(found, key=lambda line: -line.highest)


def _asked(address: str, query: Query, span: Span) -> list[Series]:
    expr = query.expr.replace("$__rate_interval", RATE)
    times = {"start": span.start, "end": span.end, "step": span.step}
    answer = httpx.get(
        f"{address}/api/v1/query_range", params={"query": expr, **times}, timeout=30
    ).json()
    if answer["status"] != "success":
        raise ValueError(f"Prometheus does not understand {query.expr}: {answer}")
    lines = [
        Series(_legend(query.legend, each["metric"]), _points(each["values"]))
        for each in answer["data"]["result"]
    ]
    return [line for line in lines if line.points]


def _points(values: list[tuple[float, str]]) -> tuple[tuple[float, float], ...]:
    points = ((when, float(value)) for when, value in values)
    return tuple(point for point in points if math.isfinite(point[1]))


def _legend(form: str, labels: Mapping[str, str]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda found: labels.get(found[1]) or "-", form)
