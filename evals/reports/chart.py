"""A figure over runs as points of a small drawing."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 400, 96
MARGIN = 8


@dataclass(frozen=True)
class Point:
    """One run: where it stands in the drawing, and what is told of it."""

    x: float
    y: float
    title: str


@dataclass(frozen=True)
class Chart:
    """A line from the oldest run to the newest, and what its edges stand for."""

    points: list[Point]
    low: str
    high: str

    @property
    def line(self) -> str:
        """The points of the line as SVG takes them."""
        return " ".join(f"{p.x:g},{p.y:g}" for p in self.points)

    @property
    def area(self) -> str:
        """The line closed along the bottom."""
        first, last = self.points[0], self.points[-1]
        return f"{first.x:g},{HEIGHT} {self.line} {last.x:g},{HEIGHT}"


def draw(
    values: Sequence[float], titles: Sequence[str], edges: tuple[float, float], unit: str
) -> Chart:
    """Values from left to right between two edges; at least two of them."""
    low, high = edges
    across = (WIDTH - 2 * MARGIN) / (len(values) - 1)
    points = [
        Point(
            round(MARGIN + across * place, 1),
            round(HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * (value - low) / (high - low), 1),
            title,
        )
        for place, (value, title) in enumerate(zip(values, titles, strict=True))
    ]
    return Chart(points, f"{low:g}{unit}", f"{high:g}{unit}")
