"""What a turn is counted as, from its state alone; no text of it is ever a label."""

from typing import Any, cast, get_args

import pytest
from prometheus_client import REGISTRY, generate_latest

from graph.builder import build_graph
from graph.counting import begin_counts, count_gate, count_turn, node_watch, result_of, verdict_of
from graph.part_counts import count_xero_call
from nodes.prompts import version
from nodes.state import INTENTS, State
from tests.graph.test_turn_line import STATE
from tools.actions.proposing import Kind
from tools.errors import BackendUnavailable
from tools.xero.exchange import Call

PLAIN: dict[str, Any] = {
    "handoff": None,
    "card": None,
    "facts": [],
    "spent": [],
    "reply": {"by": "templates", "is_shared": False},
}
HOSTILE = 'x"} 1\nevil{a="Tan Ah Kow 9123 4567'


def count(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0


def series() -> set[str]:
    return {line.rpartition(" ")[0] for line in generate_latest().decode().splitlines()}


def a_state(**changes: Any) -> State:
    return cast(State, STATE | PLAIN | changes)


def test_every_closed_label_begins_at_none() -> None:
    begin_counts()
    for intent in INTENTS:
        assert (
            REGISTRY.get_sample_value("tria_intents_total", {"intent": intent, "by": "model"})
            is not None
        )
    for kind in get_args(Kind):
        labels = {"kind": kind, "status": "committed"}
        assert REGISTRY.get_sample_value("tria_actions_ended_total", labels) is not None
    build_graph()
    for node in build_graph().nodes.keys() - {"__start__"}:
        labels = {"node": node, "error": "other"}
        assert REGISTRY.get_sample_value("tria_node_errors_total", labels) is not None, node


@pytest.mark.parametrize(
    ("changes", "result"),
    [
        ({"handoff": {"reason": "person"}, "card": {"status": "proposed"}}, "handed_off"),
        ({"card": {"status": "proposed"}}, "card"),
        ({"card": {"status": "committed"}}, "answered"),
        ({"facts": [{"kind": "which_document", "data": {}}]}, "asked_back"),
        ({"facts": [{"kind": "unavailable", "data": {"part": "xero"}}]}, "unavailable"),
        ({"facts": [{"kind": "balance", "data": {}}]}, "answered"),
    ],
)
def test_what_a_turn_came_to(changes: dict[str, Any], result: str) -> None:
    assert result_of(a_state(**changes)) == result


PASSED = {"passed": True, "problems": [], "tries": 1}
ASKED = {"purpose": "compose_reply", "tokens_in": 1, "tokens_out": 1, "usd": "0"}
AGAIN = ASKED | {"prompt": version("rewrite_sentence")}


@pytest.mark.parametrize(
    ("by", "more", "spent", "verdict", "left_as"),
    [
        ("model", {}, [ASKED], PASSED, "passed"),
        ("model", {}, [ASKED, AGAIN], PASSED, "rewritten"),
        ("both", {}, [ASKED, AGAIN], PASSED, "templates"),
        ("templates", {}, [ASKED], PASSED | {"tries": 2}, "templates"),
        ("templates", {}, [], PASSED, "passed"),
        ("cache", {}, [], PASSED, "passed"),
        ("templates", {"withheld": ["empty"]}, [], PASSED | {"passed": False}, "fixed"),
        ("templates", {}, [ASKED], PASSED | {"passed": False, "tries": 2}, "fixed"),
    ],
)
def test_how_a_reply_left_the_gate(
    by: str, more: dict[str, Any], spent: list[Any], verdict: dict[str, Any], left_as: str
) -> None:
    state = a_state(reply={"by": by, "is_shared": False} | more, spent=spent, verdict=verdict)
    assert verdict_of(state) == left_as


def test_what_is_not_known_is_other() -> None:
    begin_counts()
    before = series()
    count_turn(a_state(handoff={"reason": HOSTILE}))
    count_gate({"verdict": {"problems": [f"no source for {HOSTILE}", HOSTILE, "no source for id"]}})
    assert count("tria_handoffs_total", reason="other") >= 1
    assert count("tria_gate_refusals_total", rule="other") >= 2
    assert count("tria_gate_refusals_total", rule="id") >= 1
    assert not [line for line in series() - before if "evil" in line or "9123" in line]


def test_a_path_with_anything_in_it_is_one_series() -> None:
    for path in ("/Invoices/TRIA-000123", f"/{HOSTILE}", "/Invoices/{id}/../../etc", "/a" * 50):
        count_xero_call(a_call(path))
    assert not [line for line in series() if "TRIA-0001" in line or "etc" in line]
    assert count("tria_xero_call_seconds_count", method="GET", path="other", outcome="ok") >= 4


@pytest.mark.parametrize(
    ("method", "problem", "outcome"),
    [
        ("GET", None, "ok"),
        ("GET", "answer_lost", "unavailable"),
        ("PUT", "answer_lost", "unknown"),
        ("PUT", "failed", "unknown"),
        ("PUT", "not_sent", "unavailable"),
        ("PUT", "rejected", "rejected"),
        ("GET", "limit_minute", "limited"),
    ],
)
def test_how_a_call_of_xero_went(method: str, problem: Any, outcome: str) -> None:
    labels = {"method": method, "path": "/Invoices/{id}", "outcome": outcome}
    before = count("tria_xero_call_seconds_count", **labels)
    count_xero_call(a_call("/Invoices/{id}", method, problem))
    assert count("tria_xero_call_seconds_count", **labels) == before + 1


def test_each_try_of_a_node_that_raises_is_counted_and_nothing_is_decided() -> None:
    watch = node_watch("call_xero_tools")
    assert watch(BackendUnavailable(HOSTILE)) is False
    assert watch(ValueError(HOSTILE)) is False
    for kind in ("BackendUnavailable", "other"):
        assert count("tria_node_errors_total", node="call_xero_tools", error=kind) >= 1


def a_call(path: str, method: str = "GET", problem: Any = None) -> Call:
    return Call(cast(Any, None), method, path, 200, problem, 12, "chat")
