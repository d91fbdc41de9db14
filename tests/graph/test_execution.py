from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from prometheus_client import REGISTRY

from graph.worker import _count, _open_card
from tools.conversations import Message


def guessed() -> float:
    return REGISTRY.get_sample_value("tria_guessing_total") or 0


@pytest.mark.parametrize(
    ("handoff", "more"), [({"reason": "guessing"}, 1), ({"reason": "complaint"}, 0), (None, 0)]
)
def test_a_turn_that_tried_numbers_out_is_counted(handoff: Any, more: int) -> None:
    before = guessed()
    _count({"reply": {"by": "templates", "is_shared": False}, "handoff": handoff})
    assert guessed() == before + more


CARD = {"action_id": UUID(int=7), "hash": "a hash"}


def said(text: str, role: str = "ai", **extra: Any) -> Message:
    return {
        "message_id": "m",
        "run_id": "r",
        "role": role,
        "content": text,
        "extra": extra,
        "created_at": datetime.now(UTC),
    }


@pytest.mark.parametrize(
    ("last", "is_asked"),
    [
        (said("Shall I place this order?", card={"action_id": str(UUID(int=7))}), True),
        (said("You owe SGD 1.00."), True),
        (said("Shall I pass your question to our team?"), False),
        (said("要我帮您转给同事吗？"), False),
        (said("Shall I send it?", card={"action_id": str(UUID(int=8))}), False),
    ],
)
def test_a_bare_yes_answers_a_card_only_if_nothing_else_was_asked(
    last: Message, *, is_asked: bool
) -> None:
    history = [said("hello", "human"), last, said("hm", "human")]
    assert _open_card(CARD, history)["is_asked"] is is_asked
