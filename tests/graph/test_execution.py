from typing import Any

import pytest
from prometheus_client import REGISTRY

from graph.execution import _count


def guessed() -> float:
    return REGISTRY.get_sample_value("tria_guessing_total") or 0


@pytest.mark.parametrize(
    ("handoff", "more"), [({"reason": "guessing"}, 1), ({"reason": "complaint"}, 0), (None, 0)]
)
def test_a_turn_that_tried_numbers_out_is_counted(handoff: Any, more: int) -> None:
    before = guessed()
    _count({"reply": {"by": "templates", "is_shared": False}, "handoff": handoff})
    assert guessed() == before + more
