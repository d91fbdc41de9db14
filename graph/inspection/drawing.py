"""The state machine as it is drawn, with the way that one turn took through it.

Nodes and edges are those of the compiled graph. Only their places are fixed here; a node that has
none yet stands below the others.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Literal

from langgraph.graph import END, START

from graph.builder import Graph
from graph.inspection.path import Step

Mark = Literal["unvisited", "done", "failed", "waiting", "open"]
Edge = tuple[str, str]

WIDTH, ROW, TOP = 480, 60, 30
BOX = (134, 38)
DOT = (64, 24)
LEFT, MIDDLE, RIGHT = 82, 240, 398
HALF_LEFT, HALF_RIGHT = 158, 322
# Between the columns and beside them, where no box stands.
LANES = (6.0, 161.0, 319.0, 474.0)
PLACES: Mapping[str, tuple[float, int]] = {
    START: (MIDDLE, 0),
    "screen_message": (MIDDLE, 1),
    "report_outcome": (RIGHT, 1),
    "classify_intent": (HALF_LEFT, 2),
    "retrieve_policies": (HALF_RIGHT, 2),
    "call_xero_tools": (MIDDLE, 3),
    "propose_order": (LEFT, 4),
    "propose_action": (MIDDLE, 4),
    "confirm_action": (RIGHT, 4),
    "commit_action": (RIGHT, 5),
    "hand_off": (MIDDLE, 6),
    "adapt_tone": (MIDDLE, 7),
    "compose_reply": (MIDDLE, 8),
    "validate_output": (MIDDLE, 9),
    "await_approval": (RIGHT, 10),
    END: (MIDDLE, 11),
}
ENDS = {START: "start", END: "end"}


@dataclass(frozen=True)
class Box:
    """A node as it is drawn; `x` and `y` are its middle."""

    node: str
    label: str
    x: float
    y: float
    width: float
    height: float
    mark: Mark = "unvisited"
    visits: list[Step] = field(default_factory=list)

    @property
    def is_end(self) -> bool:
        """Whether it is only where turns begin or end."""
        return self.node in ENDS

    @property
    def order(self) -> str:
        """When it was visited: 4, or 6, 8 for twice."""
        return ", ".join(str(step.number) for step in self.visits)

    @property
    def seconds(self) -> float:
        """How long all visits took."""
        return sum(step.seconds for step in self.visits)


@dataclass(frozen=True)
class Line:
    """An edge as it is drawn: the path of an SVG."""

    source: str
    target: str
    d: str
    is_taken: bool
    is_conditional: bool


@dataclass(frozen=True)
class Drawing:
    """All of it, the lines that were taken last so that they lie above the others."""

    width: int
    height: int
    boxes: list[Box]
    lines: list[Line]


def drawing_of(graph: Graph, steps: Sequence[Step], *, is_over: bool) -> Drawing:
    """The graph with these steps marked; `is_over` when the turn came to the end."""
    structure = graph.get_graph()
    boxes = _boxes(structure.nodes)
    known = {(edge.source, edge.target) for edge in structure.edges}
    taken = _taken(steps, known, is_over=is_over)
    lines = [
        Line(
            edge.source,
            edge.target,
            _route(boxes[edge.source], boxes[edge.target], boxes.values()),
            (edge.source, edge.target) in taken,
            edge.conditional,
        )
        for edge in structure.edges
    ]
    marked = [_marked(box, steps, taken) for box in boxes.values()]
    height = int(max(box.y for box in marked)) + TOP
    return Drawing(WIDTH, height, marked, sorted(lines, key=lambda line: line.is_taken))


def _boxes(nodes: Iterable[str]) -> dict[str, Box]:
    below = max(row for _, row in PLACES.values())
    boxes: dict[str, Box] = {}
    for node in nodes:
        if node not in PLACES:
            below += 1
        x, row = PLACES.get(node, (MIDDLE, below))
        width, height = DOT if node in ENDS else BOX
        label = ENDS.get(node, node.replace("_", " "))
        boxes[node] = Box(node, label, x, TOP + row * ROW, width, height)
    return boxes


def _marked(box: Box, steps: Sequence[Step], taken: set[Edge]) -> Box:
    visits = [step for step in steps if step.node == box.node]
    if box.is_end:
        return replace(box, mark="done" if any(box.node in edge for edge in taken) else "unvisited")
    return replace(box, mark=visits[-1].mark if visits else "unvisited", visits=visits)


def _taken(steps: Sequence[Step], known: set[Edge], *, is_over: bool) -> set[Edge]:
    """The edges between each step's nodes and the next one's."""
    stages: dict[int, list[str]] = {}
    for step in steps:
        stages.setdefault(step.stage, []).append(step.node)
    row = [[START], *(stages[number] for number in sorted(stages)), *([[END]] if is_over else [])]
    found = {(one, other) for a, b in pairwise(row) for one in a for other in b}
    return found & known if steps else set()


def _route(source: Box, target: Box, boxes: Iterable[Box]) -> str:
    """Straight down to the next row, else beside the columns so that it crosses no box."""
    rows = round((target.y - source.y) / ROW)
    is_clear = rows == 2 and source.x == LEFT  # nothing stands below on the left
    if rows == 1 or is_clear or (rows == 2 and source.x == target.x == MIDDLE):
        return _down(source, target)
    rows_between = sorted((source.y, target.y))
    between = [box for box in boxes if rows_between[0] < box.y < rows_between[1]]
    free = [x for x in LANES if all(abs(box.x - x) > box.width / 2 for box in between)]
    return _beside(source, target, _lane(source, target, free, is_back=rows < 0))


def _down(source: Box, target: Box) -> str:
    begin, end = source.y + source.height / 2, target.y - target.height / 2
    half = (begin + end) / 2
    return (
        f"M{source.x:g} {begin:g}C{source.x:g} {half:g} {target.x:g} {half:g} {target.x:g} {end:g}"
    )


def _lane(source: Box, target: Box, free: Sequence[float], *, is_back: bool) -> float:
    """The nearest one. What goes back keeps to the right of a column that both stand in."""
    right = [lane for lane in free if lane > source.x]
    if is_back and source.x == target.x and right:
        return right[0]
    return min(free or LANES, key=lambda lane: abs(source.x - lane) + abs(target.x - lane))


def _beside(source: Box, target: Box, lane: float) -> str:
    """Out at a side, along the lane, in at a side; with round corners."""
    out, way = (1 if lane > source.x else -1), (1 if target.y > source.y else -1)
    into = 1 if lane > target.x else -1
    begin, end = source.x + out * source.width / 2, target.x + into * target.width / 2
    bend = min(8.0, abs(lane - begin), abs(lane - end), abs(target.y - source.y) / 2)
    return (
        f"M{begin:g} {source.y:g}H{lane - out * bend:g}"
        f"Q{lane:g} {source.y:g} {lane:g} {source.y + way * bend:g}"
        f"V{target.y - way * bend:g}Q{lane:g} {target.y:g} {lane - into * bend:g} {target.y:g}"
        f"H{end:g}"
    )
