"""Panels and dashboards, and the JSON that Grafana reads."""

from dataclasses import dataclass
from typing import Any, Literal

Unit = Literal[
    "short",
    "s",
    "reqps",
    "percentunit",
    "bytes",
    "currencyUSD",
    "ops",
    "none",
    "dateTimeFromNow",
]
Kind = Literal["timeseries", "stat"]
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
ACROSS, WIDTH, HEIGHT = 24, 8, 8


@dataclass(frozen=True)
class Query:
    """What Prometheus is asked; the legend names labels of the result as {{label}}."""

    expr: str
    legend: str


@dataclass(frozen=True)
class Panel:
    """One picture. `means` says how to read it."""

    title: str
    unit: Unit
    means: str
    queries: tuple[Query, ...]
    kind: Kind = "timeseries"


@dataclass(frozen=True)
class Dashboard:
    """One page of panels."""

    uid: str
    title: str
    means: str
    panels: tuple[Panel, ...]


def chart(title: str, unit: Unit, means: str, *queries: tuple[str, str]) -> Panel:
    """Lines over time."""
    return Panel(title, unit, means, tuple(Query(*query) for query in queries))


def stat(title: str, unit: Unit, means: str, expr: str) -> Panel:
    """One number, as it is now."""
    return Panel(title, unit, means, (Query(expr, title),), "stat")


def quantiles(metric: str, labels: str = "") -> tuple[tuple[str, str], ...]:
    """Half, 95 and 99 of a hundred observations of a histogram are below."""
    rate = f"sum by (le) (rate({metric}_bucket{labels}[$__rate_interval]))"
    return tuple(
        (f"histogram_quantile({share}, {rate})", f"p{round(share * 100)}")
        for share in (0.5, 0.95, 0.99)
    )


def rates(metric: str, label: str, selected: str = "") -> tuple[str, str]:
    """Events a second by one label."""
    return f"sum by ({label}) (rate({metric}{selected}[$__rate_interval]))", f"{{{{{label}}}}}"


def as_json(dashboard: Dashboard) -> dict[str, Any]:
    """A dashboard as Grafana reads it."""
    return {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "description": dashboard.means,
        "tags": ["tria"],
        "schemaVersion": 39,
        "version": 1,
        "editable": False,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {
            "list": [
                {
                    "name": "datasource",
                    "label": "Data source",
                    "type": "datasource",
                    "query": "prometheus",
                }
            ]
        },
        "links": [
            {"type": "dashboards", "title": "Tria", "tags": ["tria"], "asDropdown": True},
        ],
        "panels": [_panel(panel, place) for place, panel in enumerate(dashboard.panels)],
    }


def _panel(panel: Panel, place: int) -> dict[str, Any]:
    in_row = ACROSS // WIDTH
    return {
        "id": place + 1,
        "title": panel.title,
        "description": panel.means,
        "type": panel.kind,
        "datasource": SOURCE,
        "gridPos": {
            "x": place % in_row * WIDTH,
            "y": place // in_row * HEIGHT,
            "w": WIDTH,
            "h": HEIGHT,
        },
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {
                "refId": chr(ord("A") + number),
                "datasource": SOURCE,
                "expr": query.expr,
                "legendFormat": query.legend,
            }
            for number, query in enumerate(panel.queries)
        ],
        **({"options": {"legend": {"showLegend": True}}} if panel.kind == "timeseries" else {}),
    }
