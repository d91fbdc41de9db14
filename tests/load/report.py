"""One page about all scenarios that were played: what was asked, what was seen, and how it went.

The page is whole in itself: it fetches nothing.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tests.load.playing import Played

WIDTH, HEIGHT, MARGIN = 420, 110, 10
BUCKETS = 60
NAMES = {
    "turns": "turns",
    "error_share": "share of errors",
    "turn_p95": "whole turn, p95, s",
    "first_word_p95": "first word, p95, s",
    "recovery": "turn after / before, p50",
    "growth": "memory, MB an hour",
    "client_cpu_share": "CPU of the client itself",
    "disturbed": "disturbed calls",
}
Json = dict[str, Any]
Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Line:
    """One line of a chart, and what it is of."""

    name: str
    points: str


@dataclass(frozen=True)
class Chart:
    """Lines over the minutes of a scenario, between zero and the highest value."""

    title: str
    high: str
    minutes: str
    lines: Sequence[Line]


def write_report(file: Path, played: Sequence[Played], head: Json) -> None:
    """Write the page."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = number
    page = environment.get_template("report.html.j2").render(
        head=head,
        names=NAMES,
        size=(WIDTH, HEIGHT),
        scenarios=[(each.verdict, charts_of(each)) for each in played],
    )
    file.write_text(page, encoding="utf-8")


def charts_of(played: Played) -> list[Chart]:
    """How long turns took, how many there were, and what the service took of the machine."""
    turns = [(told.asked_at, told.seconds) for told in played.turns if told.is_answered]
    words = [(told.asked_at, told.first_word) for told in played.turns if told.first_word]
    wrong = [(told.asked_at, 1.0) for told in played.turns if not told.is_answered]
    memory = [(s["at"], s["service_rss_mb"]) for s in played.samples if "service_rss_mb" in s]
    cpu = [(s["at"], s["service_cpu_s"]) for s in played.samples if "service_cpu_s" in s]
    times = [at for at, _ in (*turns, *wrong, *memory)]
    if len(turns) < 2 or len(memory) < 2:
        return []
    span = (min(times), max(times))
    return [
        _chart(
            "seconds of a turn",
            span,
            [
                ("p95", _over(turns, span, lambda values: float(np.quantile(values, 0.95)))),
                ("first word, p50", _over(words, span, lambda v: float(np.median(v)))),
            ],
        ),
        _chart(
            "turns and errors in a bucket",
            span,
            [
                ("turns", _over(turns, span, len)),
                ("errors", _over(wrong, span, len)),
            ],
        ),
        _chart("memory of the service, MB", span, [("RSS", memory)]),
        _chart("CPU of the service, cores", span, [("cores", _rates(cpu))]),
    ]


def _over(points: Points, span: tuple[float, float], of: Any) -> Points:
    """One value for each part of the time in which there was anything."""
    first, last = span
    width = (last - first) / BUCKETS or 1.0
    parts: dict[int, list[float]] = {} if of is not len else {n: [] for n in range(BUCKETS)}
    for at, value in points:
        parts.setdefault(min(int((at - first) / width), BUCKETS - 1), []).append(value)
    return [(first + (part + 0.5) * width, of(values)) for part, values in sorted(parts.items())]


def _rates(points: Points) -> Points:
    pairs = itertools.pairwise(points)
    return [(b[0], (b[1] - a[1]) / (b[0] - a[0])) for a, b in pairs if b[0] > a[0]]


def _chart(title: str, span: tuple[float, float], lines: Sequence[tuple[str, Points]]) -> Chart:
    first, last = span
    high = max([value for _, points in lines for _, value in points] or [1.0]) or 1.0

    def drawn(points: Points) -> str:
        return " ".join(
            f"{MARGIN + (at - first) / (last - first) * (WIDTH - 2 * MARGIN):.1f},"
            f"{HEIGHT - MARGIN - value / high * (HEIGHT - 2 * MARGIN):.1f}"
            for at, value in points
        )

    shown = [Line(name, drawn(points)) for name, points in lines if points]
    return Chart(title, number(high), number((last - first) / 60), shown)


def number(value: float | None) -> str:
    """With as many places as it needs to be told apart from others."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
