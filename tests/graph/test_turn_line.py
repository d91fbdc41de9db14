"""The one line of a turn tells how it went, passes the redaction, and quotes nobody."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from graph.turn_line import turn_fields
from monitoring.redaction import MASKED, redacted

SAID = "Mei Lin at 9123 4567 wants 200 boxes"
CREATED = datetime(2026, 11, 28, tzinfo=UTC)
RUN: dict[str, Any] = {
    "run_id": UUID(int=7),
    "turn": 3,
    "attempts": 1,
    "resume": None,
    "metadata": {"synthetic": True, "told": SAID},
    "created_at": CREATED,
    "updated_at": CREATED + timedelta(milliseconds=40),
}
STATE: dict[str, Any] = {
    "turn": {"text": SAID},
    "screened": {
        "text": SAID,
        "masked": SAID,
        "language": "en",
        "injection": 0.011,
        "personal": {"[phone_1]": "9123 4567"},
    },
    "understanding": {
        "intents": [{"name": "order", "confidence": 0.913, "part": SAID}],
        "wants": [],
        "entities": [{"kind": "product", "value": SAID}],
        "by": "classifier",
        "sentiment": "neutral",
        "misunderstood": 0,
    },
    "calls": [
        {"name": "prices", "outcome": "ok", "args": {"q": SAID}},
        {"name": "standing", "outcome": "unavailable", "args": {}},
    ],
    "facts": [{"kind": "prices", "source": "xero:items", "data": {"said": SAID}}],
    "passages": [{"id": "delivery#days", "score": 0.71, "text": SAID}],
    "card": {"kind": "order", "title": SAID, "total": "277.95"},
    "handoff": {"reason": "unusual_order", "packet": SAID},
    "reply": {"text": SAID, "by": "both", "citations": ["delivery#days"]},
    "verdict": {"passed": False, "tries": 2, "problems": [SAID]},
    "spent": [{"tokens_in": 900, "tokens_out": 60, "usd": "0.000456"}],
}


def test_the_line_tells_how_it_went_and_quotes_nobody() -> None:
    line = turn_fields(RUN, STATE)
    assert redacted(line) == line  # nothing in it has to be masked
    assert MASKED not in str(line)
    assert not [word for word in (SAID, "Mei Lin", "9123", "277.95") if word in str(line)]
    assert line["queued_ms"] == 40
    assert line["is_synthetic"] is True
    assert line["intents"] == {"order": 0.91}
    assert (line["reads"], line["unavailable"]) == (["prices"], ["standing"])
    assert (line["card_kind"], line["card_status"]) == ("order", "proposed")
    assert line["handoff_reason"] == "unusual_order"
    assert (line["problems"], line["tries"], line["masked"]) == (1, 2, 1)
    assert (line["model_calls"], line["tokens"], line["usd"]) == (1, 960, "0.000456")
    assert line["best_score"] == 0.71


def test_a_turn_that_did_little_has_a_line_too() -> None:
    few = ("screened", "understanding", "reply", "verdict")
    line = turn_fields(RUN | {"metadata": {}}, {name: STATE[name] for name in few})
    assert (line["passages"], line["facts"], line["model_calls"]) == (0, [], 0)
    assert line["is_synthetic"] is False
    assert "best_score" not in line
    assert "card_kind" not in line
