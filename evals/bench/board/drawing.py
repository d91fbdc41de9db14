"""Panels as drawings, and a dashboard as one page: Grafana's queries, not its drawing."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from evals.bench.board.asking import Series, Span
from evals.bench.board.life import Event
from monitoring.grafana.panel import Dashboard, Panel, Unit

WIDTH, HEIGHT = 440, 150
LEFT, TOP, BOTTOM = 52, 8, 18
TICKS, TIMES, SHOWN = 4, 4, 7
COLOURS = ("#1f77b4", "#e1812c", "#2e9e4f", "#c44e52", "#8172b3", "#937860", "#d684bd", "#6b6b6b")
SHORT = ((1e9, "G"), (1e6, "M"), (1e3, "k"))
BYTES = ((2**30, " GiB"), (2**20, " MiB"), (2**10, " KiB"))
TIME = ((86400, " d"), (3600, " h"), (60, " min"), (1, " s"), (1e-3, " ms"), (1e-6, " µs"))


@dataclass(frozen=True)
class Line:
    """One line in pieces, for where there is no data there is a gap."""

    name: str
    colour: str
    pieces: tuple[str, ...]
    told: str


@dataclass(frozen=True)
class Picture:
    """A panel with everything that is drawn of it."""

    panel: Panel
    lines: tuple[Line, ...] = ()
    ticks: tuple[tuple[float, str], ...] = ()

    @property
    def shown(self) -> Sequence[Line]:
        """What the legend has room for."""
        return self.lines[:SHOWN]

    @property
    def further(self) -> int:
        """How many lines it has no room for."""
        return max(len(self.lines) - SHOWN, 0)


def drawn(panel: Panel, series: Sequence[Series], span: Span) -> Picture:
    """A panel with what Prometheus answered."""
    if not series:
        return Picture(panel)
    top = _round_up(max(line.highest for line in series), panel.unit)
    lines = tuple(
        Line(
            line.name,
            COLOURS[number % len(COLOURS)],
            tuple(_pieces(line, span, top)),
            told(line.last if panel.kind == "stat" else line.highest, panel.unit, span.end),
        )
        for number, line in enumerate(series)
    )
    steps = [top * number / TICKS for number in range(TICKS + 1)]
    ticks = tuple((_y(value, top), told(value, panel.unit, span.end)) for value in steps)
    return Picture(panel, lines, ticks)


def page(
    dashboard: Dashboard, pictures: Sequence[Picture], span: Span, events: Sequence[Event]
) -> str:
    """All panels, with what was done to the service meanwhile as bands behind the lines."""
    moments = [span.start + (span.end - span.start) * n / TIMES for n in range(TIMES + 1)]
    return _template().render(
        dashboard=dashboard,
        pictures=pictures,
        events=events,
        bands=[(_x(e.start, span), _x(e.end, span) - _x(e.start, span)) for e in events],
        times=[(_x(moment, span), f"{_clock(moment)}") for moment in moments],
        size=(WIDTH, HEIGHT, LEFT, TOP, BOTTOM),
    )


def told(value: float, unit: Unit, now: float) -> str:
    """A value with its unit."""
    match unit:
        case "percentunit":
            return f"{value * 100:.3g} %"
        case "bytes":
            return _scaled(value, BYTES) or f"{value:.0f} B"
        case "s":
            return _scaled(value, TIME) or "0 s"
        case "currencyUSD":
            return f"${value:.3g}"
        case "dateTimeFromNow":
            return f"{_scaled(max(now - value / 1000, 0), TIME) or '0 s'} ago"
        case "ops" | "reqps":
            return f"{_scaled(value, SHORT) or f'{value:.3g}'}/s"
        case "short" | "none":
            return _scaled(value, SHORT) or f"{value:.3g}"


def _scaled(value: float, units: Sequence[tuple[float, str]]) -> str:
    for size, name in units:
        if abs(value) >= size:
            return (
                f"{value / size:.4g}{name}" if value >= 999 * size else f"{value / size:.3g}{name}"
            )
    return ""


def _pieces(line: Series, span: Span, top: float) -> list[str]:
    pieces: list[list[str]] = []
    before = -math.inf
    for when, value in line.points:
        if when - before > 1.5 * span.step:
            pieces.append([])
        pieces[-1].append(f"{_x(when, span):.1f},{_y(value, top):.1f}")
        before = when
    return [" ".join(piece if len(piece) > 1 else piece * 2) for piece in pieces]


def _x(when: float, span: Span) -> float:
    return LEFT + (WIDTH - LEFT) * (when - span.start) / (span.end - span.start)


def _y(value: float, top: float) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / top)


def _round_up(value: float, unit: Unit) -> float:
    if value <= 0:
        return 1
    if unit == "bytes" and value >= BYTES[-1][0]:
        unit_size = next(size for size, _ in BYTES if value >= size)
        return unit_size * _round_up(value / unit_size, "short")
    size: float = 10 ** math.floor(math.log10(value))
    return next(size * step for step in (1, 2, 4, 5, 8, 10) if size * step >= value * 0.999)


def _clock(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%H:%M:%S")


@cache
def _template() -> Template:
    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
    return environment.get_template("page.html.j2")
