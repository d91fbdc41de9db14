"""The state machine as it is drawn: every node and edge of the graph, and the way of a turn."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest

from graph.builder import build_graph
from graph.inspection.drawing import PLACES, Drawing, drawing_of
from graph.inspection.path import steps_of
from graph.trajectory import NodeRun

GRAPH = build_graph()
BEGAN = datetime(2026, 11, 28, 9, tzinfo=UTC)
ROUTINE = (
    *(("screen_message", 1), ("classify_intent", 2), ("retrieve_policies", 2)),
    *(("call_xero_tools", 3), ("adapt_tone", 4), ("compose_reply", 5), ("validate_output", 6)),
)


def ran(*visits: tuple[str, int], last: NodeRun | None = None) -> list[NodeRun]:
    runs = [
        NodeRun(node, step, BEGAN + timedelta(seconds=step), 0.5, {"reply": {}})
        for node, step in visits
    ]
    return [*runs, *([last] if last else [])]


def drawn(runs: list[NodeRun], *, is_over: bool = True) -> Drawing:
    return drawing_of(GRAPH, steps_of(runs), is_over=is_over)


def taken(drawing: Drawing) -> set[tuple[str, str]]:
    return {(line.source, line.target) for line in drawing.lines if line.is_taken}


def marks(drawing: Drawing) -> dict[str, str]:
    return {box.node: box.mark for box in drawing.boxes if box.mark != "unvisited"}


def test_every_node_and_edge_of_the_graph_is_drawn_at_a_place_of_its_own() -> None:
    structure, drawing = GRAPH.get_graph(), drawn([])
    assert {box.node for box in drawing.boxes} == set(structure.nodes) == set(PLACES)
    assert len(drawing.lines) == len(structure.edges)
    assert taken(drawing) == set()
    assert marks(drawing) == {}
    for one, other in combinations(drawing.boxes, 2):
        beside = abs(one.x - other.x) >= (one.width + other.width) / 2
        below = abs(one.y - other.y) >= (one.height + other.height) / 2
        assert beside or below, (one.node, other.node)
    for box in drawing.boxes:
        assert box.width / 2 <= box.x <= drawing.width - box.width / 2
        assert box.y + box.height / 2 <= drawing.height


def test_no_edge_runs_down_through_another_node() -> None:
    drawing = drawn([])
    for line in drawing.lines:
        if found := re.search(r"[ M](\d+(?:\.\d+)?) [\d.]+V(\d+(?:\.\d+)?)", line.d):
            x = float(found[1])
            ends = (line.source, line.target)
            ys = sorted(box.y for box in drawing.boxes if box.node in ends)
            for box in drawing.boxes:
                is_between = ys[0] < box.y < ys[-1]
                assert not (is_between and abs(box.x - x) < box.width / 2), (line, box.node)


def test_the_way_of_a_turn_is_marked_from_start_to_end() -> None:
    drawing = drawn(ran(*ROUTINE))
    assert taken(drawing) == {
        ("__start__", "screen_message"),
        ("screen_message", "classify_intent"),
        ("screen_message", "retrieve_policies"),
        ("classify_intent", "call_xero_tools"),
        ("retrieve_policies", "call_xero_tools"),
        ("call_xero_tools", "adapt_tone"),
        ("adapt_tone", "compose_reply"),
        ("compose_reply", "validate_output"),
        ("validate_output", "__end__"),
    }
    assert set(marks(drawing).values()) == {"done"}


def test_a_node_visited_twice_tells_both_times() -> None:
    drawing = drawn(ran(*ROUTINE, ("compose_reply", 7), ("validate_output", 8)))
    box = next(box for box in drawing.boxes if box.node == "compose_reply")
    assert (box.order, box.seconds) == ("5, 7", 1.0)
    assert ("validate_output", "compose_reply") in taken(drawing)


FAILED = NodeRun(
    "call_xero_tools", 3, BEGAN, 0.0, {}, "KeyError", "KeyError('x')", is_finished=False
)
CUT = replace(FAILED, node="retrieve_policies", error="CancelledError")
WAITING = replace(FAILED, error=None, detail=None, is_waiting=True)


@pytest.mark.parametrize(
    ("last", "mark"),
    [
        (FAILED, "failed"),
        (CUT, "open"),
        (WAITING, "waiting"),
        (replace(WAITING, is_waiting=False), "open"),
        (replace(FAILED, is_finished=True), "done"),
    ],
    ids=["failed", "cut off by another", "waiting", "under way", "done after a failure"],
)
def test_where_a_turn_stopped_is_told(last: NodeRun, mark: str) -> None:
    drawing = drawn(ran(*ROUTINE[:2], last=last), is_over=False)
    assert marks(drawing)[last.node] == mark
    assert "__end__" not in marks(drawing)


def test_why_it_failed_is_kept_and_being_cut_off_is_no_failure() -> None:
    steps = steps_of([FAILED, CUT])
    assert [(step.error, step.detail) for step in steps] == [
        ("KeyError", "KeyError('x')"),
        (None, ""),
    ]
