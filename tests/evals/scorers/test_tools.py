"""Calls by value of their arguments."""

from typing import Any

import pytest

from evals.outcome import Call
from tests.evals.scorers.building import a_case, a_turn, an_outcome, failures

CALLS = [
    Call(
        name="read_documents", args={"documents": ["INV-1657", "INV-1669"], "since": "2026-09-01"}
    ),
    Call(
        name="create_invoice",
        kind="write",
        args={"Invoices": [{"Total": 806.6, "Date": "/Date(1795824000000+0000)/"}]},
    ),
]


def judged(**expect: Any) -> str:
    case = a_case({"user": "when is it due", "expect": expect})
    return failures("tools", case, an_outcome(a_turn(calls=CALLS)))


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param({"name": "read_documents"}, id="by-name"),
        pytest.param({"name": "read_documents", "args": {"documents": ["inv-1669"]}}, id="subset"),
        pytest.param({"name": "read_documents", "args": {"since": "*"}}, id="anything"),
        pytest.param({"name": "read_documents", "count": 1}, id="once"),
        pytest.param({"name": "read_balance", "count": 0}, id="never"),
        pytest.param(
            {"name": "create_invoice", "args": {"Invoices": [{"Total": "806.60"}]}}, id="amount"
        ),
        pytest.param(
            {"name": "create_invoice", "args": {"Invoices": [{"Date": "2026-11-28"}]}}, id="date"
        ),
    ],
)
def test_called(wanted: dict[str, Any]) -> None:
    assert not judged(tools=[wanted])


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param({"name": "read_balance"}, id="not-called"),
        pytest.param(
            {"name": "read_documents", "args": {"documents": ["INV-1"]}}, id="other-value"
        ),
        pytest.param({"name": "read_documents", "args": {"until": "*"}}, id="no-such-argument"),
        pytest.param({"name": "read_documents", "count": 2}, id="too-few"),
        pytest.param({"name": "create_invoice", "count": 0}, id="too-many"),
        pytest.param(
            {"name": "create_invoice", "args": {"Invoices": [{"Total": "806.61"}]}}, id="amount"
        ),
        pytest.param(
            {"name": "create_invoice", "args": {"Invoices": [{"Date": "2026-11-29"}]}}, id="date"
        ),
    ],
)
def test_not_called_so(wanted: dict[str, Any]) -> None:
    assert f"expected {wanted['name']}" in judged(tools=[wanted])


def test_forbidden_calls() -> None:
    assert not judged(tools_forbidden=["create_quote"])
    assert "called create_invoice" in judged(tools_forbidden=["create_invoice"])
